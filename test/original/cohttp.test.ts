// The faults of the original's cookie layer (ocaml-session's session_cohttp.ml), each named by the operation
// that had it, and what its documentation promised. Every case fails on the original.
import { describe, expect, it } from 'vitest'
import { generateKey } from '../../src/core/key.ts'
import { cookieOf, createManager, ENGINES } from '../manager/fixture.ts'

const GONE = { code: 'ERR_SESSION_GONE' }
const NOT_FOUND = { ok: false, reason: 'not_found' }

describe.each(ENGINES)('the original’s manager on %s', (_, create) => {
  it('clear then set on the same session does not revive its key', async () => {
    const { sessions } = create()
    const session = await sessions.generate('a')
    await sessions.clear(session)
    await expect(sessions.set(session, { value: 'b' })).rejects.toMatchObject(GONE)
    expect(await sessions.fromKey(session.key)).toEqual(NOT_FOUND)
    expect(sessions.toCookieHeaders(session)[0]?.[1]).toContain('Max-Age=0')
  })

  it('clear elsewhere then set does not revive the session', async () => {
    const { sessions, backend } = create()
    const session = await sessions.generate('a')
    await backend.clear(session.key)
    await expect(sessions.set(session, { value: 'b' })).rejects.toMatchObject(GONE)
    expect(await sessions.fromKey(session.key)).toEqual(NOT_FOUND)
  })

  it('set learns that the session is gone, and sends no cookie for it', async () => {
    const { sessions, backend } = create()
    const { key } = await sessions.generate('a')
    const found = await sessions.fromKey(key)
    if (!found.ok) throw new Error(found.reason)
    await backend.clear(key)
    await expect(sessions.set(found.session, { value: 'b' })).rejects.toMatchObject(GONE)
    expect(found.session.modified).toBe(false)
    expect(sessions.toCookieHeaders(found.session)).toEqual([['Vary', 'Cookie']])
  })

  it('set without a value moves the expiry alone, and undoes no write of another request', async () => {
    const { sessions } = create()
    const mine = await sessions.generate('a')
    const found = await sessions.fromKey(mine.key)
    if (!found.ok) throw new Error(found.reason)
    await sessions.set(found.session, { value: 'written by another' })
    await sessions.set(mine, { expiry: 60 })
    expect(await sessions.fromKey(mine.key)).toMatchObject({
      session: { value: 'written by another', expiryPeriod: 60 },
    })
  })

  it('set with a stale value is told, not silently applied', async () => {
    const { sessions } = create()
    const mine = await sessions.generate('a')
    const found = await sessions.fromKey(mine.key)
    if (!found.ok) throw new Error(found.reason)
    await sessions.set(found.session, { value: 'b' })
    const lost = sessions.set(mine, { value: 'c' })
    await expect(lost).rejects.toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
    expect(await sessions.fromKey(mine.key)).toMatchObject({ session: { value: 'b' } })
  })

  it('a use of a session of 60 seconds need not make it one of a week', async () => {
    const { sessions, clock } = create()
    const session = await sessions.generate(1, { expiry: 60 })
    await sessions.update(session, (n) => (n as number) + 1)
    expect(session.expiryPeriod).toBe(60)
    clock.advance(30)
    const found = await sessions.fromKey(session.key)
    if (!found.ok) throw new Error(found.reason)
    await sessions.touch(found.session)
    expect(found.session.expiryPeriod).toBe(60)
  })

  it('of_header_or_create leaves no empty session behind', async () => {
    const { sessions, backend } = create()
    const empty = await backend.generate()
    await sessions.fromHeadersOrCreate(cookieOf(empty), 'new')
    expect(await backend.get(empty)).toEqual(NOT_FOUND)
    expect(await sessions.clearAll()).toBe(1)
  })

  it('of_header finds the live session behind a dead cookie of the same name', async () => {
    const { sessions } = create()
    const { key } = await sessions.generate('a')
    const found = await sessions.fromHeaders(cookieOf(generateKey(), key))
    expect(found).toMatchObject({ ok: true, session: { value: 'a' } })
  })

  it('clear shows no value, where the original showed an empty one', async () => {
    const { sessions } = create()
    const session = await sessions.generate('a')
    await sessions.clear(session)
    expect(session.value).toBeUndefined()
    expect(session.expiryPeriod).toBe(0)
  })
})

