import { describe, expect, it } from 'vitest'
import { createRequestSession } from '../../src/index.ts'
import { handleOf } from '../../src/core/key.ts'
import type { Key } from '../../src/core/key.ts'
import { cookieOf } from '../manager/fixture.ts'
import type { State } from './fixture.ts'
import { cookiesIn, createHead, createRequest } from './fixture.ts'

const VARY = [['Vary', 'Cookie']]
const EVICTED =
  '__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax'
const INVALID = { code: 'ERR_SESSION_INVALID_VALUE' }
const NOT_FOUND = { ok: false, reason: 'not_found' }
const WITH_COOKIE: readonly State[] = ['malformed', 'not_found', 'not_set', 'found', 'invalid']

describe('clear', () => {
  it.each(WITH_COOKIE)('ends what the cookie names (%s), unread, and evicts it', async (state) => {
    const { request, memory, store, head, sessions } = await createRequest(state)
    expect(await request.clear()).toBeUndefined()
    expect(store.calls).toEqual(state === 'malformed' ? [] : ['delete'])
    expect(head.writes).toEqual([sessions.clearHeaders()])
    expect(cookiesIn(head)).toEqual([EVICTED])
    expect(await memory.deleteAll()).toBe(0)
  })

  it.each(WITH_COOKIE)('ends what the cookie names (%s), read before', async (state) => {
    const { request, memory, head } = await createRequest(state)
    await request.load().catch(() => {})
    await request.clear()
    expect(cookiesIn(head)).toEqual([EVICTED])
    expect(await request.load()).toBeUndefined()
    expect(await memory.deleteAll()).toBe(0)
  })

  it('does nothing without a cookie, read or unread', async () => {
    const { request, store, head } = await createRequest('no_cookie')
    await request.clear()
    expect(head.writes).toEqual([])
    const again = await createRequest('no_cookie')
    await again.request.load()
    await again.request.clear()
    expect(again.head.writes).toEqual([VARY])
    expect([...store.calls, ...again.store.calls]).toEqual([])
  })

  it('may be done again, and then asks nobody', async () => {
    const { request, store, head } = await createRequest('found')
    await request.clear()
    await request.clear()
    expect(await request.load()).toBeUndefined()
    expect(await request.update(() => undefined)).toBeUndefined()
    await request.rotate()
    expect(store.calls).toEqual(['delete'])
    expect(cookiesIn(head)).toEqual([EVICTED])
  })

  it('ends a session that was made in this request', async () => {
    const { request, memory, head } = await createRequest('no_cookie')
    const session = await request.set('new')
    await request.clear()
    expect(session).toMatchObject({ value: undefined, expiryPeriod: 0 })
    expect(await request.load()).toBeUndefined()
    expect(cookiesIn(head).at(-1)).toBe(EVICTED)
    expect(await memory.deleteAll()).toBe(0)
  })

  it('is no end of the request: a new session may be made, under a new key', async () => {
    const { request, head, key, sessions, memory } = await createRequest('found')
    await request.clear()
    const session = await request.set('new')
    expect(session.key).not.toBe(key)
    expect(await request.load()).toBe(session)
    expect(cookiesIn(head).at(-1)).toContain(session.key)
    expect(await sessions.fromKey(key)).toEqual(NOT_FOUND)
    expect(await memory.deleteAll()).toBe(1)
  })

  it('ends the session after a load that failed, and though it could not be read', async () => {
    const { request, memory, head } = await createRequest('found', {
      replace: () => ({ read: () => Promise.reject(new Error('down')) }),
    })
    await expect(request.load()).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    await request.clear()
    expect(cookiesIn(head)).toEqual([EVICTED])
    expect(await memory.deleteAll()).toBe(0)
  })

  it.each(['read before', 'unread'])('shows no lost logout as done (%s)', async (how) => {
    let down = true
    const fault = new Error('down')
    const { request, head, memory } = await createRequest('found', {
      replace: (memory) => ({
        delete: (...args) => (down ? Promise.reject(fault) : memory.delete(...args)),
      }),
    })
    if (how === 'read before') await request.load()
    await expect(request.clear()).rejects.toMatchObject({ cause: fault })
    expect(cookiesIn(head)).toEqual([])
    down = false
    await request.clear()
    expect(cookiesIn(head)).toEqual([EVICTED])
    expect(await memory.deleteAll()).toBe(0)
  })

  it('evicts the cookie with discard too', async () => {
    const { request, head } = await createRequest('found', { options: { discard: true } })
    const session = await request.set('new')
    expect(cookiesIn(head)[0]).toBe(
      `__Host-session=${session.key}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    )
    await request.clear()
    expect(cookiesIn(head)[1]).toBe(EVICTED)
  })

  it('leaves a session alone that another object of the application has cleared', async () => {
    const { request, sessions, head } = await createRequest('found')
    const session = await request.load()
    if (session !== undefined) await sessions.clear(session)
    expect(await request.load()).toBeUndefined()
    const made = await request.loadOrCreate('new')
    expect(made.value).toBe('new')
    expect(cookiesIn(head)).toHaveLength(1)
  })
})

describe('a session of this request that was ended past it', () => {
  it('is not given again: the next call makes another', async () => {
    const { request, sessions, memory } = await createRequest('no_cookie')
    const first = await request.set('a')
    await sessions.clear(first)
    expect(await request.load()).toBeUndefined()
    const second = await request.set('b')
    expect(second).not.toBe(first)
    expect(second.value).toBe('b')
    expect(await request.loadOrCreate('c')).toBe(second)
    expect(await memory.deleteAll()).toBe(1)
  })
})

describe('a session that got its value between the read and the creation', () => {
  it('is the one that is set', async () => {
    const { request, backend, key, head, memory } = await createRequest('not_set')
    expect(await request.load()).toBeUndefined()
    await backend.set(key, '"another"')
    expect(await request.set('new')).toMatchObject({ key, value: 'new', version: 3 })
    expect(cookiesIn(head)).toEqual([expect.stringContaining(key)])
    expect(await memory.deleteAll()).toBe(1)
  })

  it('is given by loadOrCreate as it is', async () => {
    const { request, backend, key, head } = await createRequest('not_set')
    await request.load()
    await backend.set(key, '"another"')
    expect(await request.loadOrCreate('new')).toMatchObject({ key, value: 'another' })
    expect(cookiesIn(head)).toEqual([])
  })
})

describe('rotate', () => {
  it('gives the session a new key, and the cookie goes with it', async () => {
    const { request, head, key, sessions } = await createRequest('found')
    expect(await request.rotate({ labels: { at: 'desk' } })).toBeUndefined()
    const session = await request.load()
    expect(session).toMatchObject({ value: 'old', labels: { at: 'desk' } })
    expect(session?.authenticatedAt).toBeUndefined()
    expect(session?.key).not.toBe(key)
    expect(cookiesIn(head)).toEqual([expect.stringContaining(session?.key ?? 'no key')])
    expect(await sessions.fromKey(key)).toEqual(NOT_FOUND)
    await request.rotate({ authenticated: true })
    expect(session?.authenticatedAt).toBeInstanceOf(Date)
  })

  it.each(['no_cookie', 'malformed', 'not_found', 'not_set'] as const)(
    'does nothing without a session (%s)',
    async (state) => {
      const { request, head } = await createRequest(state)
      expect(await request.rotate()).toBeUndefined()
      expect(head.writes).toEqual([VARY])
    },
  )

  it('rejects on a value that no longer decodes', async () => {
    const { request } = await createRequest('invalid')
    await expect(request.rotate()).rejects.toMatchObject(INVALID)
  })

  it('writes no header when another request has rotated', async () => {
    const { request, backend, head, key } = await createRequest('found')
    await request.load()
    await backend.rotate(key, 1)
    await expect(request.rotate()).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
    expect(head.writes).toEqual([VARY])
  })
})

describe('bind', () => {
  it('logs a subject in to the session, with what it holds', async () => {
    const { request, head, key, sessions } = await createRequest('found')
    const session = await request.bind('ann', 'unused', { labels: { at: 'desk' } })
    expect(session).toMatchObject({ value: 'old', subject: 'ann', labels: { at: 'desk' } })
    expect(handleOf(session.key)).toBe(handleOf(key as Key))
    expect(session.authenticatedAt).toBeInstanceOf(Date)
    expect(await request.load()).toBe(session)
    expect(cookiesIn(head)).toEqual([expect.stringContaining(session.key)])
    expect(await sessions.fromKey(key)).toEqual(NOT_FOUND)
  })

  it.each(['no_cookie', 'malformed', 'not_found', 'not_set'] as const)(
    'makes a session where there is none (%s)',
    async (state) => {
      const { request, memory, head, store } = await createRequest(state)
      const session = await request.bind('ann', 'new', { labels: { at: 'desk' } })
      expect(session).toMatchObject({ value: 'new', subject: 'ann', labels: { at: 'desk' } })
      expect(session.authenticatedAt).toBeInstanceOf(Date)
      expect(cookiesIn(head)).toEqual([expect.stringContaining(session.key)])
      expect(store.calls).not.toContain('updateSecurity')
      expect(await memory.deleteAll()).toBe(1)
    },
  )

  it("renews the subject's own session", async () => {
    const { request, sessions } = await createRequest('found')
    const first = (await request.bind('ann', 'unused')).key
    const session = await request.bind('ann', 'unused')
    expect(session).toMatchObject({ value: 'old', subject: 'ann' })
    expect(session.key).not.toBe(first)
    expect(await sessions.list('ann')).toHaveLength(1)
  })

  it("leaves nothing of another subject's session", async () => {
    const { sessions } = await createRequest('no_cookie')
    const theirs = await sessions.generate('secret of bob', { subject: 'bob' })
    const head = createHead()
    const request = createRequestSession(sessions, cookieOf(theirs.key), head)
    const session = await request.bind('ann', 'new')
    expect(session).toMatchObject({ value: 'new', subject: 'ann' })
    expect(session.handle).not.toBe(theirs.handle)
    expect(await request.load()).toBe(session)
    expect(await sessions.list('bob')).toEqual([])
    expect(await sessions.fromKey(theirs.key)).toEqual(NOT_FOUND)
    expect(cookiesIn(head).at(-1)).toContain(session.key)
  })

  it.each<unknown>([undefined, null, '', 5])('refuses the subject %j', async (subject) => {
    const { request, store, head } = await createRequest('found')
    await expect(request.bind(subject as string, 'new')).rejects.toMatchObject(INVALID)
    expect(store.calls).toEqual([])
    expect(head.writes).toEqual([])
  })

  it('writes no header when the subject has as many sessions as it may', async () => {
    const limited = { code: 'ERR_SESSION_SUBJECT_LIMIT' }
    for (const state of ['found', 'no_cookie'] as const) {
      const { request, sessions, head } = await createRequest(state, {
        policy: { maxPerSubject: 1 },
      })
      await sessions.generate(1, { subject: 'ann' })
      await expect(request.bind('ann', 'new')).rejects.toMatchObject(limited)
      expect(head.writes).toEqual([VARY])
    }
  })
})

describe('the touch of a request', () => {
  async function halfway(options = {}) {
    const made = await createRequest('found', { policy: { period: 100 }, ...options })
    made.clock.advance(50)
    return made
  }

  it('is made by the first read when it is due, and moves the cookie along', async () => {
    const { request, store, head } = await halfway()
    const session = await request.load()
    expect(session).toMatchObject({ expiryPeriod: 100, modified: true })
    expect(store.calls).toEqual(['read', 'touch'])
    expect(cookiesIn(head)).toEqual([expect.stringContaining('; Max-Age=100;')])
    await request.load()
    expect(store.calls).toEqual(['read', 'touch'])
  })

  it('is left out when it is not due', async () => {
    const made = await createRequest('found', { policy: { period: 100 } })
    made.clock.advance(49.999)
    await made.request.load()
    expect(made.store.calls).toEqual(['read'])
    expect(made.head.writes).toEqual([VARY])
  })

  it('writes no header when another request was first', async () => {
    const { request, head } = await halfway({ replace: () => ({ touch: () => false }) })
    expect(await request.load()).toMatchObject({ expiryPeriod: 50, modified: false })
    expect(head.writes).toEqual([VARY])
  })

  it('rejects the load when the store fails', async () => {
    const fault = new Error('down')
    const { request } = await halfway({ replace: () => ({ touch: () => Promise.reject(fault) }) })
    const rejected = { code: 'ERR_SESSION_BACKEND', cause: fault }
    await expect(request.load()).rejects.toMatchObject(rejected)
  })
})

describe('bind', () => {
  it.each([
    { assurance: 'aal9' },
    { absolute: 0.5 },
    { labels: { device: 7 } },
    { carryOver: 'cart' },
    { carryover: () => 'cart' },
  ])('ends nobody’s session for a login that cannot be: %j', async (options) => {
    const { sessions, store } = await createRequest('no_cookie')
    const { key } = await sessions.generate('ann’s', { subject: 'ann' })
    store.calls.length = 0
    const head = createHead()
    const request = createRequestSession(sessions, cookieOf(key), head)
    await expect(request.bind('bob', 'bob’s', options as object)).rejects.toThrow(/"[a-z]+"/i)
    expect([...store.calls, ...cookiesIn(head)]).toEqual([])
    expect((await sessions.fromKey(key)).ok).toBe(true)
  })
})
