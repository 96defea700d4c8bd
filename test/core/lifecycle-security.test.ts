import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import type { LifecyclePolicy } from '../../src/core/lifecycle.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { Key } from '../../src/core/key.ts'
import { generateKey, handleOf, secretHashOf } from '../../src/core/key.ts'
import type { RotateOptions, RotateResult, SessionBackend } from '../../src/core/session-backend.ts'
import type { Store } from '../../src/core/store.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { spyOn } from './spy-store.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }

function create(policy?: LifecyclePolicy, replace?: (store: Store) => Partial<Store>) {
  const clock = createTestClock()
  const memory = createMemoryStore(clock.now)
  const store = spyOn(memory, replace?.(memory))
  return { clock, memory, store, backend: createBackend(store, policy) }
}

async function rotated(
  backend: SessionBackend,
  key: string,
  version = 1,
  options: RotateOptions = {},
): Promise<RotateResult & { ok: true }> {
  const result = await backend.rotate(key, version, { extra: {}, ...options })
  expect(result).toMatchObject({ ok: true })
  return result as RotateResult & { ok: true }
}

describe('rotate', () => {
  it('gives a new secret under the same handle, and the old one is dead at once', async () => {
    const { backend, clock } = create()
    const old = await backend.generate({ value: 'a' })
    const { key, ...rest } = await rotated(backend, old)
    expect(rest).toEqual({
      ok: true,
      period: 604_800,
      securityVersion: 2,
      authenticatedAtMs: undefined,
      nowMs: clock.now(),
      extra: {},
    })
    expect(handleOf(key)).toBe(handleOf(old))
    expect(await backend.get(old)).toEqual(NOT_FOUND)
    expect(await backend.set(old, 'b')).toEqual(NOT_FOUND)
    expect(await backend.get(key)).toMatchObject({ value: 'a', version: 1 })
  })

  it('hands the store hashes, and no secret', async () => {
    const { backend, store } = create()
    const old = await backend.generate()
    const { key } = await rotated(backend, old)
    expect(store.given[1]).toEqual([
      handleOf(old),
      {
        secretHash: secretHashOf(key),
        previous: { hash: secretHashOf(old), graceMs: 0 },
        subject: undefined,
        authenticated: undefined,
        labels: undefined,
        extra: null,
      },
      1,
      undefined,
    ])
    for (const secret of [old, key]) {
      expect(JSON.stringify(store.given)).not.toContain(secret.slice(23))
    }
  })

  it('keeps expiry and deadline, unless the user has authenticated', async () => {
    const { backend, clock } = create({ period: 60, absolute: 100 })
    const old = await backend.generate({ value: 'a' })
    clock.advance(50)
    const first = await rotated(backend, old)
    expect(first.period).toBe(10)
    expect(await backend.set(first.key, undefined)).toMatchObject({ period: 50 })
    const second = await rotated(backend, first.key, 2, { authenticated: true })
    expect(second).toMatchObject({ period: 60, authenticatedAtMs: clock.now(), securityVersion: 3 })
    clock.advance(59)
    expect(await backend.set(second.key, undefined)).toMatchObject({ period: 41 })
    const third = await rotated(backend, second.key, 3, { authenticated: false })
    expect(third).toMatchObject({ period: 41, authenticatedAtMs: clock.now() - 59_000 })
  })

  it('changes subject and labels, and leaves out what is left out', async () => {
    const { backend } = create()
    const old = await backend.generate({ value: 'a', labels: { device: 'tv' } })
    const first = await rotated(backend, old, 1, { subject: 'ann' })
    expect(await backend.get(first.key)).toMatchObject({
      facts: { subject: 'ann', labels: { device: 'tv' }, authenticatedAtMs: undefined },
    })
    const second = await rotated(backend, first.key, 2, { labels: {} })
    expect(await backend.get(second.key)).toMatchObject({
      facts: { subject: 'ann', labels: {}, securityVersion: 3 },
    })
  })

  it('tries again when only something else of the security part has changed', async () => {
    const { backend, memory, store } = create()
    const key = await backend.generate({ value: 'a' })
    await memory.updateSecurity(handleOf(key), { labels: '{"device":"tv"}' }, 1)
    const result = await rotated(backend, key)
    expect(result.securityVersion).toBe(3)
    expect(store.calls).toEqual(['create', 'updateSecurity', 'read', 'updateSecurity'])
    expect(await backend.get(result.key)).toMatchObject({ facts: { labels: { device: 'tv' } } })
  })

  it('is not_found when another rotation has won', async () => {
    const { backend, store } = create()
    const key = await backend.generate({ value: 'a' })
    const winner = await rotated(backend, key)
    expect(await backend.rotate(key, 1, { extra: {} })).toEqual(NOT_FOUND)
    expect(store.calls.slice(2)).toEqual(['updateSecurity', 'read'])
    expect(await backend.get(winner.key)).toMatchObject({ ok: true, value: 'a' })
  })

  it('is not_found when the session ends between two tries', async () => {
    const { backend, store } = create({}, (memory) => ({
      updateSecurity: (recordId) => {
        void memory.delete(recordId)
        return { ok: false, reason: 'conflict' }
      },
    }))
    const key = await backend.generate({ value: 'a' })
    expect(await backend.rotate(key, 1, { extra: {} })).toEqual(NOT_FOUND)
    expect(store.calls).toEqual(['create', 'updateSecurity', 'read'])
  })

  it('is conflict after 16 lost races in a row', async () => {
    const { backend, store } = create({}, () => ({
      updateSecurity: () => ({ ok: false, reason: 'conflict' }),
    }))
    const key = await backend.generate({ value: 'a' })
    expect(await backend.rotate(key, 1)).toEqual({ ok: false, reason: 'conflict' })
    expect(store.calls.filter((name) => name === 'updateSecurity')).toHaveLength(16)
    expect(await backend.get(key)).toMatchObject({ ok: true })
  })

  it('leaves one winner of two rotations at once', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: 'a' })
    const results = await Promise.all([backend.rotate(key, 1), backend.rotate(key, 1)])
    expect(results.map(({ ok }) => ok)).toEqual([true, false])
  })

  it('does not lose a clear under the old key', async () => {
    const { backend } = create()
    const old = await backend.generate({ value: 'a' })
    const { key } = await rotated(backend, old)
    await backend.clear(old)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })
})

