// One of several processes on one PostgreSQL: does the task it is told to once it is told "go".
import { Pool } from 'pg'
import postgres from 'postgres'
import { createPostgresBackend } from '../../../src/backends/postgres.ts'
import { connectionOf } from '../../../src/backends/postgres/client.ts'
import { namesOf } from '../../../src/backends/postgres/schema.ts'
import { statementsOf } from '../../../src/backends/postgres/statements.ts'
import { createPostgresStore } from '../../../src/backends/postgres/store.ts'
import { createTimeLimit } from '../../../src/core/time-limit.ts'
import { createSessionManager } from '../../../src/index.ts'
import { crowd, sessionTasks } from '../../processes/tasks.ts'
import type { Tasks } from '../../processes/tasks.ts'

const [task = '', driver = '', table = '', argument = ''] = process.argv.slice(2)
const url = process.env['POSTGRES_URL'] ?? ''
const pool = new Pool({ connectionString: url, max: 5 })
const sql = postgres(url, { max: 5 })
const client = driver === 'postgres.js' ? sql : pool
const backend = createPostgresBackend(client, { table, sweepEveryMs: 0 })
const sessions = createSessionManager<number>({ backend })

const connection = connectionOf(client, true, 5000)
const store = createPostgresStore(
  statementsOf(namesOf(table)),
  (statement, values) => connection.ask(statement, values),
  createTimeLimit(5000),
)

async function open() {
  await backend.migrate()
  return sessions
}

const tasks: Tasks = {
  ...sessionTasks(open, argument),
  crowd: () => crowd(store, argument),
}
await tasks[task]?.()
await Promise.all([pool.end(), sql.end()])
