import { describe, expect, it } from 'vitest'
import type { LifecyclePolicy, Session } from '../../src/index.ts'
import { createSessionManager } from '../../src/index.ts'
import { cookieOf, createManager, ENGINES } from './fixture.ts'
import type { Engine } from './fixture.ts'
import { createPlainBackend } from './plain-backend.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }

async function load({ sessions }: Pick<Engine, 'sessions'>, key: string): Promise<Session> {
  const found = await sessions.fromHeaders(cookieOf(key))
  if (!found.ok) throw new Error(found.reason)
  return found.session
}

describe.each(ENGINES)('renew on %s', (_, create) => {
  it('gives the object a new key, something to tell, and nothing else', async () => {
    const engine = create({ period: 60 })
    const made = await engine.sessions.generate(1, { subject: 'ann', labels: { at: 'desk' } })
    const session = await load(engine, made.key)
    const before = { ...facts(session), modified: true }
    engine.clock.advance(10)
    expect(await engine.sessions.renew(session)).toBe(true)
    expect(facts(session)).toEqual({ ...before, expiryPeriod: 50 })
    expect(session.key).not.toBe(made.key)
    expect(engine.sessions.toCookieHeaders(session)[0]?.[1]).toContain(session.key)
  })

  it('lets requests under way read, write and log out under the old key', async () => {
    const engine = create()
    const made = await engine.sessions.generate(1)
    const beside = await load(engine, made.key)
    const session = await load(engine, made.key)
    await engine.sessions.renew(session)
    await load(engine, session.key)
    expect(await engine.sessions.update(beside, (n) => (n as number) + 1)).toBe(2)
    engine.clock.advance(59)
    expect((await load(engine, made.key)).value).toBe(2)
    await engine.sessions.clear(await load(engine, made.key))
    expect(await engine.sessions.fromKey(session.key)).toEqual(NOT_FOUND)
  })

  it('gives every request of a burst the same new key', async () => {
    const engine = create()
    const { key } = await engine.sessions.generate(1)
    const burst = await Promise.all(Array.from({ length: 6 }, () => load(engine, key)))
    await Promise.all(burst.map((session) => engine.sessions.renew(session)))
    expect(new Set(burst.map((session) => session.key)).size).toBe(1)
    expect(burst[0]?.key).not.toBe(key)
  })

  it('knows the state that a later rotation starts from', async () => {
    const engine = create()
    const session = await engine.sessions.generate(1)
    const { key } = session
    await engine.sessions.renew(session)
    const renewed = session.key
    await engine.sessions.bind(session, 'ann')
    for (const dead of [key, renewed]) {
      expect(await engine.sessions.fromKey(dead)).toEqual(NOT_FOUND)
    }
    expect(await load(engine, session.key)).toMatchObject({ subject: 'ann', value: 1 })
  })

  it('gives the old key no rights after its grace, to objects that were loaded within it either', async () => {
    const engine = create()
    const first = await engine.sessions.generate(1)
    const early = await load(engine, first.key)
    const session = await load(engine, first.key)
    await engine.sessions.renew(session)
    await load(engine, session.key)
    const late = await load(engine, first.key)
    expect(await engine.sessions.renew(early)).toBe(false)
    engine.clock.advance(60)
    for (const old of [early, late]) {
      const gone = { code: 'ERR_SESSION_GONE' }
      await expect(engine.sessions.bind(old, 'ann')).rejects.toMatchObject(gone)
      await expect(engine.sessions.rotate(old)).rejects.toMatchObject(gone)
    }
    expect(await load(engine, session.key)).toMatchObject({ subject: undefined })
  })

  it('is gone for a session that has ended or was rotated beside it', async () => {
    const engine = create()
    for (const end of ['clear', 'rotate'] as const) {
      const session = await engine.sessions.generate(1)
      await engine.sessions[end](await load(engine, session.key))
      const before = facts(session)
      await expect(engine.sessions.renew(session)).rejects.toMatchObject({
        code: 'ERR_SESSION_GONE',
      })
      expect(facts(session)).toEqual(before)
    }
  })
})

