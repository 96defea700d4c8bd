// One of several processes on one SQLite file: does the task it is told to once it is told "go".
import { DatabaseSync } from 'node:sqlite'
import { createSqliteBackend } from '../../../src/backends/sqlite.ts'
import { prepareFile } from '../../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../../src/backends/sqlite/store.ts'
import { createSessionManager } from '../../../src/index.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'
import { ready, sessionTasks } from '../../processes/tasks.ts'
import type { Tasks } from '../../processes/tasks.ts'

const [task = '', path = '', argument = ''] = process.argv.slice(2)

function openManager() {
  return createSessionManager<number>({ backend: createSqliteBackend(path) })
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

const tasks: Tasks = {
  ...sessionTasks(openManager, argument),
  crowd,
  hold,
}
await tasks[task]?.()
