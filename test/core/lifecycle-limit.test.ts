import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import type { LifecyclePolicy } from '../../src/core/lifecycle.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { spyOn } from './spy-store.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }

function create(policy: LifecyclePolicy) {
  const clock = createTestClock()
  const store = spyOn(createMemoryStore(clock.now))
  return { clock, store, backend: createBackend(store, policy) }
}

describe('maxPerSubject', () => {
  it('refuses a session beyond it, and none of another subject or of nobody', async () => {
    const { backend } = create({ maxPerSubject: 2 })
    const limited = { code: 'ERR_SESSION_SUBJECT_LIMIT', message: expect.stringMatching(/subject/) }
    const first = await backend.generate({ subject: 'ann' })
    await backend.generate({ subject: 'ann' })
    await expect(backend.generate({ subject: 'ann' })).rejects.toMatchObject(limited)
    const free = await backend.generate()
    await expect(backend.rotate(free, 1, { subject: 'ann' })).rejects.toMatchObject(limited)
    await backend.generate({ subject: 'bob' })
    await backend.clear(first)
    expect(await backend.rotate(free, 1, { subject: 'ann' })).toMatchObject({ ok: true })
    expect(await backend.list('ann')).toHaveLength(2)
  })

  it('ends the oldest session where the policy says so', async () => {
    const { backend, clock } = create({ maxPerSubject: 1, atLimit: 'evict_oldest' })
    const first = await backend.generate({ subject: 'ann', value: 'a' })
    clock.advance(1)
    const second = await backend.generate({ subject: 'ann', value: 'b' })
    expect(await backend.get(first)).toEqual(NOT_FOUND)
    expect(await backend.get(second)).toMatchObject({ value: 'b' })
  })

  it('reaches the store with creation and rotation', async () => {
    const { backend, store } = create({ maxPerSubject: 3, atLimit: 'evict_oldest' })
    const limit = { maxPerSubject: 3, atLimit: 'evict_oldest' }
    const key = await backend.generate()
    await backend.rotate(key, 1, { extra: {} })
    expect(store.given.map((args) => args.at(-1))).toEqual([limit, limit])
  })

  it('is no bound by default', async () => {
    const { backend, store } = create({ atLimit: 'refuse' })
    await backend.generate({ subject: 'ann' })
    expect(store.given[0]?.[1]).toBeUndefined()
  })

  it.each([0, -1, 1.5, NaN, Infinity, '2', null])('refuses to be %s', (given) => {
    const make = () => createBackend(createMemoryStore(), { maxPerSubject: given as number })
    expect(make).toThrow(RangeError)
    expect(make).toThrow('"maxPerSubject" must be a whole number of at least 1')
  })

  it.each(['evict', '', null, 5])('refuses %j at the limit', (given) => {
    const atLimit = given as 'refuse'
    for (const policy of [{ atLimit }, { atLimit, maxPerSubject: 1 }]) {
      const make = () => createBackend(createMemoryStore(), policy)
      expect(make).toThrow(TypeError)
      expect(make).toThrow('"atLimit" must be "refuse" or "evict_oldest"')
    }
  })
})