describe('renew', () => {
  async function renewedManager(policy: LifecyclePolicy = {}) {
    const made = createManager({ policy })
    const session = await made.sessions.generate(1)
    const old = session.key
    await made.sessions.renew(session)
    return { ...made, session, old }
  }

  it('is not confirmed by what the same request does under the new key', async () => {
    const { sessions, session, old, clock, backend } = await renewedManager()
    // Another request makes the update read the session again.
    await backend.set(old, '5')
    await sessions.update(session, (n) => (n as number) + 1)
    await sessions.set(session, { value: 7 })
    clock.advance(1000)
    expect(await sessions.fromKey(old)).toMatchObject({ ok: true, session: { value: 7 } })
  })

  it('sends the new key again to a client that still has the old one', async () => {
    const { sessions, session, old } = await renewedManager()
    const again = await load({ sessions }, old)
    expect(again).toMatchObject({ key: session.key, modified: false })
    expect(sessions.toCookieHeaders(again)[0]?.[1]).toContain(session.key)
    expect(await sessions.renew(again)).toBe(false)
  })

  it('never sets the old key again once a client has the new one', async () => {
    const { sessions, session, old } = await renewedManager()
    await load({ sessions }, session.key)
    const late = await load({ sessions }, old)
    await sessions.set(late, { value: 2 })
    expect(await sessions.renew(late)).toBe(false)
    expect(late).toMatchObject({ key: old, modified: true })
    expect(sessions.toCookieHeaders(late)).toEqual([['Vary', 'Cookie']])
    await sessions.clear(late)
    expect(sessions.toCookieHeaders(late)[0]?.[1]).toContain('Max-Age=0')
  })

  it('sets a rotated key, whatever the old one was', async () => {
    const { sessions, session, old } = await renewedManager()
    await load({ sessions }, session.key)
    const late = await load({ sessions }, old)
    await sessions.rotate(late)
    expect(sessions.toCookieHeaders(late)[0]?.[1]).toContain(late.key)
  })

  it('is near before it is due, and then no cookie is set with the old key', async () => {
    const { sessions, clock } = createManager({ policy: { renewAfter: 600, renewGrace: 30 } })
    const session = await sessions.generate(1)
    const cookies = async (): Promise<number> => {
      const found = await load({ sessions }, session.key)
      await sessions.set(found, { value: 2 })
      return sessions.toCookieHeaders(found).length - 1
    }
    clock.advance(569.999)
    expect(await cookies()).toBe(2)
    clock.advance(0.001)
    expect(await cookies()).toBe(0)
    clock.advance(30)
    expect(await cookies()).toBe(0)
    const due = await load({ sessions }, session.key)
    expect(await sessions.renew(due)).toBe(true)
    expect(sessions.toCookieHeaders(due)[0]?.[1]).toContain(due.key)
  })

  it('is made where it is due, and not before: no response under way sets the old key again', async () => {
    const policy = { renewAfter: 600, renewGrace: 30, onReuse: 'end', period: 100_000 } as const
    const { sessions, clock, store } = createManager({ policy })
    const { key } = await sessions.generate(1)
    const cookiesOf = (session: Session): number => sessions.toCookieHeaders(session).length - 1
    clock.advance(569)
    const early = await load({ sessions }, key)
    clock.advance(1)
    const near = await load({ sessions }, key)
    store.calls.length = 0
    expect(await sessions.renew(early)).toBe(false)
    expect(await sessions.renew(near)).toBe(false)
    expect(store.calls).toEqual([])
    // Of the requests that have loaded it, one may still set the old key, and that for as long as the grace.
    await sessions.set(early, { value: 2 })
    await sessions.update(near, () => 3)
    expect([cookiesOf(early), cookiesOf(near)]).toEqual([2, 0])
    clock.advance(30)
    const due = await load({ sessions }, key)
    expect(await sessions.renew(due)).toBe(true)
    const next = await load({ sessions }, due.key)
    expect(await sessions.renew(next)).toBe(false)
    await sessions.update(near, () => 4)
    expect(cookiesOf(near)).toBe(0)
  })

  it('counts from the confirmation of the last one, and from a login', async () => {
    const { backend, clock } = createManager({ policy: { renewAfter: 600, renewGrace: 30 } })
    const key = await backend.generate({ value: '1' })
    clock.advance(600)
    const renewed = await backend.renew(key)
    const next = renewed.ok ? renewed.key : ''
    clock.advance(600)
    expect(await backend.get(next)).toMatchObject({ renewal: undefined })
    clock.advance(570)
    expect(await backend.get(next)).toMatchObject({ renewal: 'near' })
    const bound = await backend.rotate(next, 3, { authenticated: true })
    expect(await backend.get(bound.ok ? bound.key : '')).toMatchObject({ renewal: undefined })
  })

  it('is renewed rather than touched in the last seconds', async () => {
    const policy = { period: 600, renewAfter: 600, renewGrace: 30 }
    const { backend, clock } = createManager({ policy })
    const key = await backend.generate({ value: '1' })
    clock.advance(580)
    expect(await backend.get(key)).toMatchObject({ renewal: 'due' })
  })

  it('has no place where there is no store, and none for a cleared session', async () => {
    const plain = createSessionManager({ backend: createPlainBackend() })
    await expect(plain.renew(await plain.generate(1))).rejects.toMatchObject({
      code: 'ERR_SESSION_UNSUPPORTED_OPERATION',
    })
    const { sessions, session } = await renewedManager()
    await sessions.clear(session)
    await expect(sessions.renew(session)).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
  })

  it('leaves the object as it was when the store fails', async () => {
    const { sessions } = createManager({
      replace: () => ({ updateSecurity: () => Promise.reject(new Error('down')) }),
    })
    const session = await sessions.generate(1)
    const { key } = session
    await expect(sessions.renew(session)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    expect(session.key).toBe(key)
    expect(await load({ sessions }, key)).toMatchObject({ value: 1 })
  })
})

function facts(session: Session) {
  const { value, version, handle, subject, createdAt, authenticatedAt, labels } = session
  const { expiryPeriod, modified } = session
  return {
    value,
    version,
    handle,
    subject,
    createdAt,
    authenticatedAt,
    labels,
    expiryPeriod,
    modified,
  }
}
