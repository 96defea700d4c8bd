import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import type { LifecyclePolicy } from '../../src/core/lifecycle.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { generateKey, handleOf, secretHashOf } from '../../src/core/key.ts'
import type { SessionFound } from '../../src/core/session-backend.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { spyOn } from './spy-store.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }
const NOT_SET = { ok: false, reason: 'not_set' }
const PERIOD = { code: 'ERR_SESSION_INVALID_PERIOD' }
const VALUE = { code: 'ERR_SESSION_INVALID_VALUE' }
const DAY = 86_400

function create(policy?: LifecyclePolicy) {
  const clock = createTestClock()
  const store = spyOn(createMemoryStore(clock.now))
  return { clock, store, backend: createBackend(store, policy) }
}

async function found(read: Promise<unknown>): Promise<SessionFound> {
  const answer = await read
  expect(answer).toMatchObject({ ok: true })
  return answer as SessionFound
}

describe('createBackend', () => {
  it('has a period of one week and an absolute one of 30 days', async () => {
    const { backend } = create()
    expect(backend.defaultPeriod).toBe(604_800)
    expect(backend.absolutePeriod).toBe(2_592_000)
    const key = await backend.generate({ value: 'a' })
    expect((await found(backend.get(key))).period).toBe(604_800)
  })

  it('takes both from its policy', async () => {
    const { backend } = create({ period: 60, absolute: 100 })
    expect([backend.defaultPeriod, backend.absolutePeriod]).toEqual([60, 100])
    const key = await backend.generate({ value: 'a' })
    expect((await found(backend.get(key))).period).toBe(60)
  })

  it('asks a function for the period at each use', async () => {
    let period = 10
    const { backend } = create({ period: () => period })
    const first = await backend.generate({ value: 'a' })
    period = 20
    expect(backend.defaultPeriod).toBe(20)
    const second = await backend.generate({ value: 'a' })
    expect((await found(backend.get(first))).period).toBe(10)
    expect((await found(backend.get(second))).period).toBe(20)
  })

  it.each([0, -1, 1.5, NaN, 34_560_001, '60' as unknown as number, null as unknown as number])(
    'refuses a period of %s',
    async (period) => {
      const store = createMemoryStore()
      const refusal = (name: string) =>
        expect.objectContaining({
          ...PERIOD,
          message: expect.stringContaining(`"${name}"`) as string,
        })
      expect(() => createBackend(store, { period })).toThrow(refusal('period'))
      expect(() => createBackend(store, { absolute: period })).toThrow(refusal('absolute'))
      const backend = createBackend(store, { period: () => period })
      expect(() => backend.defaultPeriod).toThrow(refusal('period'))
      await expect(backend.generate()).rejects.toThrow(refusal('period'))
      await expect(backend.set(generateKey(), 'a')).rejects.toThrow(refusal('period'))
    },
  )

  it('never lets a session live past its absolute lifetime', async () => {
    const { backend, clock } = create({ period: 60, absolute: 100 })
    const long = await backend.generate({ value: 'a', expiry: 1000 })
    expect((await found(backend.get(long))).period).toBe(100)
    clock.advance(60)
    expect(await backend.set(long, 'b', { expiry: 50 })).toMatchObject({ ok: true, period: 40 })
    expect(await backend.set(long, undefined)).toMatchObject({ ok: true, period: 40 })
    clock.advance(39.999)
    expect((await found(backend.get(long))).period).toBe(1)
    clock.advance(0.001)
    expect(await backend.get(long)).toEqual(NOT_FOUND)
  })

  it('ends a session at its expiry to the millisecond', async () => {
    const { backend, clock } = create({ period: 10 })
    const key = await backend.generate({ value: 'a' })
    clock.advance(9.999)
    expect((await found(backend.get(key))).period).toBe(1)
    clock.advance(0.001)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await backend.set(key, 'b')).toEqual(NOT_FOUND)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })
})

