import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { prepareFile } from '../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../src/backends/sqlite/store.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'
import { createFolder, installedDrivers } from './sqlite-drivers.ts'

const folder = createFolder()
const quiet = { sweepEveryMs: 0 }

async function faultOf(run: () => unknown): Promise<BackendError> {
  try {
    await run()
  } catch (error) {
    if (error instanceof BackendError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A file whose one connection may not grow it any more. */
function fullDatabase(): DatabaseSync {
  const database = new DatabaseSync(folder.file())
  prepareFile(database, 'sojourn_sessions')
  const { page_count } = database.prepare('PRAGMA page_count').get() as { page_count: number }
  database.exec(`PRAGMA max_page_count = ${page_count + 4}`)
  return database
}

describe('createSqliteBackend', () => {
  it.each([
    ['a folder', () => folder.path],
    ['a file in a folder that is missing', () => join(folder.path, 'missing', 'secret-path.db')],
    ['a path with U+0000', () => join(folder.path, 'secret-path\0.db')],
    [
      'a file that is no database',
      () => {
        const path = folder.file()
        writeFileSync(path, randomBytes(8192))
        return path
      },
    ],
  ])('reports %s as a fault without naming the path', async (_, pathOf) => {
    const path = pathOf()
    const error = await faultOf(() => createSqliteBackend(path))
    expect(error.message).toMatch(/^the SQLite database cannot be (opened|prepared)$/)
    expect(error.cause).toBeInstanceOf(Error)
    expect(inspect(error)).not.toContain('secret-path')
  })

  it('reports a read-only database at once', async () => {
    const path = folder.file()
    new DatabaseSync(path).exec('CREATE TABLE users (id INTEGER PRIMARY KEY)')
    const startedMs = performance.now()
    const database = new DatabaseSync(path, { readOnly: true })
    expect((await faultOf(() => createSqliteBackend(database))).cause).toBeInstanceOf(Error)
    expect(performance.now() - startedMs).toBeLessThan(3000)
  })

  it('reports a path that is opened for reading only', async () => {
    const path = folder.file()
    new DatabaseSync(path).exec('CREATE TABLE users (id INTEGER PRIMARY KEY)')
    const error = await faultOf(() => createSqliteBackend(`file:${path}?mode=ro`))
    expect(error.message).toBe('the SQLite database cannot be prepared')
    expect(error.cause).toMatchObject({ message: expect.stringMatching('readonly') })
  })

  it('reports a file that turns out to be corrupt, and not a missing session', async () => {
    const path = folder.file()
    const first = createSqliteBackend(path, quiet)
    const key = await first.generate({ value: 'secret-value' })
    first.close()
    const database = new DatabaseSync(path)
    const { page_size } = database.prepare('PRAGMA page_size').get() as { page_size: number }
    const { page_count } = database.prepare('PRAGMA page_count').get() as { page_count: number }
    database.close()
    // The first page holds the schema, which stays readable; all after it is noise.
    const file = openSync(path, 'r+')
    writeSync(file, randomBytes(page_size * (page_count - 1)), 0, null, page_size)
    closeSync(file)
    const error = await faultOf(() => createSqliteBackend(path, quiet).get(key))
    expect(inspect(error)).not.toContain('secret-value')
    expect(inspect(error)).not.toContain(key)
  })

  it('reports a full disk, changes nothing then, and goes on when there is room', async () => {
    const database = fullDatabase()
    const backend = createSqliteBackend(database, quiet)
    const key = await backend.generate({ value: 'before' })
    const large = 'secret-value'.repeat(10_000)
    const error = await faultOf(() => backend.set(key, large))
    expect(error.message).toBe('the backend failed to set a session')
    expect(error.cause).toMatchObject({ message: expect.stringMatching('full') })
    expect(inspect(error)).not.toContain('secret-value')
    expect(inspect(error)).not.toContain(key)
    await faultOf(() => backend.generate({ value: large }))
    expect(database.isTransaction).toBe(false)
    expect(await backend.get(key)).toMatchObject({ value: 'before', version: 1 })
    database.exec('PRAGMA max_page_count = 100000')
    expect(await backend.set(key, large)).toMatchObject({ ok: true, version: 2 })
  })

  it('reports a full disk inside the application’s transaction without ending it', async () => {
    const database = fullDatabase()
    const backend = createSqliteBackend(database, quiet)
    const key = await backend.generate({ value: 'before' })
    database.exec('BEGIN')
    await backend.set(key, 'inside')
    await faultOf(() => backend.set(key, 'x'.repeat(100_000)))
    expect(database.isTransaction).toBe(true)
    database.exec('COMMIT')
    expect(await backend.get(key)).toMatchObject({ value: 'inside', version: 2 })
  })

  it('creates nothing and evicts nobody when the disk is full', async () => {
    const database = fullDatabase()
    const store = createSqliteStore(database, 'sojourn_sessions', () => 1000)
    const first = draft({ subject: 'ann' })
    await store.create(first)
    const limit = { maxPerSubject: 1, atLimit: 'evict_oldest' } as const
    const large = draft({ subject: 'ann', value: 'x'.repeat(100_000) })
    expect(() => store.create(large, limit)).toThrow('full')
    expect(await store.list('ann')).toMatchObject([{ recordId: first.recordId }])
    expect(database.isTransaction).toBe(false)
  })
})

describe.each(installedDrivers())('createSqliteBackend on $name beside a long lock', ({ open }) => {
  it('reports the lock as a fault, still reads, and goes on after it', async () => {
    const path = folder.file()
    const database = open(path)
    database.exec('PRAGMA busy_timeout = 40')
    const sessions = createSessionManager<string>({ backend: createSqliteBackend(database, quiet) })
    const session = await sessions.generate('before')
    const other = open(path)
    other.exec('BEGIN IMMEDIATE')
    const error = await faultOf(() => sessions.set(session, { value: 'secret-value' }))
    expect(error.cause).toMatchObject({ message: expect.stringMatching('database is locked') })
    expect(inspect(error)).not.toMatch('secret-value')
    await faultOf(() => sessions.generate('more'))
    await faultOf(() => sessions.clear(session))
    expect(session.value).toBe('before')
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: 'before' } })
    other.exec('COMMIT')
    await sessions.set(session, { value: 'after' })
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: 'after' } })
  })

  it('reports a lock at its start', async () => {
    const path = folder.file()
    createSqliteBackend(open(path), quiet)
    const other = open(path)
    other.exec('BEGIN IMMEDIATE')
    const database = open(path)
    database.exec('PRAGMA busy_timeout = 40')
    const error = await faultOf(() => createSqliteBackend(database))
    expect(error.cause).toMatchObject({ message: expect.stringMatching('database is locked') })
    other.exec('COMMIT')
    createSqliteBackend(database).close()
  })
})
