import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'mysql2/promise'
import { describe, expect, it } from 'vitest'
import { createMysqlBackend } from '../../src/backends/mysql.ts'
import type { MysqlBackend, MysqlPool } from '../../src/backends/mysql.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import type { Backend, Store } from '../../src/index.ts'
import { backendContract, storeContract } from '../../src/testing/index.ts'
import { created, draft } from '../../src/testing/store-contract/draft.ts'
import {
  DRIVER_NAMES,
  open,
  openBackend,
  openCallbacks,
  openStore,
  tableName,
} from './mysql/open.ts'
import { expectNoneTooManyEvicted } from './eviction-race.ts'
import { renewalSuite } from './renewal-suite.ts'
import { sealedSuite } from './sealed-suite.ts'
import { valuesSuite } from './values-suite.ts'

// Several cases at once wait for the eight connections of one pool, on a machine that may be busy.
const PATIENT = { mysql2: {}, mariadb: { acquireTimeout: 30_000 } } as const

describe.each(DRIVER_NAMES)('createMysqlBackend on %s', (driver) => {
  const pool = open(driver, PATIENT[driver])

  // The cases that wait for the clock wait together. A table takes long to make, so each leaves its own to the next.
  describe.concurrent('storeContract', () => {
    const free: Store[] = []
    const create = () => free.pop() ?? openStore(pool)
    const destroy = async (store: Store) => {
      await store.deleteAll()
      free.push(store)
    }
    for (const { name, run } of storeContract({ create, destroy })) it(name, run)
  })

  describe.concurrent('backendContract', () => {
    const free: MysqlBackend[] = []
    const create = () => free.pop() ?? openBackend(pool, { period: 60, timeoutMs: 30_000 })
    const destroy = async (backend: Backend) => {
      await (backend as MysqlBackend).clearAll()
      free.push(backend as MysqlBackend)
    }
    for (const { name, run } of backendContract({ create, destroy })) it(name, run)
  })

  const values = tableName()
  valuesSuite(async () => {
    const backend = await openBackend(pool, { table: values })
    await backend.clearAll()
    return backend
  })

  renewalSuite(
    (policy) => openBackend(pool, policy),
    (seconds) => pause(seconds * 1000 + 50),
  )

  sealedSuite(() => openBackend(pool, { table: tableName(), sealed: true }))

  it('keeps a value of one mebibyte within the server’s default limits', async () => {
    const backend = await openBackend(pool)
    const value = 'x'.repeat(2 ** 20)
    const key = await backend.generate({ value })
    const found = await backend.get(key)
    expect(found.ok && found.value === value).toBe(true)
    await backend.set(key, value.replaceAll('x', 'y'), { version: 1 })
    const changed = await backend.get(key)
    expect(changed.ok && changed.value === 'y'.repeat(2 ** 20)).toBe(true)
  })

  it('reports a value that is larger than the server takes, and goes on', async () => {
    const backend = await openBackend(pool)
    const key = await backend.generate({ value: 'small' })
    const large = 'x'.repeat(17 * 2 ** 20)
    await expect(backend.set(key, large, { version: 1 })).rejects.toThrow(BackendError)
    await expect(backend.generate({ value: large })).rejects.toThrow(BackendError)
    expect(await backend.get(key)).toMatchObject({ value: 'small', version: 1 })
  })

  it('keeps subjects apart that begin with the same 10,000 characters', async () => {
    const backend = await openBackend(pool)
    const long = 'subject'.repeat(2000).slice(0, 10_000)
    const subjects = ['a', 'b', 'a ', 'A'].map((end) => `${long}${end}`)
    for (const subject of subjects) await backend.generate({ value: subject, subject })
    for (const subject of subjects) expect(await backend.list(subject)).toHaveLength(1)
    expect(await backend.clearSubject(subjects[0]!)).toBe(1)
    expect(await backend.list(subjects[1]!)).toHaveLength(1)
    expect(await backend.list(subjects[2]!)).toHaveLength(1)
  })

  it('says of an id that is taken that it is, at the limit too', async () => {
    const store = await openStore(pool)
    const record = await created(store, { subject: 'ann' })
    const exists = { ok: false, reason: 'exists' }
    expect(await store.create(record, { maxPerSubject: 1 })).toEqual(exists)
    expect(await store.create(record, { maxPerSubject: 1, atLimit: 'evict_oldest' })).toEqual(
      exists,
    )
    expect(await store.read(record.recordId)).toMatchObject({ value: 'first' })
  })

  it('makes whole milliseconds of any number', async () => {
    const store = await openStore(pool)
    for (const idleMs of [NaN, 0.5, 60_000.7, Infinity, -Infinity, 1e300]) {
      const { recordId, secretHash } = await created(store, { absoluteMs: Infinity })
      for (const version of [1, undefined]) {
        const given = await store.update(recordId, secretHash, { idleMs }, version)
        if (!given.ok) continue
        expect(Number.isSafeInteger(given.nowMs)).toBe(true)
        expect(Number.isInteger(given.expiresAtMs)).toBe(true)
        const record = await store.read(recordId)
        expect(record?.expiresAtMs).toBe(
          idleMs < 1 || !(idleMs > 0) ? undefined : given.expiresAtMs,
        )
      }
    }
    const { recordId, secretHash } = await created(store)
    const { expiresAtMs } = (await store.read(recordId))!
    expect(await store.touch(recordId, secretHash, expiresAtMs, -Infinity)).toBe(true)
    expect(await store.read(recordId)).toBeUndefined()
    const limit = { maxPerSubject: Infinity }
    expect(await store.create(draft({ subject: 'ann' }), limit)).toMatchObject({ ok: true })
  })

  it('takes spans of any length', async () => {
    const store = await openStore(pool)
    // Up to what a plain statement can tell, and beyond it.
    for (const idleMs of [1000, 400 * 86_400_000, 2 ** 36 - 1, 2 ** 36, 1e15]) {
      const { recordId, secretHash } = await created(store, { absoluteMs: Infinity })
      const given = await store.update(recordId, secretHash, { value: 'b', idleMs }, 1)
      expect(given).toMatchObject({ ok: true, version: 2 })
      expect(given.ok && given.expiresAtMs - given.nowMs).toBe(idleMs)
      const own = await store.update(recordId, secretHash, { value: 'c' }, 2)
      expect(own.ok && own.expiresAtMs - own.nowMs).toBe(idleMs)
      expect(await store.read(recordId)).toMatchObject({ value: 'c', version: 3, idleMs })
    }
    for (const idleMs of [1e300, Infinity]) {
      const { recordId, secretHash } = await created(store, { absoluteMs: Infinity })
      const { deadlineMs: expiresAtMs } = (await store.read(recordId))!
      const given = await store.update(recordId, secretHash, { idleMs }, 1)
      expect(given).toMatchObject({ ok: true, version: 1, expiresAtMs })
    }
    for (const idleMs of [0, -1, -1e300]) {
      const { recordId, secretHash } = await created(store)
      const ended = await store.update(recordId, secretHash, { idleMs }, 1)
      expect(ended).toMatchObject({ ok: true, version: 1 })
      expect(await store.read(recordId)).toBeUndefined()
    }
  })

  it('tells the same of an update by a statement and of one by a procedure', async () => {
    const store = await openStore(pool)
    for (const change of [
      { value: 'b' },
      { idleMs: 30_000 },
      { value: null, idleMs: 90_000 },
      {},
    ]) {
      const [one, two] = [draft({ absoluteMs: 80_000 }), draft({ absoluteMs: 80_000 })]
      for (const record of [one, two]) await store.create(record)
      const stated = await store.update(one.recordId, one.secretHash, change, 1)
      const called = await store.update(two.recordId, two.secretHash, change)
      const [first, second] = [await store.read(one.recordId), await store.read(two.recordId)]
      for (const [done, read] of [
        [stated, first],
        [called, second],
      ] as const) {
        expect(done).toMatchObject({
          ok: true,
          version: read!.version,
          expiresAtMs: read!.expiresAtMs,
        })
        const { idleMs, deadlineMs, nowMs } = { ...read!, ...done }
        expect(read!.expiresAtMs).toBe(Math.min(nowMs + idleMs, deadlineMs))
      }
      expect([first!.value, first!.version, first!.idleMs]).toEqual([
        second!.value,
        second!.version,
        second!.idleMs,
      ])
    }
  })

  it('ends none too many at a bound when another leaves the subject meanwhile', async () => {
    await expectNoneTooManyEvicted(await openStore(pool))
  })

  it('counts every increment of many updates at once', async () => {
    const backend = await openBackend(pool)
    const sessions = createSessionManager<number>({ backend })
    const { key } = await sessions.generate(0)
    const increment = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    await Promise.all(Array.from({ length: 64 }, increment))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64, version: 65 } })
  })
})