describe('generate', () => {
  it('stores the hash of the secret and never the secret', async () => {
    const { backend, store } = create()
    const key = await backend.generate({ value: 'a' })
    expect(store.given[0]?.[0]).toEqual({
      recordId: handleOf(key),
      value: 'a',
      idleMs: 604_800_000,
      absoluteMs: 2_592_000_000,
      secretHash: secretHashOf(key),
      subject: null,
      authenticated: false,
      labels: null,
      extra: null,
    })
    expect(JSON.stringify(store.given)).not.toContain(key.slice(23))
  })

  it('makes a session without a value', async () => {
    const { backend } = create()
    expect(await backend.get(await backend.generate())).toEqual(NOT_SET)
    expect(await backend.get(await backend.generate({}))).toEqual(NOT_SET)
  })

  it.each([0, -1, -1000, -Number.MAX_SAFE_INTEGER])(
    'makes one that is born expired with an expiry of %d',
    async (expiry) => {
      const { backend } = create()
      expect(await backend.get(await backend.generate({ expiry }))).toEqual(NOT_FOUND)
      expect(await backend.get(await backend.generate({ expiry, value: 'a' }))).toEqual(NOT_FOUND)
    },
  )

  it('reports what it made before it returns', async () => {
    const { backend, clock } = create({ period: 60, absolute: 50 })
    const seen: unknown[] = []
    await backend.generate({ onCreated: (facts) => seen.push(facts) })
    await backend.generate({
      subject: 'ann',
      labels: { device: 'tv' },
      expiry: 7,
      onCreated: (facts) => seen.push(facts),
    })
    expect(seen).toEqual([
      {
        period: 50,
        createdAtMs: clock.now(),
        subject: undefined,
        authenticatedAtMs: undefined,
        nowMs: clock.now(),
        labels: {},
        securityVersion: 1,
        extra: {},
      },
      {
        period: 7,
        createdAtMs: clock.now(),
        subject: 'ann',
        authenticatedAtMs: clock.now(),
        nowMs: clock.now(),
        labels: { device: 'tv' },
        securityVersion: 1,
        extra: {},
      },
    ])
  })

  it.each([1.5, NaN, Infinity, 34_560_001, '5', null])('refuses an expiry of %s', async (given) => {
    const { backend, store } = create()
    const expiry = given as number
    const refusal = { ...PERIOD, message: expect.stringContaining('"expiry"') as string }
    await expect(backend.generate({ expiry })).rejects.toMatchObject(refusal)
    await expect(backend.set(generateKey(), 'a', { expiry })).rejects.toMatchObject(refusal)
    expect(store.calls).toEqual([])
  })

  it.each([
    [5, '"value" must be a string'],
    [null, '"value" must be a string'],
    [['a'], '"value" must be a string'],
    ['\ud800', '"value" contains a lone surrogate'],
  ])('refuses the value %j', async (given, message) => {
    const { backend, store } = create()
    const value = given as string
    await expect(backend.generate({ value })).rejects.toMatchObject({ ...VALUE, message })
    await expect(backend.set(generateKey(), value)).rejects.toMatchObject({ ...VALUE, message })
    expect(store.calls).toEqual([])
  })

  it.each(['', 5, null, ['ann'], '\udfff'])('refuses the subject %j', async (given) => {
    const { backend, store } = create()
    const subject = given as string
    const message = '"subject" must be a non-empty string without lone surrogates'
    const refused = { ...VALUE, message }
    await expect(backend.generate({ subject })).rejects.toMatchObject(refused)
    await expect(backend.rotate(generateKey(), 1, { subject })).rejects.toMatchObject(refused)
    await expect(backend.list(subject)).rejects.toMatchObject(refused)
    await expect(backend.clearSubject(subject)).rejects.toMatchObject(refused)
    expect(store.calls).toEqual([])
  })

  it('refuses labels that are no text', async () => {
    const { backend, store } = create()
    const labels = { device: 5 } as unknown as Record<string, string>
    await expect(backend.generate({ labels })).rejects.toMatchObject(VALUE)
    await expect(backend.rotate(generateKey(), 1, { labels })).rejects.toMatchObject(VALUE)
    expect(store.calls).toEqual([])
  })
})