describe('the original’s of_header', () => {
  it('asks the store for nothing that is no key', async () => {
    const { sessions, store } = createManager()
    for (const value of ['', 'x', 'x'.repeat(60_000), "' OR 1=1 --", '../../etc/passwd', '\0']) {
      expect(await sessions.fromHeaders(`__Host-session=${value}`)).toEqual(NOT_FOUND)
    }
    expect(await sessions.fromHeaders('__Host-session')).toEqual({ ok: false, reason: 'no_cookie' })
    expect(store.calls).toEqual([])
  })

  it('takes blanks after a value, and quotes around it, for what they are', async () => {
    const { sessions } = createManager()
    const { key } = await sessions.generate('a')
    for (const header of [`__Host-session=${key} ; a=1`, `__Host-session="${key}"`]) {
      expect(await sessions.fromHeaders(header)).toMatchObject({ ok: true })
    }
  })

  it('takes the first of several Cookie headers first', async () => {
    const { sessions } = createManager()
    const first = await sessions.generate('first')
    const second = await sessions.generate('second')
    const headers = { cookie: [cookieOf(first.key), cookieOf(second.key)] }
    expect(await sessions.fromHeaders(headers)).toMatchObject({ session: { value: 'first' } })
  })
})

describe('the original’s to_cookie_hdrs', () => {
  it('evicts a cleared session with discard too, where the original set the dead cookie again', async () => {
    const { sessions } = createManager()
    const session = await sessions.generate('a')
    await sessions.clear(session)
    const [header] = sessions.toCookieHeaders(session, { discard: true })
    expect(header?.[1]).toMatch(/^__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970/)
    expect(header?.[1]).not.toContain(session.key)
  })

  it('shows no negative Max-Age', async () => {
    const { sessions, clock } = createManager({ policy: { period: 10, absolute: 15 } })
    const session = await sessions.generate('a')
    for (const seconds of [9, 5.9]) {
      clock.advance(seconds)
      await sessions.set(session, {})
      const [, maxAge] =
        /Max-Age=([^;]+)/.exec(sessions.toCookieHeaders(session)[0]?.[1] ?? '') ?? []
      expect(Number(maxAge)).toBeGreaterThanOrEqual(1)
    }
  })

  it('is Secure, HttpOnly and SameSite=Lax unless told otherwise', async () => {
    const { sessions } = createManager()
    const [header] = sessions.toCookieHeaders(await sessions.generate('a'))
    expect(header?.[1]).toMatch(/; Path=\/; Secure; HttpOnly; SameSite=Lax$/)
  })

  it('lets no path or domain add attributes or headers', async () => {
    const { sessions } = createManager({ manager: { cookie: { name: 'sid' } } })
    const session = await sessions.generate('a')
    for (const text of ['/; Domain=evil.example', '/\r\nSet-Cookie: a=b', '/\0']) {
      const refused = expect.objectContaining({ code: 'ERR_SESSION_INVALID_COOKIE' }) as Error
      expect(() => sessions.toCookieHeaders(session, { path: text })).toThrow(refused)
      expect(() => sessions.toCookieHeaders(session, { domain: text })).toThrow(refused)
      expect(() => sessions.clearHeaders({ path: text })).toThrow(refused)
    }
  })

  it('keeps a response that sets the cookie from caches', async () => {
    const { sessions } = createManager()
    const fields = sessions.toCookieHeaders(await sessions.generate('a'))
    expect(fields).toContainEqual(['Cache-Control', 'no-store'])
  })
})

describe('the original’s clear_hdrs', () => {
  it('has an equals sign, without which no browser evicts anything', () => {
    const { sessions } = createManager()
    expect(sessions.clearHeaders()[0]?.[1]).toMatch(/^__Host-session=;/)
  })

  it('has a date in the past beside Max-Age, and every attribute of the cookie it clears', () => {
    const { sessions } = createManager({
      manager: {
        cookie: { name: '__Secure-sid', domain: 'example.com', path: '/app', partitioned: true },
      },
    })
    expect(sessions.clearHeaders()[0]?.[1]).toBe(
      '__Secure-sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=example.com; Path=/app; ' +
        'Secure; HttpOnly; SameSite=Lax; Partitioned',
    )
  })
})
