import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { onSessionEvent } from '../../src/core/events.ts'
import { handleOf } from '../../src/core/key.ts'
import type { LifecyclePolicy } from '../../src/core/lifecycle.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { Store } from '../../src/core/store.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { spyOn } from './spy-store.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }
const END: LifecyclePolicy = { onReuse: 'end' }

let events: unknown[] = []
let stop: (() => void)[] = []

beforeEach(() => {
  events = []
  stop = [
    onSessionEvent('sojourn:key.reused', (event) => events.push(event)),
    onSessionEvent('sojourn:session.cleared', (event) => events.push(event)),
  ]
})
afterEach(() => stop.forEach((end) => end()))

/** A session whose old key's grace is over. */
async function createReused(policy: LifecyclePolicy = {}, replace: Partial<Store> = {}) {
  const clock = createTestClock()
  const memory = createMemoryStore(clock.now)
  const backend = createBackend(spyOn(memory, replace), policy)
  const old = await backend.generate({ value: 'a', subject: 'ann' })
  const result = await backend.renew(old)
  const key = result.ok ? result.key : ''
  await backend.get(key)
  clock.advance(60)
  return { clock, memory, backend, old, key, handle: handleOf(old) }
}

describe('an old key after its grace', () => {
  it('is reported, and the session goes on', async () => {
    const { backend, old, key, handle } = await createReused()
    expect(await backend.get(old)).toEqual(NOT_FOUND)
    expect(events).toEqual([{ handle, subject: 'ann', ended: false }])
    expect(await backend.get(key)).toMatchObject({ ok: true })
  })

  it('ends the session where the policy says so', async () => {
    const { backend, old, key, handle } = await createReused(END)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
    expect(events).toEqual([
      { handle, subject: 'ann', ended: true },
      { by: 'reuse', count: 1, handle, subject: 'ann' },
    ])
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
    expect(events).toHaveLength(2)
  })

  it.each(['renew', 'rotate'] as const)('is noticed by %s too', async (operation) => {
    const { backend, old, key } = await createReused(END)
    const done = operation === 'renew' ? backend.renew(old) : backend.rotate(old, 2)
    expect(await done).toEqual(NOT_FOUND)
    expect(events).toHaveLength(2)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('does not end a session that has been renewed once more since it was read', async () => {
    const { memory, old, key } = await createReused()
    const direct = createBackend(memory)
    const backend = createBackend(
      spyOn(memory, {
        async delete(...args) {
          await direct.renew(key)
          return memory.delete(...args)
        },
      }),
      END,
    )
    expect(await backend.get(old)).toEqual(NOT_FOUND)
    expect(events).toMatchObject([{ ended: false }])
    expect(await direct.get(key)).toMatchObject({ ok: true })
  })

  it('is reported even when the end of the session fails, and that fails the look-up', async () => {
    const cause = new Error('down')
    const { backend, old } = await createReused(END, { delete: () => Promise.reject(cause) })
    await expect(backend.get(old)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND', cause })
    expect(events).toMatchObject([{ ended: false }])
  })
})

describe('a key that is none of these', () => {
  it('is no reuse: rotated away without a grace', async () => {
    const { backend, key } = await createReused(END)
    const rotated = await backend.rotate(key, 3)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(events).toEqual([])
    expect(await backend.get(rotated.ok ? rotated.key : '')).toMatchObject({ ok: true })
  })

  it('is no reuse: older than the previous one, forged, or still within its grace', async () => {
    const { backend, old, key, clock } = await createReused(END)
    const next = await backend.renew(key)
    await backend.get(next.ok ? next.key : '')
    clock.advance(1)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
    expect(await backend.get(`${old.slice(0, 23)}${'A'.repeat(43)}`)).toEqual(NOT_FOUND)
    expect(await backend.get(key)).toMatchObject({ ok: true })
    expect(events).toEqual([])
  })
})

describe('options of renewal', () => {
  const make = (policy: object) => () => createBackend(createMemoryStore(), policy)

  it.each([0, -1, 1.5, NaN, '60', null])('refuse a grace of %j', (renewGrace) => {
    expect(make({ renewGrace })).toThrow('"renewGrace" must be a whole number of seconds')
  })

  it.each([0, 1.5, '60', null])('refuse %j as renewAfter', (renewAfter) => {
    expect(make({ renewAfter })).toThrow('"renewAfter" must be a whole number of seconds')
  })

  it('refuse a renewal that is due within the grace of the one before', () => {
    expect(make({ renewAfter: 60 })).toThrow(RangeError)
    expect(make({ renewAfter: 5, renewGrace: 5 })).toThrow(
      '"renewAfter" must be longer than "renewGrace"',
    )
    expect(make({ renewAfter: 61 })).not.toThrow()
  })

  it.each(['End', '', null, true])('refuse %j on reuse', (onReuse) => {
    expect(make({ onReuse })).toThrow('"onReuse" must be "report" or "end"')
  })
})
