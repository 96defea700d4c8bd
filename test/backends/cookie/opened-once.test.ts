import { describe, expect, it } from 'vitest'
import { createKeyRing } from '../../../src/backends/cookie/key-ring.ts'
import {
  createRevocations,
  createMemoryRevocations,
} from '../../../src/backends/cookie/revocations.ts'
import { createStatelessBackend } from '../../../src/backends/cookie/stateless.ts'
import { timeoutsOf } from '../../../src/core/profile.ts'
import type { StatelessBackend, StatelessFound } from '../../../src/core/session-backend.ts'
import { createTestClock } from '../../../src/testing/index.ts'
import { NOT_FOUND, SECRET } from './fixture.ts'

/** A backend that counts how often it opens a cookie. */
function counting(secret = SECRET, audience = 'test') {
  const clock = createTestClock()
  const ring = createKeyRing([secret], audience)
  const opened: string[] = []
  const backend = createStatelessBackend({
    ring: {
      seal: ring.seal,
      open: (text) => {
        opened.push(text)
        return ring.open(text)
      },
    },
    timeouts: timeoutsOf({ period: 60 }),
    maxBytes: 4096,
    longest: 4096,
    now: clock.now,
    revocations: createRevocations(createMemoryRevocations(clock.now), 86_400_000, 1000),
  })
  return { backend, clock, opened }
}

async function foundIn(backend: StatelessBackend, key: string): Promise<StatelessFound> {
  const found = await backend.get(key)
  if (!found.ok) throw new Error('the session is there')
  return found
}

describe('a cookie that is read and written', () => {
  it('is opened once', async () => {
    const { backend, opened } = counting()
    const key = await backend.generate({ value: 'one' })
    const { facts } = await foundIn(backend, key)
    const done = await backend.set(key, 'two', { extra: facts.extra })
    expect(opened).toStrictEqual([key])
    expect(done.ok && done.key && (await foundIn(backend, done.key)).value).toBe('two')
  })

  it('is opened again where what was read is of another', async () => {
    const { backend, opened } = counting()
    const [one, other] = [
      await backend.generate({ value: 'one', subject: 'ada' }),
      await backend.generate({ value: 'other', subject: 'bob' }),
    ]
    const { facts } = await foundIn(backend, other)
    const done = await backend.set(one, 'changed', { extra: facts.extra })
    expect(opened).toStrictEqual([other, one])
    expect(done.ok && done.key && (await foundIn(backend, done.key)).facts.subject).toBe('ada')
  })

  it.each([
    { of: 'other secrets', other: () => counting('another secret of thirty-two characters') },
    { of: 'another audience', other: () => counting(SECRET, 'another') },
  ])('stays closed to a backend of $of', async ({ other }) => {
    const { backend } = counting()
    const key = await backend.generate({ value: 'one' })
    const { facts } = await foundIn(backend, key)
    expect(await other().backend.set(key, 'two', { extra: facts.extra })).toEqual(NOT_FOUND)
  })

  it('is not written when it has expired or has been ended since it was read', async () => {
    const { backend, clock } = counting()
    const [late, ended] = [
      await backend.generate({ value: 'late' }),
      await backend.generate({ value: 'ended' }),
    ]
    const [{ facts }, other] = [await foundIn(backend, late), await foundIn(backend, ended)]
    await backend.clear(ended)
    expect(await backend.set(ended, 'x', { extra: other.facts.extra })).toEqual(NOT_FOUND)
    clock.advance(60)
    expect(await backend.set(late, 'x', { extra: facts.extra })).toEqual(NOT_FOUND)
  })
})
