// The faults of the original's backends (ocaml-session's memory.ml, session_postgresql.ml and
// session_redis_lwt.ml), each named by the operation that had it. Every case fails on the original's
// backend that its title names.
import { describe, expect, it } from 'vitest'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { generateKey, handleOf, secretHashOf } from '../../src/core/key.ts'
import type { LifecyclePolicy, NewRecord, Session, Store } from '../../src/index.ts'
import { createBackend } from '../../src/index.ts'
import { cookieOf, createManager, ENGINES } from '../manager/fixture.ts'
import { STORES } from '../proof/races/stores.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }
const NOT_SET = { ok: false, reason: 'not_set' }

function draft(): NewRecord {
  const key = generateKey()
  return {
    recordId: handleOf(key),
    value: 'first',
    idleMs: 1000,
    absoluteMs: 1000,
    secretHash: secretHashOf(key),
    subject: null,
    authenticated: false,
    labels: null,
    extra: null,
  }
}

describe.each(ENGINES)('the original’s backend on %s', (_, create) => {
  it('clear then set does not recreate the session (memory and Redis: upsert)', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: 'a' })
    await backend.clear(key)
    expect(await backend.set(key, 'b')).toEqual(NOT_FOUND)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('set on an expired session does not revive it (memory and Redis: upsert; PostgreSQL: no guard)', async () => {
    const { backend, clock } = create({ period: 10 })
    const key = await backend.generate({ value: 'a' })
    clock.advance(10)
    expect(await backend.set(key, 'b', { expiry: 60 })).toEqual(NOT_FOUND)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('set on a key that was never generated creates no session (memory and Redis: upsert)', async () => {
    const { backend } = create()
    const key = generateKey()
    expect(await backend.set(key, 'b')).toEqual(NOT_FOUND)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await backend.clearAll()).toBe(0)
  })

  it('set on a missing session says so (PostgreSQL: silently did nothing)', async () => {
    const { backend } = create()
    expect(await backend.set(generateKey(), 'b')).toEqual(NOT_FOUND)
  })

  it.each([-1, -1000])(
    'set with an expiry of %d ends the session (Redis: left it alive)',
    async (expiry) => {
      const { backend } = create()
      const key = await backend.generate({ value: 'a' })
      await backend.set(key, 'b', { expiry })
      expect(await backend.get(key)).toEqual(NOT_FOUND)
    },
  )

  it('set with an expiry of 0 ends the session (Redis: kept it for ever; memory: up to a second)', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: 'a' })
    await backend.set(key, 'b', { expiry: 0 })
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('generate with an expiry of 0 is born expired (Redis: not_set for ever)', async () => {
    const { backend, clock } = create()
    for (const options of [{ expiry: 0 }, { expiry: 0, value: 'a' }]) {
      const key = await backend.generate(options)
      expect(await backend.get(key)).toEqual(NOT_FOUND)
      clock.advance(1)
      expect(await backend.get(key)).toEqual(NOT_FOUND)
    }
  })

  it('generate with an absurd expiry is a typed error (memory: wrapped around; PostgreSQL: its own error)', async () => {
    const { backend } = create()
    for (const expiry of [2 ** 53, 9e18, Infinity]) {
      const generated = backend.generate({ value: 'a', expiry })
      await expect(generated).rejects.toMatchObject({ code: 'ERR_SESSION_INVALID_PERIOD' })
    }
  })

  it('get ends a session at its expiry to the millisecond (memory: up to a second later)', async () => {
    const { backend, clock } = create({ period: 10 })
    const key = await backend.generate({ value: 'a' })
    clock.advance(9.999)
    expect(await backend.get(key)).toMatchObject({ ok: true, period: 1 })
    clock.advance(0.001)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it.each([0.4, 0.6, 0.7, 0.999])(
    'get reports at least 1 second, %d s before the end (Redis and PostgreSQL: rounded, down to 0 and −2)',
    async (left) => {
      const { backend, clock } = create({ period: 10 })
      const key = await backend.generate({ value: 'a' })
      clock.advance(10 - left)
      expect(await backend.get(key)).toMatchObject({ ok: true, period: 1 })
    },
  )

  it('get reports no more seconds than were asked for (PostgreSQL: rounded up by one)', async () => {
    const { backend, clock } = create()
    clock.advance(0.6)
    const key = await backend.generate({ value: 'a', expiry: 10 })
    expect(await backend.get(key)).toMatchObject({ period: 10 })
  })

  it('get of an empty value is the empty value, not "not set" (PostgreSQL)', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: '' })
    expect(await backend.get(key)).toMatchObject({ ok: true, value: '' })
    await backend.set(key, 'a')
    await backend.set(key, '')
    expect(await backend.get(key)).toMatchObject({ ok: true, value: '' })
    expect(await backend.get(await backend.generate())).toEqual(NOT_SET)
  })

  it.each(['-', '+', '+x', '-x', 'x'])(
    'get brings %j back, whatever marks the store uses itself (Redis: assertion failure)',
    async (value) => {
      const { backend } = create()
      const key = await backend.generate({ value })
      expect(await backend.get(key)).toMatchObject({ ok: true, value })
    },
  )

  it('get of a key with trailing blanks finds nothing (PostgreSQL: char(40) ignores them)', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: 'a' })
    expect(await backend.get(`${key} `)).toEqual(NOT_FOUND)
    expect(await backend.get(`${key}    `)).toEqual(NOT_FOUND)
  })

  it('gensym makes keys that need no escaping in a cookie, a URL or a form (+ and / in the original)', async () => {
    const { backend } = create()
    for (let n = 0; n < 200; n++) {
      const key = await backend.generate()
      expect(new URLSearchParams(`k=${key}`).get('k')).toBe(key)
      expect(encodeURIComponent(key)).toBe(key)
    }
  })

  it('set_default_period takes effect at the next operation (PostgreSQL: always raised; Redis: missing)', async () => {
    let period = 10
    const { backend } = create({ period: () => period })
    period = 20
    expect(backend.defaultPeriod).toBe(20)
    const key = await backend.generate({ value: 'a' })
    expect(await backend.get(key)).toMatchObject({ period: 20 })
    period = 30
    await backend.set(key, 'b')
    expect(await backend.get(key)).toMatchObject({ period: 30 })
  })

  it('set_default_period refuses 0 and less (memory: accepted)', async () => {
    for (const period of [0, -1]) {
      const refused = expect.objectContaining({ code: 'ERR_SESSION_INVALID_PERIOD' }) as Error
      expect(() => create({ period })).toThrow(refused)
      await expect(create({ period: () => period }).backend.generate()).rejects.toThrow(refused)
    }
  })

  it('expired sessions are removed without being read (memory and PostgreSQL: never)', async () => {
    const { backend, clock } = create({ period: 10 })
    for (let n = 0; n < 50; n++) await backend.generate({ value: 'a' })
    clock.advance(10)
    let removed = 0
    for (let step = 0; step < 5; step++) removed += await backend.sweep(20)
    expect(removed).toBe(50)
  })
})

