// One of several processes on one MariaDB: does the task it is told to once it is told "go".
import * as mariadb from 'mariadb'
import * as mysql2 from 'mysql2/promise'
import { createMysqlBackend } from '../../../src/backends/mysql.ts'
import { createAsk, createLend } from '../../../src/backends/mysql/ask.ts'
import { accessTo } from '../../../src/backends/mysql/pool.ts'
import { createMysqlStore } from '../../../src/backends/mysql/store.ts'
import { createTimeLimit } from '../../../src/core/time-limit.ts'
import { createSessionManager } from '../../../src/index.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'
import { crowd, ready, sessionTasks } from '../../processes/tasks.ts'
import type { Tasks } from '../../processes/tasks.ts'

const [task = '', driver = '', table = '', argument = ''] = process.argv.slice(2)
const { hostname, port, username, password, pathname } = new URL(process.env['MARIADB_URL'] ?? '')
const connection = {
  host: hostname,
  port: Number(port),
  user: username,
  password,
  database: pathname.slice(1),
  connectionLimit: 8,
}
const pool = driver === 'mysql2' ? mysql2.createPool(connection) : mariadb.createPool(connection)
const backend = createMysqlBackend(pool, { table, sweepEveryMs: 0 })
const access = accessTo(pool)
const store = createMysqlStore(
  createAsk(access, createLend(access, 30_000)),
  table,
  createTimeLimit(30_000),
)
const sessions = createSessionManager<number>({ backend })

/** Everything that can be done to the sessions of three subjects, by eight callers at once. */
async function mix(): Promise<void> {
  const limit = { maxPerSubject: 3, atLimit: 'evict_oldest' } as const
  const subjects = ['ann', 'bob', 'cat']
  await ready()
  await Promise.all(
    Array.from({ length: 8 }, async (_, caller) => {
      for (let turn = 0; turn < 20; turn++) {
        const [subject, other] = [subjects[turn % 3]!, subjects[(turn + caller) % 3]!]
        const record = draft({ subject })
        const { recordId, secretHash } = record
        await store.create(record, limit)
        await store.update(recordId, secretHash, { value: 'v' }, 1)
        await store.updateSecurity(recordId, { subject: other }, 1, limit)
        await store.update(recordId, secretHash, { idleMs: caller === 0 ? -600_000 : 60_000 })
        if (turn % 5 === caller % 5) await store.deleteSubject(other, recordId)
        if (turn % 7 === caller % 7) await store.delete(recordId, secretHash)
        if (caller === 1) await store.sweep(10)
      }
    }),
  )
  console.log('done')
}

async function open() {
  await backend.migrate()
  return sessions
}

const tasks: Tasks = {
  ...sessionTasks(open, argument),
  crowd: () => crowd(store, argument),
  mix,
}
await tasks[task]?.()
await pool.end()
