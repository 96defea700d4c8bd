import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { createSqliteBackend, SQLITE_SCHEMA } from '../../src/backends/sqlite.ts'
import type { SqliteBackend } from '../../src/backends/sqlite.ts'
import { BackendError } from '../../src/index.ts'
import { createFolder, installedDrivers } from './sqlite-drivers.ts'

const folder = createFolder()
const quiet = { sweepEveryMs: 0 }
const NOT_FOUND = { ok: false, reason: 'not_found' }

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
}

function tablesOf(database: DatabaseSync): unknown[] {
  const rows = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
  return rows.all().map((row) => row['name'])
}

async function holds(backend: SqliteBackend, key: string): Promise<boolean> {
  return (await backend.get(key)).ok
}

describe('createSqliteBackend', () => {
  it('opens a path, keeps sessions there across instances, and closes twice without a fault', async () => {
    const path = folder.file()
    const first = createSqliteBackend(path)
    const key = await first.generate({ value: 'kept' })
    first.close()
    first.close()
    await expect(first.get(key)).rejects.toBeInstanceOf(BackendError)
    const second = createSqliteBackend(path, quiet)
    expect(await second.get(key)).toMatchObject({ ok: true, value: 'kept' })
    second.close()
    expect(() => statSync(`${path}-wal`)).toThrow('ENOENT')
  })

  it('turns on WAL for the file, whoever opened it', () => {
    const path = folder.file()
    const database = new DatabaseSync(path)
    expect(pragma(database, 'journal_mode')).toBe('delete')
    createSqliteBackend(database, quiet)
    expect(pragma(database, 'journal_mode')).toBe('wal')
    const other = folder.file()
    createSqliteBackend(other, quiet).close()
    expect(pragma(new DatabaseSync(other), 'journal_mode')).toBe('wal')
  })

  it('waits for locks unless the connection has a timeout of its own', () => {
    const patient = new DatabaseSync(folder.file())
    createSqliteBackend(patient, quiet)
    expect(pragma(patient, 'busy_timeout')).toBe(5000)
    const own = new DatabaseSync(folder.file(), { timeout: 70 })
    createSqliteBackend(own, quiet)
    expect(pragma(own, 'busy_timeout')).toBe(70)
  })

  it('leaves the settings of a given database alone, and checks the option', () => {
    const database = new DatabaseSync(folder.file())
    database.exec('PRAGMA synchronous = EXTRA')
    createSqliteBackend(database, { ...quiet, durability: 'process' })
    expect(pragma(database, 'synchronous')).toBe(3)
    expect(pragma(database, 'cache_size')).toBe(-2000)
    expect(pragma(database, 'wal_autocheckpoint')).toBe(1000)
    expect(pragma(database, 'mmap_size')).toBe(0)
    const wrong = 'forever' as 'power'
    expect(() => createSqliteBackend(folder.file(), { durability: wrong })).toThrow(
      '"durability" must be "process" or "power"',
    )
  })

  it.each([
    ['process', 'NORMAL'],
    ['power', 'FULL'],
    [undefined, 'NORMAL'],
  ] as const)('opens a path with durability %s as synchronous = %s', async (durability, mode) => {
    const exec = vi.spyOn(DatabaseSync.prototype, 'exec')
    const backend = createSqliteBackend(folder.file(), { ...quiet, durability })
    const statements = exec.mock.calls.map(([sql]) => sql)
    exec.mockRestore()
    expect(statements).toContain(`PRAGMA synchronous = ${mode}`)
    expect(statements).toContain('PRAGMA wal_autocheckpoint = 4000')
    expect(await holds(backend, await backend.generate({ value: 'a' }))).toBe(true)
    backend.close()
  })

  it('keeps sessions of two tables in one file apart', async () => {
    const database = new DatabaseSync(folder.file())
    const users = createSqliteBackend(database, { ...quiet, table: 'users_sessions' })
    const admins = createSqliteBackend(database, { ...quiet, table: 'order' })
    const key = await users.generate({ value: 'a' })
    expect(await holds(admins, key)).toBe(false)
    expect(await admins.clearAll()).toBe(0)
    expect(await holds(users, key)).toBe(true)
    expect(tablesOf(database)).toEqual(['order', 'sojourn_schema', 'users_sessions'])
  })

  it.each(['', 'a b', 'a"b', 'a;DROP TABLE x', 'x'.repeat(64), 'sqlite_x', 'Sojourn_Schema', '1a'])(
    'refuses the table name %j',
    (table) => {
      const make = () => createSqliteBackend(folder.file(), { table })
      expect(make).toThrow(new TypeError('"table" must be a plain SQL name'))
    },
  )

  it('refuses what is no database', () => {
    for (const database of [undefined, null, 7, {}, { exec() {} }]) {
      expect(() => createSqliteBackend(database as never)).toThrow(
        new TypeError('"database" must be a path or an SQLite database'),
      )
    }
  })

  it('refuses a database that gives rows as arrays', () => {
    const database = new DatabaseSync(folder.file(), { returnArrays: true })
    expect(() => createSqliteBackend(database)).toThrow(BackendError)
  })

  it('writes down the version of its schema, and refuses a newer one without touching it', () => {
    const database = new DatabaseSync(folder.file())
    createSqliteBackend(database, quiet)
    const version = database.prepare('SELECT name, version FROM sojourn_schema')
    expect({ ...version.get() }).toEqual({ name: 'sojourn_sessions', version: 1 })
    database.exec('UPDATE sojourn_schema SET version = 2; DROP TABLE sojourn_sessions')
    for (const table of ['sojourn_sessions', 'Sojourn_Sessions']) {
      expect(() => createSqliteBackend(database, { ...quiet, table })).toThrow(
        new BackendError('the SQLite table was made by a newer version of this library'),
      )
    }
    expect(tablesOf(database)).toEqual(['sojourn_schema'])
    expect(database.isTransaction).toBe(false)
  })

  it('takes a table that a migration made from SQLITE_SCHEMA', async () => {
    const database = new DatabaseSync(folder.file())
    database.exec(SQLITE_SCHEMA.replaceAll('{table}', 'migrated'))
    const backend = createSqliteBackend(database, { ...quiet, table: 'migrated' })
    expect(await holds(backend, await backend.generate({ value: 'a' }))).toBe(true)
  })

  it('drops the fraction of a clock that has one', async () => {
    const now = () => 1000.75
    const backend = createSqliteBackend(folder.file(), { ...quiet, period: 60, now })
    expect(await holds(backend, await backend.generate({ value: 'a' }))).toBe(true)
    backend.close()
  })

  it('clears a session that was born expired by the longest span that there is', async () => {
    const backend = createSqliteBackend(folder.file(), quiet)
    const born = await backend.generate({ value: 'a', expiry: -Number.MAX_SAFE_INTEGER })
    expect(await backend.get(born)).toEqual(NOT_FOUND)
    await backend.clear(born)
    const ended = await backend.generate({ value: 'a' })
    await backend.set(ended, 'b', { expiry: -Number.MAX_SAFE_INTEGER })
    expect(await backend.get(ended)).toEqual(NOT_FOUND)
    await backend.clear(ended)
    expect(await backend.sweep()).toBe(0)
    backend.close()
  })
})

