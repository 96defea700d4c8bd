import { describe, expect, it } from 'vitest'
import { createCookieBackend } from '../../../src/backends/cookie.ts'
import type { CookieBackend, CookieBackendOptions } from '../../../src/backends/cookie.ts'
import type { Key } from '../../../src/index.ts'
import { createTestClock } from '../../../src/testing/index.ts'
import { make, NOT_FOUND, SECRET, UNSUPPORTED } from './fixture.ts'

/** Makes the touch that is due, which has to be there. */
async function touched(backend: CookieBackend, key: string): Promise<Key> {
  const found = await backend.get(key)
  if (!found.ok || found.touchDue === undefined) throw new Error('no touch is due')
  const next = await backend.touch(key, found.touchDue)
  if (next === false) throw new Error('the session is gone')
  return next
}

describe('the idle period', () => {
  it('ends a session to the millisecond, on the clock of the server', async () => {
    const { backend, clock } = make({ period: 60 })
    const key = await backend.generate({ value: 'value' })
    clock.advance(59.999)
    expect(await backend.get(key)).toMatchObject({ ok: true, period: 1 })
    clock.advance(0.001)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await backend.set(key, 'late')).toEqual(NOT_FOUND)
    expect(await backend.rotate(key, 1)).toEqual(NOT_FOUND)
  })

  it('is moved by a touch, which is due as on every other backend', async () => {
    const { backend, clock } = make({ period: 600 })
    const key = await backend.generate({ value: 'value' })
    clock.advance(59)
    expect(await backend.get(key)).not.toHaveProperty('touchDue.fromMs')
    clock.advance(1)
    const next = await touched(backend, key)
    clock.advance(599.999)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await backend.get(next)).toMatchObject({ ok: true, value: 'value' })
  })

  it('is not moved by a touch of another state', async () => {
    const { backend, clock } = make({ period: 600 })
    const key = await backend.generate({ value: 'value' })
    clock.advance(300)
    const found = await backend.get(key)
    const due = found.ok ? found.touchDue : undefined
    if (due === undefined) throw new Error('a touch is due')
    expect(await backend.touch(key, { ...due, fromMs: due.fromMs + 1 })).toBe(false)
    clock.advance(300)
    expect(await backend.touch(key, due)).toBe(false)
  })

  it('is the session’s own where a write is to keep it', async () => {
    const { backend } = make({ period: 600 })
    const key = await backend.generate({ value: 'value', expiry: 90 })
    expect(await backend.set(key, 'x', { keepPeriod: true })).toMatchObject({ period: 90 })
    expect(await backend.set(key, 'x')).toMatchObject({ period: 600 })
    expect(await backend.set(key, 'x', { expiry: 30 })).toMatchObject({ period: 30 })
  })

  it('may vary over time', async () => {
    let period = 60
    const { backend } = make({ period: () => period })
    expect(backend.defaultPeriod).toBe(60)
    period = 90
    expect(await backend.get(await backend.generate({ value: '' }))).toMatchObject({ period: 90 })
    period = 0
    await expect(backend.generate()).rejects.toMatchObject({ code: 'ERR_SESSION_INVALID_PERIOD' })
  })
})

describe('the absolute lifetime', () => {
  it('ends a session whatever its use', async () => {
    const { backend, clock } = make({ period: 60, absolute: 100 })
    const key = await backend.generate({ value: 'value' })
    clock.advance(50)
    const next = await touched(backend, key)
    const set = await backend.set(next, 'value')
    expect(set).toMatchObject({ ok: true, period: 50 })
    const rotated = await backend.rotate(next, 1)
    expect(rotated).toMatchObject({ ok: true, period: 50 })
    const late = await backend.set((rotated.ok && rotated.key) || '', 'value')
    expect(late).toMatchObject({ ok: true, period: 50 })
    clock.advance(50)
    for (const result of [set, rotated, late]) {
      expect(await backend.get((result.ok && result.key) || '')).toEqual(NOT_FOUND)
    }
  })

  it('starts anew with an authentication, and with nothing else', async () => {
    const { backend, clock } = make({ period: 60, absolute: 100 })
    const key = await backend.generate({ value: 'value', expiry: 1000 })
    clock.advance(90)
    const done = await backend.rotate(key, 1, { authenticated: true, subject: 'ann' })
    expect(done).toMatchObject({ ok: true, period: 100, authenticatedAtMs: clock.now() })
    clock.advance(99)
    expect(await backend.get((done.ok && done.key) || '')).toMatchObject({ ok: true, period: 1 })
    clock.advance(1)
    expect(await backend.get((done.ok && done.key) || '')).toEqual(NOT_FOUND)
  })

  it('holds at once when it is shortened, and is not lengthened for what is sealed', async () => {
    const clock = createTestClock()
    const long = make({ absolute: 1000 }, clock).backend
    const short = make({ absolute: 100 }, clock).backend
    const [one, two] = [await long.generate({ value: 'a' }), await short.generate({ value: 'a' })]
    clock.advance(100)
    expect(await short.get(one)).toEqual(NOT_FOUND)
    expect(await long.get(two)).toEqual(NOT_FOUND)
    expect(await long.get(one)).toMatchObject({ ok: true })
  })

  it('does not believe a server whose clock is far ahead', async () => {
    const [ahead, clock] = [createTestClock(), createTestClock()]
    ahead.advance(300)
    const key = await make({}, ahead).backend.generate({ value: 'a' })
    expect(await make({}, clock).backend.get(key)).toMatchObject({ ok: true })
    ahead.advance(0.001)
    const other = await make({}, ahead).backend.generate({ value: 'a' })
    expect(await make({}, clock).backend.get(other)).toEqual(NOT_FOUND)
  })
})

