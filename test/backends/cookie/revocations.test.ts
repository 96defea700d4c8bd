import { describe, expect, it } from 'vitest'
import { createMemoryRevocations } from '../../../src/backends/cookie.ts'
import type { RevocationStore } from '../../../src/backends/cookie.ts'
import { createTestClock } from '../../../src/testing/index.ts'
import { make, NOT_FOUND, UNSUPPORTED } from './fixture.ts'
import { revocationSuite } from './revocation-suite.ts'

const FAULT = { code: 'ERR_SESSION_BACKEND' }
const MONTH_MS = 2_592_000_000

/** A store that notes its calls and lets each wait for `before`. */
function watched(store: RevocationStore, before: () => Promise<void> = async () => {}) {
  const calls: (readonly unknown[])[] = []
  const revocations: RevocationStore = {
    async notBefore(name) {
      calls.push(['notBefore', name])
      await before()
      return store.notBefore(name)
    },
    async setNotBefore(...change) {
      calls.push(['setNotBefore', ...change])
      await before()
      return store.setNotBefore(...change)
    },
  }
  return { calls, revocations }
}

function makeRevocable() {
  const clock = createTestClock()
  const { calls, revocations } = watched(createMemoryRevocations(clock.now))
  return { ...make({ period: 600, revocations }, clock), calls, revocations }
}

function keyOf(result: { readonly ok: boolean; readonly key?: string | undefined }): string {
  if (!result.ok || result.key === undefined) throw new Error('there is a key')
  return result.key
}

