// One of several processes on one SQLite file: does the task it is told to once it is told "go".
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { createSqliteBackend } from '../../../src/backends/sqlite.ts'
import { prepareFile } from '../../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../../src/backends/sqlite/store.ts'
import { createSessionManager, SessionGoneError } from '../../../src/index.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'

const [task = '', path = '', argument = ''] = process.argv.slice(2)

function openManager() {
  const backend = createSqliteBackend(path)
  return { backend, sessions: createSessionManager<number>({ backend }) }
}

async function load(sessions: ReturnType<typeof openManager>['sessions']) {
  const found = await sessions.fromKey(argument)
  if (!found.ok) throw new Error('the session of the test is missing')
  return found.session
}

/** Sixteen increments of one session at once. */
async function increment(): Promise<void> {
  const { sessions } = openManager()
  const loaded = await Promise.all(Array.from({ length: 16 }, () => load(sessions)))
  await ready()
  await Promise.all(loaded.map((session) => sessions.update(session, (count) => count + 1)))
}

/** The first start of everyone on a new file. */
async function start(): Promise<void> {
  await ready()
  const { sessions } = openManager()
  console.log((await sessions.generate(1)).key)
}

/** Increments until the session is gone. */
async function write(): Promise<void> {
  const { sessions } = openManager()
  const session = await load(sessions)
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

/** Eight sessions of a subject that may have five. */
async function crowd(): Promise<void> {
  const database = new DatabaseSync(path)
  prepareFile(database, 'crowd')
  const store = createSqliteStore(database, 'crowd', Date.now)
  await ready()
  let created = 0
  for (let n = 0; n < 8; n++) {
    const atLimit = argument as 'refuse' | 'evict_oldest'
    const result = await store.create(draft({ subject: 'ann' }), { maxPerSubject: 5, atLimit })
    if (result.ok) created++
  }
  console.log(created)
}

/** Holds the write lock for as many milliseconds. */
async function hold(): Promise<void> {
  const database = new DatabaseSync(path)
  await ready()
  database.exec('BEGIN IMMEDIATE')
  console.log('held')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(argument))
  database.exec('COMMIT')
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
  hold,
}
await tasks[task]?.()