describe('the size', () => {
  it('of a session is held to "maxBytes", exactly', async () => {
    const { backend } = make({ maxBytes: 512 })
    expect(backend.maxKeyLength).toBe(512)
    const tooLarge = { code: 'ERR_SESSION_INVALID_VALUE' }
    let length = 0
    let longest = ''
    for (; length < 512; length++) {
      const key = await backend.generate({ value: 'x'.repeat(length) }).catch(() => undefined)
      if (key === undefined) break
      longest = key
    }
    expect(longest).toHaveLength(512)
    expect(length).toBeGreaterThan(130)
    const value = 'x'.repeat(length)
    await expect(backend.generate({ value })).rejects.toMatchObject(tooLarge)
    await expect(backend.set(longest, value)).rejects.toMatchObject(tooLarge)
    const subject = 's'.repeat(300)
    await expect(backend.rotate(longest, 1, { subject })).rejects.toMatchObject(tooLarge)
  })

  it('leaves about three quarters for the value, less 250', async () => {
    for (const maxBytes of [512, 4000, 7168, 12_288]) {
      const { backend } = make({ maxBytes })
      const subject = '0123456789'
      const value = 'x'.repeat(Math.floor(maxBytes * 0.75) - 250)
      expect((await backend.generate({ value, subject })).length).toBeLessThanOrEqual(maxBytes)
    }
  })

  it('may be lowered: a longer session opens, and is left as it is by a touch', async () => {
    const clock = createTestClock()
    const key = await make({}, clock).backend.generate({ value: 'x'.repeat(1000) })
    const { backend } = make({ maxBytes: 600 }, clock)
    clock.advance(300_000)
    const found = await backend.get(key)
    if (!found.ok || found.touchDue === undefined) throw new Error('a touch is due')
    expect(await backend.touch(key, found.touchDue)).toBe(false)
  })
})

describe('what it cannot do', () => {
  it('rejects, and says why', async () => {
    const { backend } = make()
    await expect(backend.list('ann')).rejects.toMatchObject(UNSUPPORTED)
    await expect(backend.clearAll()).rejects.toMatchObject(UNSUPPORTED)
    await expect(backend.clearSubject('ann')).rejects.toMatchObject(UNSUPPORTED)
    await expect(backend.clearHandle('h'.repeat(22))).rejects.toThrow(
      'a stateless backend cannot do "clearHandle": it has no "revocations"',
    )
    expect(await backend.sweep()).toBe(0)
  })

  it('is in its properties', () => {
    expect(make().backend).toMatchObject({ conditionalWrites: 'none', revocation: 'none' })
  })

  it('without revocations is to end a copy: it is good until it expires', async () => {
    const { backend } = make()
    const key = await backend.generate({ value: 'value' })
    await backend.clear(key)
    await backend.rotate(key, 1)
    expect(await backend.get(key)).toMatchObject({ ok: true })
  })
})

describe('createCookieBackend', () => {
  const refused: readonly (readonly [string, object, string])[] = [
    ['an unknown option', { password: SECRET }, 'createCookieBackend has no option "password"'],
    ['no audience', { audience: undefined }, '"audience" must be'],
    ['an empty audience', { audience: '' }, '"audience" must be'],
    ['a lone surrogate', { audience: '\uD800' }, '"audience" must be'],
    ['a size below the least', { maxBytes: 511 }, '"maxBytes" must be'],
    ['a size above four cookies', { maxBytes: 12_289 }, '"maxBytes" must be'],
    ['half a byte', { maxBytes: 1000.5 }, '"maxBytes" must be'],
    ['a clock that is none', { now: 1 }, '"now" must be'],
    ['no period', { period: 0 }, '"period" must be'],
    ['an endless lifetime', { absolute: Infinity }, '"absolute" must be'],
    ['no time', { timeoutMs: 0 }, '"timeoutMs" must be'],
    ['revocations that are none', { revocations: {} }, '"revocations" must have'],
  ]

  it.each(refused)('refuses %s', (_, options, message) => {
    const given = { secrets: [SECRET], audience: 'test', ...options } as CookieBackendOptions
    expect(() => createCookieBackend(given)).toThrow(message)
  })

  it('refuses no options at all', () => {
    for (const options of [undefined, null, SECRET]) {
      expect(() => createCookieBackend(options as never)).toThrow(TypeError)
    }
  })
})
