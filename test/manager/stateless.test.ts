import { describe, expect, it } from 'vitest'
import { createCookieBackend } from '../../src/backends/cookie.ts'
import { createSessionManager, isSessionBackend } from '../../src/index.ts'
import type { Backend, HeaderField, Key } from '../../src/index.ts'
import { make, NOT_FOUND, UNSUPPORTED } from '../backends/cookie/fixture.ts'
import { createPlainBackend } from './plain-backend.ts'

const NAME = '__Host-session'
const LONG = 'x'.repeat(4000)
const GONE =
  'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax'

function createSessions(options: Parameters<typeof make>[0] = {}) {
  const { backend, clock } = make({ period: 600, ...options })
  return { sessions: createSessionManager({ backend }), backend, clock }
}

function cookiesIn(fields: readonly HeaderField[]): string[] {
  return fields.filter(([name]) => name === 'Set-Cookie').map(([, line]) => line)
}

/** The `Cookie` header of a browser that got these fields and had `before`. */
function browse(fields: readonly HeaderField[], before = ''): string {
  const jar = new Map(
    before
      .split('; ')
      .filter(Boolean)
      .map((pair) => pair.split('=') as [string, string]),
  )
  for (const line of cookiesIn(fields)) {
    const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=')
    if (line.includes('Max-Age=0')) jar.delete(name)
    else jar.set(name, value)
  }
  return [...jar].map((pair) => pair.join('=')).join('; ')
}

describe('a manager on a stateless backend', () => {
  it('carries a short value in one cookie, and says how long it lives', async () => {
    const { sessions } = createSessions({ maxBytes: 4000 })
    const fields = sessions.toCookieHeaders(await sessions.generate({ cart: [1] }))
    expect(fields.map(([name]) => name)).toEqual(['Set-Cookie', 'Cache-Control', 'Vary'])
    expect(fields[0]?.[1]).toMatch(/^__Host-session=[\w-]{8}\.[\w-]+; Max-Age=600; Path=\/; Secure/)
    const found = await sessions.fromHeaders({ cookie: browse(fields) })
    expect(found).toMatchObject({ ok: true, session: { value: { cart: [1] }, expiryPeriod: 600 } })
  })

  it('carries a long value in several, under the same attributes', async () => {
    const { sessions } = createSessions()
    const fields = sessions.toCookieHeaders(await sessions.generate(LONG), { sameSite: 'Strict' })
    const lines = cookiesIn(fields)
    expect(lines.map((line) => line.split('=')[0])).toEqual([NAME, `${NAME}.1`])
    for (const line of lines) {
      expect(line).toContain('; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Strict')
      expect(line.split(';')[0]?.length).toBeLessThanOrEqual(4097)
    }
    const found = await sessions.fromHeaders(browse(fields))
    expect(found.ok && found.session.value === LONG).toBe(true)
  })

  it('learns the new key of each write, and keeps the old value out of the new cookie', async () => {
    const { sessions } = createSessions()
    const session = await sessions.generate(1)
    const keys = [session.key]
    await sessions.set(session, { value: 2 })
    keys.push(session.key)
    await sessions.set(session, { expiry: 60 })
    keys.push(session.key)
    await sessions.update(session, (n) => (n as number) + 1, { unversioned: true })
    keys.push(session.key)
    await sessions.rotate(session)
    keys.push(session.key)
    expect(new Set(keys).size).toBe(5)
    expect(session).toMatchObject({ value: 3, modified: true, version: undefined })
    const found = await sessions.fromHeaders(browse(sessions.toCookieHeaders(session)))
    expect(found).toMatchObject({ session: { value: 3, handle: session.handle } })
  })

  it('removes the cookies that a shorter value leaves over', async () => {
    const { sessions } = createSessions()
    const session = await sessions.generate(LONG)
    const before = browse(sessions.toCookieHeaders(session))
    await sessions.set(session, { value: 'short' })
    const fields = sessions.toCookieHeaders(session)
    expect(cookiesIn(fields)[1]).toBe(`${NAME}.1=; ${GONE}`)
    const after = browse(fields, before)
    expect(after).not.toContain(`${NAME}.1`)
    expect(await sessions.fromHeaders(after)).toMatchObject({ session: { value: 'short' } })
    // Also when it is only read, with the old part still there.
    const stale = `${after}; ${before.split('; ').find((pair) => pair.startsWith(`${NAME}.1`))}`
    expect(await sessions.fromHeaders(stale)).toMatchObject({ session: { value: 'short' } })
  })

  it('removes all of them with the session', async () => {
    const { sessions } = createSessions({ maxBytes: 12_288 })
    const session = await sessions.generate(LONG)
    await sessions.clear(session)
    const lines = [NAME, `${NAME}.1`, `${NAME}.2`, `${NAME}.3`].map((name) => `${name}=; ${GONE}`)
    expect(cookiesIn(sessions.toCookieHeaders(session))).toEqual(lines)
    expect(cookiesIn(sessions.clearHeaders())).toEqual(lines)
  })

  it('finds no session in part of its cookies, and can remove that part', async () => {
    const { sessions } = createSessions()
    const cookie = browse(sessions.toCookieHeaders(await sessions.generate(LONG)))
    const [first = '', second = ''] = cookie.split('; ')
    expect(await sessions.fromHeaders(first)).toEqual(NOT_FOUND)
    expect(await sessions.fromHeaders(second)).toEqual({ ok: false, reason: 'no_cookie' })
    expect(await sessions.clearFromHeaders(first)).toBe(true)
  })

  it('passes over planted cookies in front of the session’s own, four at the most', async () => {
    const { sessions } = createSessions()
    const own = browse(sessions.toCookieHeaders(await sessions.generate('mine')))
    const planted = (count: number) => `${NAME}=AAAAAAAA.planted; `.repeat(count)
    expect(await sessions.fromHeaders(planted(3) + own)).toMatchObject({ ok: true })
    expect(await sessions.fromHeaders(planted(4) + own)).toEqual(NOT_FOUND)
  })

  it('refuses an update that does not accept that the last write wins', async () => {
    const { sessions } = createSessions()
    const session = await sessions.generate(1)
    await expect(sessions.update(session, () => 2)).rejects.toMatchObject(UNSUPPORTED)
    expect(session.value).toBe(1)
  })

  it('leaves the object as it was when a value is too large', async () => {
    const { sessions } = createSessions()
    const session = await sessions.generate('small')
    const { key } = session
    const error = { code: 'ERR_SESSION_INVALID_VALUE' }
    await expect(sessions.set(session, { value: LONG.repeat(2) })).rejects.toMatchObject(error)
    expect(session).toMatchObject({ key, value: 'small' })
    await expect(sessions.generate(LONG.repeat(2))).rejects.toMatchObject(error)
  })

  it('shows handle, subject and labels, and neither key nor value when printed', async () => {
    const { sessions } = createSessions()
    const session = await sessions.generate('value', { subject: 'ann', labels: { device: 'pc' } })
    expect(session.handle).toMatch(/^[\w-]{22}$/)
    expect(session).toMatchObject({ subject: 'ann', labels: { device: 'pc' }, version: undefined })
    await sessions.bind(session, 'bob')
    const found = await sessions.fromKey(session.key)
    expect(found).toMatchObject({ session: { subject: 'bob', labels: { device: 'pc' } } })
    expect(found.ok && found.session.handle).toBe(session.handle)
  })

  it('makes the touch that is due with a new key', async () => {
    const { sessions, clock } = createSessions()
    const { key } = await sessions.generate('value')
    clock.advance(300)
    const found = await sessions.fromKey(key)
    if (!found.ok) throw new Error('the session is there')
    expect(await sessions.touch(found.session)).toBe(true)
    expect(found.session).toMatchObject({ modified: true, expiryPeriod: 600 })
    expect(found.session.key).not.toBe(key)
    clock.advance(500)
    expect(await sessions.fromKey(key)).toEqual(NOT_FOUND)
    expect(await sessions.fromKey(found.session.key)).toMatchObject({ ok: true })
  })

  it('refuses a cookie whose name leaves no room, when it is made', () => {
    const { backend } = make({ maxBytes: 12_288 })
    const cookie = { name: 'n'.repeat(1500) }
    expect(() => createSessionManager({ backend, cookie })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_INVALID_COOKIE' }),
    )
  })
})