describe('clear', () => {
  async function rotatedTwice() {
    const made = create()
    const oldest = await made.backend.generate({ value: 'a' })
    const { key } = await rotated(made.backend, oldest)
    const newest = await rotated(made.backend, key, 2)
    return { ...made, oldest, newest: newest.key }
  }

  it('does nothing under a key from before the previous one', async () => {
    const { backend, oldest, newest } = await rotatedTwice()
    await backend.clear(oldest)
    await backend.clear(oldest, { verified: false })
    await backend.clear(oldest, {})
    expect(await backend.get(newest)).toMatchObject({ ok: true })
  })

  it('ends the session whatever was rotated since, for a caller that knew a good key', async () => {
    const { backend, oldest, newest } = await rotatedTwice()
    expect(await backend.clear(oldest, { verified: true })).toBeUndefined()
    expect(await backend.get(newest)).toEqual(NOT_FOUND)
    expect(await backend.clear('asdfjk', { verified: true })).toBeUndefined()
  })
})

describe('a previous secret that the store reports', () => {
  async function withPrevious(graceMs: number | null) {
    const made = create()
    const key = await made.backend.generate({ value: 'a' })
    const next = generateKey()
    const change = {
      secretHash: secretHashOf(next),
      previous: { hash: secretHashOf(key), graceMs },
    }
    await made.memory.updateSecurity(handleOf(key), change, 1)
    const successor = `${handleOf(key)}.${next.slice(23)}` as Key
    return { ...made, key, successor }
  }

  it('is good until its grace is over', async () => {
    const { backend, clock, key, successor } = await withPrevious(5000)
    clock.advance(4.999)
    expect(await backend.get(key)).toMatchObject({ value: 'a' })
    expect(await backend.get(successor)).toMatchObject({ value: 'a' })
    clock.advance(0.001)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await backend.get(successor)).toMatchObject({ value: 'a' })
  })

  it('is good without end where the store says so', async () => {
    const { backend, clock, key } = await withPrevious(null)
    clock.advance(600_000)
    expect(await backend.get(key)).toMatchObject({ value: 'a' })
  })
})

describe('subjects', () => {
  async function threeOfAnn() {
    const made = create({ period: 60 })
    const keys: Key[] = []
    for (const device of ['phone', 'tablet', 'tv']) {
      keys.push(await made.backend.generate({ subject: 'ann', value: device, labels: { device } }))
      made.clock.advance(1)
    }
    const other = await made.backend.generate({ subject: 'bob', value: 'b' })
    const [first, second, third] = keys as [Key, Key, Key]
    return { ...made, first, second, third, other }
  }

  it('are listed oldest first, without the dead, by handle and never by key', async () => {
    const { backend, clock, first, second, third } = await threeOfAnn()
    await backend.clear(second)
    const list = await backend.list('ann')
    expect(list.map(({ handle, labels }) => [handle, labels['device']])).toEqual([
      [handleOf(first), 'phone'],
      [handleOf(third), 'tv'],
    ])
    expect(list[0]?.createdAt).toEqual(new Date(clock.now() - 3000))
    expect(list[0]?.authenticatedAt).toEqual(new Date(clock.now() - 3000))
    for (const key of [first, third]) expect(JSON.stringify(list)).not.toContain(key.slice(23))
    clock.advance(58)
    expect(await backend.list('ann')).toHaveLength(1)
    expect(await backend.list('nobody')).toEqual([])
  })

  it('lose one session by its handle', async () => {
    const { backend, first, second } = await threeOfAnn()
    expect(await backend.clearHandle(handleOf(first))).toBe(true)
    expect(await backend.clearHandle(handleOf(first))).toBe(false)
    expect(await backend.get(first)).toEqual(NOT_FOUND)
    expect(await backend.get(second)).toMatchObject({ ok: true })
  })

  it('lose all sessions but one', async () => {
    const { backend, first, second, third, other } = await threeOfAnn()
    expect(await backend.clearSubject('ann', handleOf(second))).toBe(2)
    expect(await backend.get(first)).toEqual(NOT_FOUND)
    expect(await backend.get(third)).toEqual(NOT_FOUND)
    expect(await backend.get(second)).toMatchObject({ ok: true })
    expect(await backend.get(other)).toMatchObject({ ok: true })
    expect(await backend.clearSubject('ann')).toBe(1)
    expect(await backend.clearSubject('ann')).toBe(0)
  })

  it('lose everything by clearAll', async () => {
    const { backend, first, other } = await threeOfAnn()
    expect(await backend.clearAll()).toBe(4)
    expect(await backend.get(first)).toEqual(NOT_FOUND)
    expect(await backend.get(other)).toEqual(NOT_FOUND)
  })

  it('are swept once they have expired, 1,000 records at a time by default', async () => {
    const { backend, clock, store } = await threeOfAnn()
    clock.advance(60)
    expect(await backend.sweep()).toBe(4)
    expect(store.given.at(-1)).toEqual([1000])
    await backend.sweep(3)
    expect(store.given.at(-1)).toEqual([3])
  })
})
