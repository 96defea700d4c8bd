import { describe, expect, it } from 'vitest'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import type { SqliteDatabase } from '../../src/backends/sqlite.ts'
import { prepareFile } from '../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../src/backends/sqlite/store.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import { backendContract, createTestClock, storeContract } from '../../src/testing/index.ts'
import { createFolder, installedDrivers } from './sqlite-drivers.ts'
import { sealedSuite } from './sealed-suite.ts'
import { valuesSuite } from './values-suite.ts'

const folder = createFolder()
const quiet = { sweepEveryMs: 0 }
const clock = createTestClock()

function openStore(database: SqliteDatabase) {
  prepareFile(database, 'contract')
  return createSqliteStore(database, 'contract', clock.now)
}

const drivers = installedDrivers()

describe.each(drivers)('createSqliteBackend on $name', ({ open }) => {
  describe('storeContract', () => {
    const create = () => openStore(open(folder.file()))
    for (const { name, run } of storeContract({ create, advance: clock.advance })) it(name, run)
  })

  describe('backendContract', () => {
    const create = () =>
      createSqliteBackend(open(folder.file()), { ...quiet, period: 60, now: clock.now })
    for (const { name, run } of backendContract({ create, advance: clock.advance })) it(name, run)
  })

  valuesSuite(() => createSqliteBackend(open(folder.file()), quiet))

  sealedSuite(() => createSqliteBackend(open(folder.file()), { ...quiet, sealed: true }))

  it('gives numbers where the driver gives bigints', async () => {
    const database = open(folder.file(), { bigints: true })
    expect(database.prepare('SELECT 1 AS one').get()).toMatchObject({ one: 1n })
    const now = () => 1_700_000_000_000
    const backend = createSqliteBackend(database, { ...quiet, period: 60, now })
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    expect(await backend.set(key, 'b')).toEqual({ ok: true, version: 2, period: 60 })
    expect(await backend.get(key)).toEqual({
      ok: true,
      value: 'b',
      period: 60,
      version: 2,
      touchDue: undefined,
      facts: {
        createdAtMs: 1_700_000_000_000,
        subject: 'ann',
        authenticatedAtMs: 1_700_000_000_000,
        nowMs: 1_700_000_000_000,
        labels: {},
        securityVersion: 1,
        extra: {},
      },
    })
    expect(await backend.rotate(key, 1)).toMatchObject({ period: 60, securityVersion: 2 })
    expect(await backend.list('ann')).toMatchObject([{ createdAt: new Date(1_700_000_000_000) }])
    expect(await backend.sweep()).toBe(0)
    expect(await backend.clearSubject('ann')).toBe(1)
    expect(await backend.clearAll()).toBe(0)
  })

  it('counts every increment of many updates at once', async () => {
    const sessions = createSessionManager<number>({
      backend: createSqliteBackend(open(folder.file()), quiet),
    })
    const { key } = await sessions.generate(0)
    const increment = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    await Promise.all(Array.from({ length: 64 }, increment))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64 } })
  })

  it('leaves no statement open that holds a lock or an old view of the file', async () => {
    const path = folder.file()
    const [first, second] = [open(path), open(path)]
    const one = createSqliteBackend(first, quiet)
    const two = createSqliteBackend(second, quiet)
    const key = await one.generate({ value: 'a', subject: 'ann' })
    const reads = [() => one.get(key), () => one.list('ann'), () => one.sweep(), () => one.get('')]
    for (const [at, read] of reads.entries()) {
      await read()
      expect(await two.set(key, `${at}`)).toMatchObject({ ok: true })
      expect(await one.get(key)).toMatchObject({ value: `${at}` })
      expect(await one.set(key, 'own')).toMatchObject({ ok: true })
    }
    expect(first.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 })
  })

  it('leaves a database it was given open, however often it is closed', async () => {
    const database = open(folder.file())
    const backend = createSqliteBackend(database)
    backend.close()
    backend.close()
    expect(database.prepare('SELECT 1 AS one').get()).toMatchObject({ one: 1 })
    expect(await backend.get('')).toEqual({ ok: false, reason: 'not_found' })
  })
})

const [closing, surviving] = [true, false].map((closes) =>
  drivers.filter(({ closesStatements }) => closesStatements === closes),
)

describe.each(closing ?? [])('createSqliteBackend on a closed database of $name', ({ open }) => {
  it('reports a closed database as a fault and not as a missing session', async () => {
    const database = open(folder.file())
    const backend = createSqliteBackend(database, quiet)
    const key = await backend.generate({ value: 'a' })
    database.close()
    const operations = [
      () => backend.get(key),
      () => backend.set(key, 'b'),
      () => backend.clear(key),
      () => backend.generate({ value: 'c' }),
      () => backend.rotate(key, 1),
      () => backend.list('ann'),
      () => backend.sweep(),
    ]
    for (const operation of operations) {
      const error = await operation().catch((error: unknown) => error)
      expect(error).toBeInstanceOf(BackendError)
      expect((error as BackendError).cause).toBeInstanceOf(Error)
    }
  })
})

describe.each(surviving ?? [])('createSqliteBackend on a closed database of $name', ({ open }) => {
  it('goes on telling the truth', async () => {
    const database = open(folder.file())
    const backend = createSqliteBackend(database, quiet)
    const key = await backend.generate({ value: 'a' })
    database.close()
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
  })
})
