import { describe, expect, it } from 'vitest'
import type { Session, UpdateOptions } from '../../src/index.ts'
import { generateKey } from '../../src/core/key.ts'
import { settle } from '../core/manual-clock.ts'
import { createManager, ENGINES } from './fixture.ts'

const GONE = { code: 'ERR_SESSION_GONE', message: expect.stringContaining('was cleared') as string }
const increment = (value: unknown): number => (value as number) + 1

function shown({ key, value, expiryPeriod, modified, version }: Session) {
  return { key, value, expiryPeriod, modified, version }
}

describe.each(ENGINES)('update on %s', (_, create) => {
  it('writes what fn makes of the value, resolves to it and shows it', async () => {
    const { sessions } = create({ period: 60 })
    const session = await sessions.generate(1)
    expect(await sessions.update(session, increment)).toBe(2)
    expect(session).toMatchObject({ value: 2, version: 2, modified: true, expiryPeriod: 60 })
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: 2, version: 2 } })
  })

  it('keeps the period of the session, and starts it anew', async () => {
    const { sessions, clock } = create({ period: 60 })
    const session = await sessions.generate(1, { expiry: 10 })
    clock.advance(9)
    await sessions.update(session, increment)
    expect(session.expiryPeriod).toBe(10)
    await sessions.update(session, increment, { expiry: 20 })
    expect(session.expiryPeriod).toBe(20)
    clock.advance(5)
    await sessions.update(session, increment, {})
    expect(session.expiryPeriod).toBe(20)
  })

  it('keeps the period of a session loaded late in it', async () => {
    const { sessions, clock } = create({ period: 60 })
    const { key } = await sessions.generate(1, { expiry: 10 })
    clock.advance(7)
    const found = await sessions.fromKey(key)
    if (!found.ok) throw new Error(found.reason)
    expect(found.session.expiryPeriod).toBe(3)
    await sessions.update(found.session, increment)
    expect(found.session.expiryPeriod).toBe(10)
  })

  it('reads again and calls fn again after a conflict', async () => {
    const { sessions, backend } = create()
    const session = await sessions.generate(1)
    await backend.set(session.key, '10')
    const seen: unknown[] = []
    const result = await sessions.update(session, (value) => {
      seen.push(value)
      return increment(value)
    })
    expect(seen).toEqual([1, 10])
    expect(result).toBe(11)
    expect(session).toMatchObject({ value: 11, version: 3 })
  })

  it('loses none of 64 increments at once, each on an object of its own', async () => {
    const { sessions } = create()
    const { key } = await sessions.generate(0)
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        const found = await sessions.fromKey(key)
        if (!found.ok) throw new Error(found.reason)
        await settle()
        await sessions.update(found.session, async (value) => {
          await settle()
          return increment(value)
        })
      }),
    )
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64, version: 65 } })
  })

  it('loses none of 64 increments at once on one object', async () => {
    const { sessions } = create()
    const session = await sessions.generate(0)
    const run = () => sessions.update(session, increment)
    const results = await Promise.all(Array.from({ length: 64 }, run))
    expect(results).toEqual(Array.from({ length: 64 }, (_, n) => n + 1))
    expect(session).toMatchObject({ value: 64, version: 65 })
  })

  it('is gone on a session that is gone, and revives nothing', async () => {
    const { sessions, backend, clock } = create({ period: 60 })
    const expired = await sessions.generate(1, { expiry: 5 })
    const cleared = await sessions.generate(1)
    clock.advance(5)
    await backend.clear(cleared.key)
    for (const session of [expired, cleared]) {
      const before = shown(session)
      await expect(sessions.update(session, increment)).rejects.toMatchObject(GONE)
      expect(shown(session)).toEqual(before)
      expect(await backend.get(session.key)).toEqual({ ok: false, reason: 'not_found' })
    }
  })

  it('is gone when the session ends while fn runs', async () => {
    const { sessions, backend } = create()
    const session = await sessions.generate(1)
    const updated = sessions.update(session, async (value) => {
      await backend.clear(session.key)
      return increment(value)
    })
    await expect(updated).rejects.toMatchObject(GONE)
    expect(session).toMatchObject({ value: 1, version: 1 })
  })

  it('is gone when the session is cleared through its object while fn runs', async () => {
    const { sessions } = create()
    const session = await sessions.generate(1)
    for (const made of [2, undefined]) {
      const other = made === undefined ? await sessions.generate(1) : session
      const updated = sessions.update(other, async () => {
        await sessions.clear(other)
        return made
      })
      await expect(updated).rejects.toMatchObject(GONE)
      expect(shown(other)).toMatchObject({ value: undefined, expiryPeriod: 0 })
      expect(await sessions.fromKey(other.key)).toEqual({ ok: false, reason: 'not_found' })
    }
  })

  it('is gone when the session loses its value between two tries', async () => {
    const { sessions, backend } = create()
    const session = await sessions.generate(1)
    let calls = 0
    const updated = sessions.update(session, async (value) => {
      if (calls++ === 0) {
        await backend.set(session.key, '5')
        await settle()
        void backend.clear(session.key)
      }
      return increment(value)
    })
    await expect(updated).rejects.toMatchObject(GONE)
    expect(calls).toBe(1)
  })
})