describe.each(installedDrivers())(
  'createSqliteBackend beside an application on $name',
  (driver) => {
    function open() {
      const database = driver.open(folder.file())
      database.exec('CREATE TABLE users (id INTEGER PRIMARY KEY, subject TEXT)')
      return { database, users: () => database.prepare('SELECT count(*) AS n FROM users').get() }
    }

    it('refuses a table of the application’s and leaves the file as it was', () => {
      const { database, users } = open()
      expect(() => createSqliteBackend(database, { table: 'users' })).toThrow(BackendError)
      const objects = database.prepare('SELECT count(*) AS n FROM sqlite_master')
      expect(objects.get()).toMatchObject({ n: 1 })
      database.exec('BEGIN; INSERT INTO users VALUES (1, NULL); COMMIT')
      expect(users()).toMatchObject({ n: 1 })
    })

    it('writes inside the application’s transaction, and is kept or undone with it', async () => {
      const { database, users } = open()
      const backend = createSqliteBackend(database, quiet)
      const before = await backend.generate({ value: 'before' })
      database.exec('BEGIN; INSERT INTO users VALUES (1, NULL)')
      const undone = await backend.generate({ value: 'a', subject: 'ann' })
      expect(await backend.set(before, 'changed')).toMatchObject({ ok: true })
      expect(await backend.rotate(undone, 1)).toMatchObject({ ok: true })
      expect(await backend.set(undone, 'old key')).toMatchObject({ ok: false })
      database.exec('ROLLBACK')
      expect(users()).toMatchObject({ n: 0 })
      expect(await holds(backend, undone)).toBe(false)
      expect(await backend.get(before)).toMatchObject({ value: 'before', version: 1 })
      database.exec('BEGIN; INSERT INTO users VALUES (2, NULL)')
      const kept = await backend.generate({ value: 'a' })
      await backend.set(kept, 'b')
      database.exec('COMMIT')
      expect(users()).toMatchObject({ n: 1 })
      expect(await backend.get(kept)).toMatchObject({ value: 'b', version: 2 })
    })

    it('refuses to start inside a transaction, and does not end it', () => {
      const { database, users } = open()
      database.exec('BEGIN; INSERT INTO users VALUES (1, NULL)')
      expect(() => createSqliteBackend(database)).toThrow(BackendError)
      database.exec('COMMIT')
      expect(users()).toMatchObject({ n: 1 })
    })
  },
)

describe('createSqliteBackend beside an application', () => {
  it('works while a query of the application’s is being read', async () => {
    const database = new DatabaseSync(folder.file())
    database.exec(
      'CREATE TABLE users (id INTEGER PRIMARY KEY); INSERT INTO users VALUES (1), (2), (3)',
    )
    const backend = createSqliteBackend(database, quiet)
    const key = await backend.generate({ value: '0' })
    const seen: unknown[] = []
    for (const row of database.prepare('SELECT id FROM users').iterate()) {
      seen.push(row['id'])
      expect(await backend.set(key, 'x')).toMatchObject({ ok: true, version: seen.length + 1 })
    }
    expect(seen).toEqual([1, 2, 3])
  })
})