describe.each(STORES)('the original’s store on %s', (_, create) => {
  it('generate never overwrites a session (memory: Hashtbl.replace; PostgreSQL: no primary key)', async () => {
    const store: Store = create(() => 0)
    const record = draft()
    expect(await store.create(record)).toMatchObject({ ok: true })
    const again = { ...record, value: 'second', secretHash: secretHashOf(generateKey()) }
    expect(await store.create(again)).toEqual({ ok: false, reason: 'exists' })
    expect(await store.read(record.recordId)).toMatchObject({ value: 'first', version: 1 })
  })

  it('get and set go by one clock, however far it is from this machine’s (PostgreSQL: two clocks)', async () => {
    let nowMs = Date.UTC(2001, 0, 1)
    const backend = createBackend(
      create(() => nowMs),
      { period: 10 },
    )
    const key = await backend.generate({ value: 'a' })
    expect(await backend.get(key)).toMatchObject({ ok: true, period: 10 })
    nowMs += 9999
    expect(await backend.set(key, 'b')).toMatchObject({ ok: true, period: 10 })
    nowMs += 10_000
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })
})

describe('the original’s get', () => {
  it('is one step of the store, so that no answer is half before and half after (Redis: GET, then TTL)', async () => {
    const { backend, store } = createManager()
    const key = await backend.generate({ value: 'a' })
    store.calls.length = 0
    await backend.get(key)
    expect(store.calls).toEqual(['read'])
  })
})

describe('the original’s schema', () => {
  it('lets two tables of sessions live in one database (PostgreSQL: one name for the index)', async () => {
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
    const db = new DatabaseSync(':memory:')
    const options: LifecyclePolicy & { sweepEveryMs: number } = { sweepEveryMs: 0 }
    const shop = createSqliteBackend(db, { ...options, table: 'shop' })
    const admin = createSqliteBackend(db, { ...options, table: 'admin' })
    const key = await shop.generate({ value: 'a' })
    expect(await admin.get(key)).toEqual(NOT_FOUND)
    expect(await shop.get(key)).toMatchObject({ ok: true })
  })
})

describe('the original’s of_header_or_create', () => {
  it('on an empty value makes no new session at each request (PostgreSQL)', async () => {
    const { sessions } = createManager()
    const { key } = await sessions.generate('')
    let session: Session = await sessions.fromHeadersOrCreate(cookieOf(key), 'default')
    for (let n = 0; n < 3; n++) {
      session = await sessions.fromHeadersOrCreate(cookieOf(session.key), 'default')
    }
    expect(session).toMatchObject({ key, value: '', modified: false })
    expect(await sessions.clearAll()).toBe(1)
  })
})
