// One of several processes on one PostgreSQL: does the task it is told to once it is told "go".
import { once } from 'node:events'
import { Pool } from 'pg'
import postgres from 'postgres'
import { createPostgresBackend } from '../../../src/backends/postgres.ts'
import { connectionOf } from '../../../src/backends/postgres/client.ts'
import { namesOf } from '../../../src/backends/postgres/schema.ts'
import { statementsOf } from '../../../src/backends/postgres/statements.ts'
import { createPostgresStore } from '../../../src/backends/postgres/store.ts'
import { createSessionManager, SessionGoneError } from '../../../src/index.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'

const [task = '', driver = '', table = '', argument = ''] = process.argv.slice(2)
const url = process.env['POSTGRES_URL'] ?? ''
const pool = new Pool({ connectionString: url, max: 5 })
const sql = postgres(url, { max: 5 })
const client = driver === 'postgres.js' ? sql : pool
const backend = createPostgresBackend(client, { table, sweepEveryMs: 0 })
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
  const connection = connectionOf(client, true, 5000)
  const store = createPostgresStore(statementsOf(namesOf(table)), (statement, values) =>
    connection.ask(statement, values),
  )
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

async function ready(): Promise<void> {
  console.log('ready')
  await once(process.stdin, 'data')
  process.stdin.destroy()
}

const tasks: Readonly<Record<string, () => Promise<void>>> = { increment, start, write, crowd }
await tasks[task]?.()
await Promise.all([pool.end(), sql.end()])