describe('a hand-written backend with changing keys', () => {
  function createChanging(keyOf: (n: number) => string): Backend {
    const plain = createPlainBackend()
    let writes = 0
    return {
      ...plain,
      maxKeyLength: 40,
      set: (key, value, options) => {
        const done = plain.set(key, value, options)
        return { ...(done as { ok: true }), key: keyOf(++writes) as Key }
      },
    }
  }

  it('is followed', async () => {
    const sessions = createSessionManager({ backend: createChanging((n) => `changed-${n}`) })
    const session = await sessions.generate('a')
    await sessions.set(session, { value: 'b' })
    expect(session.key).toBe('changed-1')
  })

  it.each([0, Number.NaN, 'long'])('is refused with %j for the length of its keys', (length) => {
    const backend = { ...createPlainBackend(), maxKeyLength: length as number }
    expect(() => createSessionManager({ backend })).toThrow(TypeError)
  })

  it.each(['', 'a b', 'x'.repeat(41)])('has failed when it gives %j for a key', async (key) => {
    const sessions = createSessionManager({ backend: createChanging(() => key) })
    const session = await sessions.generate('a')
    const fault = { code: 'ERR_SESSION_BACKEND' }
    await expect(sessions.set(session, { value: 'b' })).rejects.toMatchObject(fault)
    expect(session.value).toBe('a')
  })
})

describe('isSessionBackend', () => {
  it('is false for a stateless backend, which cannot do all of it', () => {
    const backend = createCookieBackend({ secrets: ['s'.repeat(32)], audience: 'test' })
    expect(isSessionBackend(backend)).toBe(false)
  })
})
