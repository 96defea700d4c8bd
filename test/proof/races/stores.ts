import { createMemoryStore } from '../../../src/backends/memory.ts'
import { createSqliteStore } from '../../../src/backends/sqlite/store.ts'
import { prepareFile } from '../../../src/backends/sqlite/schema.ts'
import type { CreateStore } from './logout.ts'

/** The engines that a race runs on without a server. */
export const STORES: readonly (readonly [name: string, create: CreateStore])[] = [
  ['memory', (now) => createMemoryStore(now)],
  [
    'SQLite',
    (now) => {
      const sqlite = process.getBuiltinModule('node:sqlite')
      const db = new sqlite.DatabaseSync(':memory:')
      prepareFile(db, 'races', undefined)
      return createSqliteStore(db, 'races', now)
    },
  ],
]

/**
 * A store with the fault of the original: `update` brings back what was deleted since it was read. The races
 * must find it out.
 */
export const createReviving: CreateStore = (now) => {
  const store = createMemoryStore(now)
  const made = new Map<string, Parameters<typeof store.create>[0]>()
  return {
    ...store,
    create(record, limit) {
      made.set(record.recordId, record)
      return store.create(record, limit)
    },
    async update(recordId, secretHash, change, version) {
      const done = await store.update(recordId, secretHash, change, version)
      const record = made.get(recordId)
      if (done.ok || done.reason !== 'gone' || record === undefined) return done
      await store.create({ ...record, secretHash })
      return store.update(recordId, secretHash, change)
    },
  }
}