describe('set', () => {
  it('sets the value, counts the version up and starts the default period', async () => {
    const { backend, clock } = create({ period: 60 })
    const key = await backend.generate({ value: 'a', expiry: 10 })
    clock.advance(5)
    expect(await backend.set(key, 'b')).toEqual({ ok: true, version: 2, period: 60 })
    expect(await backend.get(key)).toMatchObject({ value: 'b', version: 2, period: 60 })
  })

  it('with keepPeriod starts the own period anew', async () => {
    const { backend, clock } = create({ period: 60 })
    const key = await backend.generate({ value: 'a', expiry: 10 })
    clock.advance(5)
    const kept = await backend.set(key, 'b', { keepPeriod: true })
    expect(kept).toEqual({ ok: true, version: 2, period: 10 })
    const given = await backend.set(key, 'b', { keepPeriod: true, expiry: 7 })
    expect(given).toMatchObject({ period: 7 })
    clock.advance(1)
    expect(await backend.set(key, 'c', { keepPeriod: true })).toMatchObject({ period: 7 })
    expect(await backend.set(key, 'c', { keepPeriod: false })).toMatchObject({ period: 60 })
  })

  it('without a value moves the expiry alone', async () => {
    const { backend, store } = create({ period: 60 })
    const key = await backend.generate({ value: 'a' })
    expect(await backend.set(key, undefined, { expiry: 5 })).toEqual({
      ok: true,
      version: 1,
      period: 5,
    })
    expect(store.given.at(-1)?.[2]).toEqual({ value: undefined, idleMs: 5000 })
    expect(await backend.get(key)).toMatchObject({ value: 'a', version: 1, period: 5 })
  })

  it('leaves a session without a value without one when it moves the expiry', async () => {
    const { backend } = create()
    const key = await backend.generate()
    expect(await backend.set(key, undefined)).toMatchObject({ ok: true, version: 1 })
    expect(await backend.get(key)).toEqual(NOT_SET)
  })

  it.each([0, -1])('ends the session with an expiry of %d', async (expiry) => {
    const { backend } = create()
    const key = await backend.generate({ value: 'a' })
    expect(await backend.set(key, 'b', { expiry })).toMatchObject({ ok: true, period: 0 })
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('changes nothing at another version', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: 'a' })
    await backend.set(key, 'b', { version: 1 })
    const lost = await backend.set(key, 'c', { version: 1, expiry: 5 })
    expect(lost).toEqual({ ok: false, reason: 'conflict' })
    expect(await backend.get(key)).toMatchObject({ value: 'b', version: 2, period: 604_800 })
  })

  it('keeps every string as it is', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: '' })
    expect(await backend.get(key)).toMatchObject({ ok: true, value: '' })
    for (const value of ['-', '+x', '\0', '😀', 'x'.repeat(1 << 20), '']) {
      await backend.set(key, value)
      expect((await found(backend.get(key))).value === value).toBe(true)
    }
  })
})

describe('touch', () => {
  it('moves the expiry that was read, and neither value nor version', async () => {
    const { backend, clock } = create({ period: 30 * DAY, absolute: 40 * DAY })
    const key = await backend.generate({ value: 'a' })
    clock.advance(5 * DAY)
    const { touchDue } = await found(backend.get(key))
    expect(touchDue?.period).toBe(30 * DAY)
    if (touchDue === undefined) return
    expect(await backend.touch(key, touchDue)).toBe(true)
    expect(await backend.touch(key, touchDue)).toBe(false)
    const after = await found(backend.get(key))
    expect(after).toMatchObject({ value: 'a', version: 1, period: 30 * DAY, touchDue: undefined })
  })

  it('is due no more once the expiry stands at the absolute deadline', async () => {
    const { backend, clock } = create({ period: 10, absolute: 15 })
    const key = await backend.generate({ value: 'a' })
    clock.advance(9)
    const { touchDue } = await found(backend.get(key))
    expect(touchDue).toMatchObject({ period: 6 })
    if (touchDue !== undefined) await backend.touch(key, touchDue)
    clock.advance(5.9)
    expect((await found(backend.get(key))).touchDue).toBeUndefined()
    clock.advance(0.1)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })
})
