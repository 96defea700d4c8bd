import { describe, expect, it } from 'vitest'
import type { Backend, CookieHeaderOptions, Key, Session } from '../../src/index.ts'
import { createSessionManager } from '../../src/index.ts'
import { cookieOf, createManager } from './fixture.ts'

const VARY = ['Vary', 'Cookie']
const NO_STORE = ['Cache-Control', 'no-store']
const EVICTED =
  '__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax'
const COOKIE = { code: 'ERR_SESSION_INVALID_COOKIE' }

describe('toCookieHeaders', () => {
  it('sets the cookie of a new session, and keeps the response from caches', async () => {
    const { sessions } = createManager({ policy: { period: 60 } })
    const session = await sessions.generate(1)
    expect(sessions.toCookieHeaders(session)).toEqual([
      [
        'Set-Cookie',
        `__Host-session=${session.key}; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax`,
      ],
      NO_STORE,
      VARY,
    ])
  })

  it('says nothing but Vary of a session that was only read', async () => {
    const { sessions } = createManager()
    const made = await sessions.generate(1)
    const session = await sessions.fromHeadersOrCreate(cookieOf(made.key), 2)
    expect(sessions.toCookieHeaders(session)).toEqual([VARY])
    expect(sessions.toCookieHeaders(session, { discard: true, path: '/' })).toEqual([VARY])
  })

  it('says the same each time', async () => {
    const { sessions } = createManager()
    const session = await sessions.generate(1)
    expect(sessions.toCookieHeaders(session)).toEqual(sessions.toCookieHeaders(session))
  })

  it('shows the period after a write', async () => {
    const { sessions, clock } = createManager({ policy: { period: 60, absolute: 100 } })
    const session = await sessions.generate(1, { expiry: 1000 })
    expect(sessions.toCookieHeaders(session)[0]?.[1]).toContain('; Max-Age=100;')
    clock.advance(70)
    await sessions.set(session, { value: 2 })
    expect(session.expiryPeriod).toBe(30)
    expect(sessions.toCookieHeaders(session)[0]?.[1]).toContain('; Max-Age=30;')
  })

  it('leaves Max-Age out with discard', async () => {
    const { sessions } = createManager()
    const session = await sessions.generate(1)
    expect(sessions.toCookieHeaders(session, { discard: true })[0]).toEqual([
      'Set-Cookie',
      `__Host-session=${session.key}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    ])
    expect(sessions.toCookieHeaders(session, { discard: false })[0]?.[1]).toContain('Max-Age')
  })

  it('evicts the cookie of a cleared session, with discard too, and shows no key', async () => {
    const { sessions } = createManager()
    const session = await sessions.generate(1)
    await sessions.clear(session)
    for (const options of [undefined, {}, { discard: true }, { discard: false }]) {
      expect(sessions.toCookieHeaders(session, options)).toEqual([
        ['Set-Cookie', EVICTED],
        NO_STORE,
        VARY,
      ])
    }
  })

  it('takes attributes for one header, beside those of the manager', async () => {
    const cookie = { name: 'sid', domain: 'example.com', path: '/app', sameSite: 'strict' } as const
    const { sessions } = createManager({ policy: { period: 60 }, manager: { cookie } })
    const session = await sessions.generate(1)
    const line = (options?: CookieHeaderOptions) =>
      sessions.toCookieHeaders(session, options)[0]?.[1]
    expect(line()).toBe(
      `sid=${session.key}; Max-Age=60; Domain=example.com; Path=/app; Secure; HttpOnly; SameSite=Strict`,
    )
    expect(line({ path: '/', secure: false, httpOnly: false, sameSite: 'Lax' })).toBe(
      `sid=${session.key}; Max-Age=60; Domain=example.com; Path=/; SameSite=Lax`,
    )
    expect(line({ domain: 'a.example.com', partitioned: true, priority: 'high' })).toBe(
      `sid=${session.key}; Max-Age=60; Domain=a.example.com; Path=/app; Secure; HttpOnly; SameSite=Strict; Partitioned; Priority=High`,
    )
    expect(line()).toContain('; Path=/app; Secure; HttpOnly; SameSite=Strict')
    expect(line({ path: undefined })).toBe(line())
  })

  it.each([
    [{ path: '/app' }, '__Host-'],
    [{ domain: 'example.com' }, '__Host-'],
    [{ secure: false }, '"secure"'],
    [{ secure: 'false' }, '"secure"'],
    [{ path: '/; Domain=evil.example' }, '"path"'],
    [{ sameSite: 'lax; Domain=evil.example' }, '"sameSite"'],
    [{ maxAge: 5 }, 'unknown option'],
    [{ name: 'other' }, '"name"'],
    [{ discard: 'yes' }, '"discard"'],
    [{ discard: null }, '"discard"'],
  ])('refuses %o, modified or not', async (options, named) => {
    const { sessions } = createManager()
    const modified = await sessions.generate(1)
    const untouched = await sessions.fromHeadersOrCreate(cookieOf(modified.key), 2)
    const message = expect.stringContaining(named) as string
    for (const session of [modified, untouched]) {
      const show = () => sessions.toCookieHeaders(session, options as CookieHeaderOptions)
      expect(show).toThrow(expect.objectContaining({ ...COOKIE, message }))
    }
  })

  it('refuses what is no session', () => {
    const { sessions } = createManager()
    expect(() => sessions.toCookieHeaders({} as Session)).toThrow(TypeError)
  })

  it.each([
    [0.4, 'Max-Age=1'],
    [59.2, 'Max-Age=60'],
    [-3, 'Max-Age=0'],
    [34_560_000, 'Max-Age=34560000'],
    [1e12, 'Max-Age=34560000'],
    [Infinity, 'Max-Age=34560000'],
  ])('makes a Max-Age of a period of %d from a hand-written backend', async (period, shown) => {
    const backend: Backend = {
      defaultPeriod: 60,
      generate: () => 'k' as Key,
      get: () => ({ ok: true, value: '1', period }),
      set: () => ({ ok: true, period }),
      clear: () => {},
    }
    const sessions = createSessionManager({ backend })
    const session = await sessions.generate(1)
    await sessions.set(session, { value: 2 })
    expect(sessions.toCookieHeaders(session)[0]?.[1]).toContain(`; ${shown};`)
  })
})

describe('clearHeaders', () => {
  it('evicts the cookie with all its attributes', () => {
    const { sessions } = createManager()
    const expected = [['Set-Cookie', EVICTED], NO_STORE, VARY]
    expect(sessions.clearHeaders()).toEqual(expected)
    expect(sessions.clearHeaders({})).toEqual(expected)
  })

  it('takes attributes for one header', () => {
    const cookie = { name: 'sid', domain: 'example.com', path: '/app' }
    const { sessions } = createManager({ manager: { cookie } })
    expect(sessions.clearHeaders({ path: '/old' })[0]?.[1]).toBe(
      'sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=example.com; Path=/old; Secure; HttpOnly; SameSite=Lax',
    )
  })

  it.each([{ path: '/app' }, { name: 'other' }, { discard: true }, { maxAge: 0 }])(
    'refuses %o',
    (options) => {
      const { sessions } = createManager()
      expect(() => sessions.clearHeaders(options as CookieHeaderOptions)).toThrow(
        expect.objectContaining(COOKIE),
      )
    },
  )
})
