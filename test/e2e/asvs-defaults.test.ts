// The rows of OWASP ASVS 5, levels 1 and 2, that a session library can enforce: met over HTTP by what one gets without
// a single option.
import { describe, expect, it, onTestFinished } from 'vitest'
import { onSessionEvent } from '../../src/core/events.ts'
import { isKey } from '../../src/core/key.ts'
import { ONE_WEEK, THIRTY_DAYS } from '../../src/core/period.ts'
import { ADAPTERS, handleIn, keyIn, openTarget, pairWith } from './support/target.ts'

const DAY = 86_400

describe.each(ADAPTERS)('the defaults, through %s, meet', (_name, serve) => {
  it('V7.2.1: a key is verified by the store, and every character of it counts', async () => {
    const target = await openTarget(serve)
    const visitor = target.visitor()
    await visitor.visit('/login/ann')
    const key = keyIn(visitor.cookie())
    for (let at = 0; at < key.length; at++) {
      const other = key[at] === 'A' ? 'Q' : 'A'
      const changed = pairWith(key.slice(0, at) + other + key.slice(at + 1))
      expect((await target.ask('/', changed)).body).toBe('nobody')
    }
    expect(await visitor.look()).toBe('ann with 0 items')
  })

  it('V7.2.2, V7.2.3, V11.5.1: each session has a key of its own, of 128 and 256 random bits', async () => {
    const target = await openTarget(serve)
    const keys = new Set<string>()
    for (let n = 0; n < 100; n++) {
      const visitor = target.visitor()
      await visitor.visit('/buy')
      keys.add(keyIn(visitor.cookie()))
    }
    expect(keys.size).toBe(100)
    expect([...keys].every(isKey)).toBe(true)
  })

  it('V7.2.4: a login gives a new key and ends the old one, a second login too', async () => {
    const target = await openTarget(serve)
    const visitor = target.visitor()
    await visitor.visit('/buy')
    for (let n = 0; n < 2; n++) {
      const old = visitor.cookie()
      await visitor.visit('/login/ann')
      expect(visitor.cookie()).not.toBe(old)
      expect((await target.ask('/', old)).body).toBe('nobody')
      expect(await visitor.look()).toBe('ann with 1 items')
    }
  })

  it('V7.3.1: a session ends after a week without use, by the server’s clock', async () => {
    const target = await openTarget(serve)
    const visitor = target.visitor()
    await visitor.visit('/login/ann')
    target.clock.advance(ONE_WEEK - 1)
    expect(await visitor.look()).toBe('ann with 0 items')
    target.clock.advance(ONE_WEEK)
    expect(await visitor.look()).toBe('nobody')
  })

  it('V7.3.2: a session ends after 30 days, however much it is used', async () => {
    const target = await openTarget(serve)
    const visitor = target.visitor()
    await visitor.visit('/login/ann')
    for (let seconds = DAY; seconds < THIRTY_DAYS; seconds += DAY) {
      target.clock.advance(DAY)
      expect((await visitor.visit('/rotate')).body).toBe('ann with 0 items')
    }
    target.clock.advance(DAY)
    expect(await visitor.look()).toBe('nobody')
  })

  it('V7.4.1: a logout ends the session in the store', async () => {
    const target = await openTarget(serve)
    const visitor = target.visitor()
    await visitor.visit('/login/ann')
    const old = visitor.cookie()
    const reply = await visitor.visit('/logout')
    expect(reply.setCookies[0]).toMatch(/^__Host-session=; Max-Age=0;/)
    expect((await target.ask('/', old)).body).toBe('nobody')
    expect(await target.sessions.list('ann')).toEqual([])
  })

  it('V7.6.2: whoever only looks gets no session', async () => {
    const target = await openTarget(serve)
    const reply = await target.ask('/')
    expect([reply.body, reply.setCookies]).toEqual(['nobody', []])
    expect(target.store.takeCalls()).toEqual([])
  })

  it('V3.3.1 to V3.3.4, V14.3.3: the cookie is __Host-, Secure, HttpOnly, SameSite, and holds the key alone', async () => {
    const target = await openTarget(serve)
    const reply = await target.ask('/login/ann')
    expect(reply.setCookies).toHaveLength(1)
    expect(reply.setCookies[0]).toMatch(
      /^__Host-session=[\w-]{22}\.[\w-]{43}; Max-Age=604800; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
    // The token is in no other header, and not in the body.
    expect(reply.body).not.toContain('__Host-session')
    expect(reply.header('cache-control')).toBe('no-store')
    expect(reply.header('vary')).toMatch(/cookie/i)
  })

  it('V14.2.1, V15.3.7: a key is read from the Cookie header alone, and the first that lives counts', async () => {
    const target = await openTarget(serve)
    const [ann, bob] = [target.visitor(), target.visitor()]
    await ann.visit('/login/ann')
    await bob.visit('/login/bob')
    expect((await target.ask(`/?__Host-session=${keyIn(ann.cookie())}`)).body).toBe('nobody')
    for (let n = 0; n < 3; n++) {
      const both = `${bob.cookie()}; ${ann.cookie()}`
      expect((await target.ask('/', both)).body).toBe('bob with 0 items')
    }
  })

  it('V16.2.5: what is published for logs names sessions by their public half', async () => {
    const target = await openTarget(serve)
    const heard: string[] = []
    for (const name of ['created', 'read', 'rotated', 'cleared'] as const) {
      onTestFinished(
        onSessionEvent(`sojourn:session.${name}`, (event) => heard.push(JSON.stringify(event))),
      )
    }
    const visitor = target.visitor()
    const secrets: string[] = []
    for (const path of ['/buy', '/login/ann', '/']) {
      await visitor.visit(path)
      secrets.push(keyIn(visitor.cookie()).slice(23))
    }
    const handle = handleIn(visitor.cookie())
    await visitor.visit('/logout')
    expect(heard.length).toBeGreaterThanOrEqual(4)
    expect(heard.every((text) => text.includes(handle))).toBe(true)
    expect(secrets.some((secret) => heard.join('').includes(secret))).toBe(false)
  })
})