describe('update', () => {
  it('makes one trip on the loaded version, and three after a conflict', async () => {
    const { sessions, backend, store } = createManager()
    const session = await sessions.generate(1)
    store.calls.length = 0
    await sessions.update(session, increment)
    expect(store.calls).toEqual(['update'])
    await backend.set(session.key, '10')
    store.calls.length = 0
    await sessions.update(session, increment)
    expect(store.calls).toEqual(['update', 'read', 'update'])
  })

  it('accepts a fn that is async', async () => {
    const { sessions } = createManager()
    const session = await sessions.generate(1)
    expect(await sessions.update(session, async (value) => Promise.resolve(increment(value)))).toBe(
      2,
    )
  })

  it('rejects with what fn throws, writes nothing and goes on', async () => {
    const { sessions, store } = createManager()
    const session = await sessions.generate(1)
    const before = shown(session)
    const thrown = new RangeError('out of tea')
    const sync = sessions.update(session, () => {
      throw thrown
    })
    await expect(sync).rejects.toBe(thrown)
    await expect(sessions.update(session, () => Promise.reject(thrown))).rejects.toBe(thrown)
    expect(shown(session)).toEqual(before)
    expect(store.calls).toEqual(['create'])
    expect(await sessions.update(session, increment)).toBe(2)
  })

  it('writes nothing when fn gives undefined', async () => {
    const { sessions, store } = createManager()
    const { key } = await sessions.generate(['tea'])
    const found = await sessions.fromKey(key)
    if (!found.ok) throw new Error(found.reason)
    const before = shown(found.session)
    store.calls.length = 0
    expect(await sessions.update(found.session, () => undefined)).toEqual(['tea'])
    expect(store.calls).toEqual([])
    expect(shown(found.session)).toEqual(before)
    expect(found.session.modified).toBe(false)
    const { value } = found.session
    await sessions.update(found.session, () => undefined)
    expect(found.session.value).toBe(value)
  })

  it('shows what it read after a conflict, when fn then gives undefined', async () => {
    const { sessions, backend } = createManager()
    const session = await sessions.generate(1)
    expect(session.value).toBe(1)
    await backend.set(session.key, '10')
    const result = await sessions.update(session, (value) => (value === 1 ? 2 : undefined))
    expect(result).toBe(10)
    expect(session).toMatchObject({ value: 10, version: 2 })
    await sessions.set(session, { value: 11 })
    expect(session.version).toBe(3)
  })

  it('writes a value of null, and an empty string', async () => {
    const { sessions } = createManager()
    const session = await sessions.generate(1)
    expect(await sessions.update(session, () => null)).toBeNull()
    expect(session).toMatchObject({ value: null, version: 2 })
    expect(await sessions.update(session, () => '')).toBe('')
    expect(session).toMatchObject({ value: '', version: 3 })
  })

  it('gives fn a copy of its own: what it changes in place shows only once it is written', async () => {
    const { sessions } = createManager({ manager: { freeze: false } })
    const session = await sessions.generate({ cart: ['tea'] })
    const snapshot = session.value
    const thrown = new Error('no')
    const failing = sessions.update(session, (value) => {
      ;(value as { cart: string[] }).cart.push('salt')
      throw thrown
    })
    await expect(failing).rejects.toBe(thrown)
    expect(session.value).toEqual({ cart: ['tea'] })
    const result = await sessions.update(session, (value) => {
      ;(value as { cart: string[] }).cart.push('salt')
      return value
    })
    expect(session.value).toEqual({ cart: ['tea', 'salt'] })
    expect(snapshot).toEqual({ cart: ['tea'] })
    ;(result as { cart: string[] }).cart.push('rice')
    expect(session.value).toEqual({ cart: ['tea', 'salt'] })
  })

  it('forgets a change in place when fn gives undefined', async () => {
    const { sessions } = createManager({ manager: { freeze: false } })
    const session = await sessions.generate({ cart: ['tea'] })
    const result = await sessions.update(session, (value) => {
      ;(value as { cart: string[] }).cart.push('salt')
      return undefined
    })
    expect(result).toEqual({ cart: ['tea'] })
    expect(session.value).toEqual({ cart: ['tea'] })
  })

  it('gives what it read after a conflict to the caller, and a copy of it to the next fn', async () => {
    const { sessions, backend } = createManager({ manager: { freeze: false } })
    const session = await sessions.generate({ cart: ['tea'] })
    await backend.set(session.key, '{"cart":["rice"]}')
    let tries = 0
    const result = await sessions.update(session, (value) => (tries++ === 0 ? value : undefined))
    await sessions.update(session, (value) => {
      ;(value as { cart: string[] }).cart.push('salt')
      return undefined
    })
    expect(result).toEqual({ cart: ['rice'] })
    expect(session.value).toEqual({ cart: ['rice'] })
  })

  it('refuses a value that cannot be encoded, and leaves the session as it was', async () => {
    const { sessions, store } = createManager()
    const session = await sessions.generate(1)
    const updated = sessions.update(session, () => 5n)
    await expect(updated).rejects.toMatchObject({ code: 'ERR_SESSION_INVALID_VALUE' })
    expect(session).toMatchObject({ value: 1, version: 1 })
    expect(store.calls).toEqual(['create'])
  })

  it.each([0, -1, 1.5, NaN, 34_560_001, '5', null])('refuses an expiry of %s', async (expiry) => {
    const { sessions } = createManager()
    const session = await sessions.generate(1)
    let calls = 0
    const updated = sessions.update(session, () => calls++, { expiry } as UpdateOptions)
    await expect(updated).rejects.toMatchObject({
      code: 'ERR_SESSION_INVALID_PERIOD',
      message: expect.stringContaining('"expiry"') as string,
    })
    expect(calls).toBe(0)
  })

  it.each<unknown>([undefined, null, 5, {}])('refuses %s in place of fn', async (fn) => {
    const { sessions } = createManager()
    const session = await sessions.generate(1)
    const updated = sessions.update(session, fn as () => number)
    await expect(updated).rejects.toThrow(TypeError)
    await expect(updated).rejects.toThrow('"fn" must be a function')
  })

  it('refuses what is no session', async () => {
    const { sessions } = createManager()
    const updated = sessions.update({ key: generateKey() } as unknown as Session, increment)
    await expect(updated).rejects.toThrow('"session" must be a session made by a manager')
  })

  it('rejects with the fault of the store, and leaves the session as it was', async () => {
    const fault = new Error('down')
    const { sessions, store } = createManager({
      replace: () => ({ update: () => Promise.reject(fault) }),
    })
    const session = await sessions.generate(1)
    const before = shown(session)
    const updated = sessions.update(session, increment)
    await expect(updated).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND', cause: fault })
    expect(shown(session)).toEqual(before)
    expect(store.calls).toEqual(['create', 'update'])
  })

  it('lets no write on the same object in between, and starts each from the one before', async () => {
    const { sessions } = createManager()
    const session = await sessions.generate('')
    const append = (more: string) =>
      sessions.update(session, async (value) => {
        await settle()
        return `${value as string}${more}`
      })
    const all = [append('a'), sessions.set(session, { value: 'b' }), append('c'), append('d')]
    await Promise.all(all)
    expect(session).toMatchObject({ value: 'bcd', version: 5 })
  })
})