describe('a cookie backend with revocations', () => {
  it('says so', () => {
    expect(makeRevocable().backend.revocation).toBe('store')
  })

  it('ends every copy of a cleared session, older and newer', async () => {
    const { backend } = makeRevocable()
    const key = await backend.generate({ value: 'value' })
    const newer = keyOf(await backend.set(key, 'newer'))
    const other = await backend.generate({ value: 'other' })
    await backend.clear(key)
    for (const copy of [key, newer]) {
      expect(await backend.get(copy)).toEqual(NOT_FOUND)
      expect(await backend.set(copy, 'back')).toEqual(NOT_FOUND)
      expect(await backend.rotate(copy, 1)).toEqual(NOT_FOUND)
      expect(await backend.touch(copy, { fromMs: 0, toMs: 1, period: 1 })).toBe(false)
    }
    expect(await backend.get(other)).toMatchObject({ ok: true })
    await backend.clear(key)
  })

  it('ends a session whatever has been rotated since it was read', async () => {
    const { backend } = makeRevocable()
    const key = await backend.generate({ value: 'value' })
    const rotated = keyOf(await backend.rotate(key, 1))
    await backend.clear(key)
    expect(await backend.get(rotated)).toEqual(NOT_FOUND)
  })

  it('ends a session that is set to live for no time, and its copies', async () => {
    const { backend } = makeRevocable()
    const key = await backend.generate({ value: 'value' })
    const newer = keyOf(await backend.set(key, 'newer'))
    await backend.set(newer, 'value', { expiry: 0 })
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('ends the old key with a rotation, also within one millisecond', async () => {
    const { backend } = makeRevocable()
    let key: string = await backend.generate({ value: 'value' })
    for (let round = 0; round < 3; round++) {
      const next = keyOf(await backend.rotate(key, 1))
      expect(await backend.get(key)).toEqual(NOT_FOUND)
      expect(await backend.get(next)).toMatchObject({ ok: true, value: 'value' })
      key = next
    }
  })

  it('lets one of two rotations at once win', async () => {
    const { backend } = makeRevocable()
    const key = await backend.generate({ value: 'value' })
    const results = await Promise.all([backend.rotate(key, 1), backend.rotate(key, 1)])
    expect(results.filter(({ ok }) => ok)).toHaveLength(1)
    expect(results).toContainEqual(NOT_FOUND)
  })

  it('ends a session by its handle, once', async () => {
    const { backend } = makeRevocable()
    const key = await backend.generate({ value: 'value' })
    const found = await backend.get(key)
    const handle = found.ok ? (found.facts.handle ?? '') : ''
    expect(await backend.clearHandle('no handle')).toBe(false)
    expect(await backend.clearHandle(handle)).toBe(true)
    expect(await backend.clearHandle(handle)).toBe(false)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('asks for a session alone where nobody is logged in, and for the subject too where somebody is', async () => {
    const { backend, calls } = makeRevocable()
    const anonymous = await backend.generate({ value: 'value' })
    await backend.get(anonymous)
    expect(calls.map(([, name]) => String(name).split(':')[0])).toEqual(['session'])
    calls.length = 0
    const key = await backend.generate({ value: 'value', subject: 'ann' })
    await backend.get(key)
    expect(calls.map(([, name]) => String(name).split(':')[0])).toEqual([
      'subject',
      'session',
      'subject',
    ])
    calls.length = 0
    await backend.get('no key')
    await backend.get(`${key.slice(0, -1)}~`)
    expect(calls).toEqual([])
  })
})

describe('clearSubject', () => {
  it('ends every session of the subject, and none of others', async () => {
    const { backend, clock } = makeRevocable()
    const mine = await backend.generate({ value: 'a', subject: 'ann' })
    const bound = keyOf(
      await backend.rotate(await backend.generate({ value: 'b' }), 1, { subject: 'ann' }),
    )
    const others = await backend.generate({ value: 'c', subject: 'ann ' })
    const anonymous = await backend.generate({ value: 'd' })
    expect(await backend.clearSubject('ann')).toBeNaN()
    for (const key of [mine, bound]) expect(await backend.get(key)).toEqual(NOT_FOUND)
    for (const key of [others, anonymous])
      expect(await backend.get(key)).toMatchObject({ ok: true })
    clock.advance(0.001)
    expect(await backend.get(mine)).toEqual(NOT_FOUND)
  })

  it('lets the subject log in again, in the same millisecond, and can be called again then', async () => {
    const { backend } = makeRevocable()
    await backend.clearSubject('ann')
    const made = await backend.generate({ value: 'a', subject: 'ann' })
    const anonymous = await backend.generate({ value: 'b' })
    const bound = keyOf(await backend.rotate(anonymous, 1, { subject: 'ann' }))
    for (const key of [made, bound]) expect(await backend.get(key)).toMatchObject({ ok: true })
    await backend.clearSubject('ann')
    for (const key of [made, bound]) expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('reaches sessions made on a server whose clock is ahead', async () => {
    const clock = createTestClock()
    const ahead = createTestClock()
    ahead.advance(299)
    const revocations = createMemoryRevocations(clock.now)
    const elsewhere = make({ revocations }, ahead).backend
    const key = await elsewhere.generate({ value: 'a', subject: 'ann' })
    const { backend } = make({ revocations }, clock)
    await backend.clearSubject('ann')
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await elsewhere.get(key)).toEqual(NOT_FOUND)
    const again = await backend.generate({ value: 'a', subject: 'ann' })
    expect(await backend.get(again)).toMatchObject({ ok: true })
  })

  it('reaches a session that a write under way has sealed anew', async () => {
    const clock = createTestClock()
    const memory = createMemoryRevocations(clock.now)
    let reached: (() => void) | undefined
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const slow = {
      ...memory,
      notBefore: async (name: string) => {
        const answer = memory.notBefore(name)
        reached?.()
        await gate
        return answer
      },
    }
    const writer = make({ revocations: slow }, clock).backend
    const { backend } = make({ revocations: memory }, clock)
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    const begun = new Promise<void>((resolve) => (reached = resolve))
    const writes = [
      writer.set(key, 'late'),
      writer.rotate(key, 1),
      writer.rotate(key, 1, { authenticated: true }),
    ]
    await begun
    await backend.clearSubject('ann')
    clock.advance(1)
    open()
    const done = await Promise.all(writes)
    const sealedAnew = done.filter(({ ok }) => ok)
    expect(sealedAnew).toContain(done[0])
    for (const write of sealedAnew) expect(await backend.get(keyOf(write))).toEqual(NOT_FOUND)
  })

  it('rejects with "except": a cookie elsewhere cannot be let live', async () => {
    const { backend, calls } = makeRevocable()
    const except = 'h'.repeat(22) as never
    await expect(backend.clearSubject('ann', except)).rejects.toMatchObject(UNSUPPORTED)
    expect(calls).toEqual([])
  })
})

describe('the store of revocations', () => {
  it('is told to keep them for as long as any session can live, and an hour', async () => {
    const { backend, calls } = makeRevocable()
    await backend.clear(await backend.generate({ value: 'a' }))
    await backend.clearSubject('ann')
    const kept = calls.filter(([operation]) => operation === 'setNotBefore')
    expect(kept.map(([, , , keepMs]) => keepMs)).toEqual(Array(2).fill(MONTH_MS + 3_600_000))
  })

  it('is trusted with nothing: what it answers must be usable', async () => {
    const answers: readonly Partial<Record<keyof RevocationStore, () => unknown>>[] = [
      { notBefore: () => '1767225600000' },
      { notBefore: () => NaN },
      { notBefore: () => null },
      { notBefore: () => Promise.reject(new Error('down')) },
      {
        notBefore: () => {
          throw new Error('down')
        },
      },
    ]
    const clock = createTestClock()
    const memory = createMemoryRevocations(clock.now)
    const key = await make({}, clock).backend.generate({ value: 'a', subject: 'ann' })
    for (const answer of answers) {
      const revocations = { ...memory, ...answer } as RevocationStore
      const { backend } = make({ revocations }, clock)
      await expect(backend.get(key)).rejects.toMatchObject(FAULT)
      await expect(backend.set(key, 'b')).rejects.toMatchObject(FAULT)
      await expect(backend.rotate(key, 1)).rejects.toMatchObject(FAULT)
      await expect(backend.generate({ subject: 'ann' })).rejects.toMatchObject(FAULT)
    }
    for (const setNotBefore of [() => undefined, () => 1, () => Promise.reject(new Error('x'))]) {
      const { backend } = make({ revocations: { ...memory, setNotBefore } as never }, clock)
      await expect(backend.clear(key)).rejects.toMatchObject(FAULT)
      await expect(backend.clearSubject('ann')).rejects.toMatchObject(FAULT)
    }
  })

  it('has "timeoutMs" to answer', async () => {
    const hung = { notBefore: () => new Promise<number>(() => {}), setNotBefore: () => true }
    const { backend } = make({ revocations: hung, timeoutMs: 20 })
    const key = await make().backend.generate({ value: 'a' })
    await expect(backend.get(key)).rejects.toMatchObject(FAULT)
  })
})

describe('createMemoryRevocations', () => {
  const store = createMemoryRevocations()
  revocationSuite(() => store)

  it('forgets what need not be kept any more, and nothing else', () => {
    const clock = createTestClock()
    const store = createMemoryRevocations(clock.now)
    store.setNotBefore('old', 1, 1000)
    clock.advance(0.5)
    store.setNotBefore('later', 1, 1000)
    clock.advance(0.499)
    store.setNotBefore('x', 1, 1000)
    expect(store.notBefore('old')).toBe(1)
    clock.advance(0.001)
    store.setNotBefore('y', 1, 1000)
    expect([store.notBefore('old'), store.notBefore('later')]).toEqual([undefined, 1])
  })

  it('forgets others that are due before one that was set again', () => {
    const clock = createTestClock()
    const store = createMemoryRevocations(clock.now)
    store.setNotBefore('again', 1, 1000)
    store.setNotBefore('once', 1, 1000)
    clock.advance(0.5)
    store.setNotBefore('again', 2, 1000)
    clock.advance(0.5)
    store.setNotBefore('x', 1, 1000)
    expect([store.notBefore('again'), store.notBefore('once')]).toEqual([2, undefined])
  })
})