describe('createMysqlBackend', () => {
  it('takes a pool of mysql2 with callbacks', async () => {
    const callbacks = openCallbacks()
    const backend = createMysqlBackend(callbacks, { table: tableName(), sweepEveryMs: 0 })
    await backend.migrate()
    const key = await backend.generate({ value: 'a' })
    expect(await backend.set(key, 'b', { version: 1 })).toMatchObject({ version: 2 })
    expect(await backend.get(key)).toMatchObject({ value: 'b' })
  })

  it('takes a pool that only has the promises of mysql2', async () => {
    const { pool } = open('mysql2')
    const inner = pool as Pool
    const plain: MysqlPool = {
      execute: (statement, values) => inner.execute(statement, values),
      getConnection: () => inner.getConnection(),
    }
    const backend = createMysqlBackend(plain, { table: tableName(), sweepEveryMs: 0 })
    await backend.migrate()
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    expect(await backend.set(key, 'b', { version: 1 })).toMatchObject({ version: 2 })
    expect(await backend.get(key)).toMatchObject({ value: 'b' })
    expect(await backend.list('nobody')).toEqual([])
    expect(await backend.list('ann')).toHaveLength(1)
  })

  it.each([{}, null, 'mysql://localhost', { pool: {} }])('refuses %j as a pool', (pool) => {
    expect(() => createMysqlBackend(pool as never)).toThrow(
      new TypeError('"pool" must be a pool of mysql2 or mariadb'),
    )
  })

  it.each(['', 'a-b', 'a b', 'a`b', '1a', 'a.b', 'x'.repeat(41)])('refuses table %j', (table) => {
    const { pool } = open('mysql2')
    expect(() => createMysqlBackend(pool, { table })).toThrow(TypeError)
  })

  it.each([0, -1, 1.5, NaN, 2 ** 31])('refuses a time limit of %d', (timeoutMs) => {
    const { pool } = open('mysql2')
    expect(() => createMysqlBackend(pool, { timeoutMs })).toThrow(RangeError)
  })
})
