// One of several processes on one MariaDB: does the task it is told to once it is told "go".
import { once } from 'node:events'
import * as mariadb from 'mariadb'
import * as mysql2 from 'mysql2/promise'
import { createMysqlBackend } from '../../../src/backends/mysql.ts'
import { createAsk, createLend } from '../../../src/backends/mysql/ask.ts'
import { accessTo } from '../../../src/backends/mysql/pool.ts'
import { createMysqlStore } from '../../../src/backends/mysql/store.ts'
import { createSessionManager, SessionGoneError } from '../../../src/index.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'

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
const store = createMysqlStore(createAsk(access, createLend(access, 30_000)), table)
const sessions = createSessionManager<number>({ backend })

async function load() {
  const found = await sessions.fromKey(argument)
  if (!found.ok) throw new Error('the session of the test is missing')
  return found.session
}

/** Sixteen increments of one session at once. */
async function increment(): Promise<void> {
  const loaded = await Promise.all(Array.from({ length: 16 }, load))
  await ready()
  await Promise.all(loaded.map((session) => sessions.update(session, (count) => count + 1)))
}

/** The first start of everyone on a new database. */
async function start(): Promise<void> {
  await ready()
  await backend.migrate()
  console.log((await sessions.generate(1)).key)
}

/** Increments until the session is gone. */
async function write(): Promise<void> {
  const session = await load()
  await ready()
  for (let written = 0; ; written++) {
    try {
      await sessions.update(session, (count) => count + 1)
    } catch (error) {
      if (!(error instanceof SessionGoneError)) throw error
      console.log(written)
      return
    }
    if (written === 20) console.log('busy')
  }
}

/** Eight sessions of a subject that may have five: four made as the subject's, and four bound to it. */
async function crowd(): Promise<void> {
  const limit = { maxPerSubject: 5, atLimit: argument as 'refuse' | 'evict_oldest' }
  const guests = Array.from({ length: 4 }, () => draft())
  for (const guest of guests) await store.create(guest)
  await ready()
  const results = await Promise.all([
    ...guests.map(async () => store.create(draft({ subject: 'ann' }), limit)),
    ...guests.map(async ({ recordId }) =>
      store.updateSecurity(recordId, { subject: 'ann' }, 1, limit),
    ),
  ])
  console.log(results.filter(({ ok }) => ok).length)
}

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

async function ready(): Promise<void> {
  console.log('ready')
  await once(process.stdin, 'data')
  process.stdin.destroy()
}

const tasks: Readonly<Record<string, () => Promise<void>>> = {
  increment,
  start,
  write,
  crowd,
  mix,
}
await tasks[task]?.()
await pool.end()
