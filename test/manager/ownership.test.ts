import { describe, expect, it } from 'vitest'
import type { Handle, Session } from '../../src/index.ts'
import { generateKey, handleOf } from '../../src/core/key.ts'
import type { Engine } from './fixture.ts'
import { cookieOf, createManager, ENGINES } from './fixture.ts'

const GONE = {
  code: 'ERR_SESSION_GONE',
  message: 'the session was cleared, has expired or was rotated away',
}
const NOT_FOUND = { ok: false, reason: 'not_found' }
const VALUE = { code: 'ERR_SESSION_INVALID_VALUE' }

async function load({ sessions }: Pick<Engine, 'sessions'>, key: string): Promise<Session> {
  const found = await sessions.fromKey(key)
  if (!found.ok) throw new Error(found.reason)
  return found.session
}

function shown(session: Session) {
  const { key, expiryPeriod, modified, version, subject, authenticatedAt, labels } = session
  return { key, expiryPeriod, modified, version, subject, authenticatedAt, labels }
}

describe.each(ENGINES)('on %s', (_, create) => {
  describe('touch', () => {
    it('makes the touch that was due when the session was loaded, once', async () => {
      const engine = create({ period: 100 })
      const { key } = await engine.sessions.generate('a')
      engine.clock.advance(50)
      const session = await load(engine, key)
      expect(session.expiryPeriod).toBe(50)
      expect(await engine.sessions.touch(session)).toBe(true)
      expect(session).toMatchObject({ expiryPeriod: 100, modified: true, version: 1 })
      expect(await engine.sessions.touch(session)).toBe(false)
      expect((await load(engine, key)).expiryPeriod).toBe(100)
    })

    it('does nothing where none is due', async () => {
      const engine = create({ period: 100 })
      const made = await engine.sessions.generate('a')
      expect(await engine.sessions.touch(made)).toBe(false)
      engine.clock.advance(49.999)
      const session = await load(engine, made.key)
      expect(await engine.sessions.touch(session)).toBe(false)
      expect(session).toMatchObject({ expiryPeriod: 51, modified: false })
    })

    it('gives way to whoever has moved the expiry since', async () => {
      const engine = create({ period: 100 })
      const { key } = await engine.sessions.generate('a')
      engine.clock.advance(50)
      const session = await load(engine, key)
      await engine.sessions.set(await load(engine, key), { expiry: 10 })
      expect(await engine.sessions.touch(session)).toBe(false)
      expect(session).toMatchObject({ expiryPeriod: 50, modified: false })
      expect((await load(engine, key)).expiryPeriod).toBe(10)
    })

    it('revives nothing', async () => {
      const engine = create({ period: 100 })
      const { key } = await engine.sessions.generate('a')
      engine.clock.advance(50)
      const session = await load(engine, key)
      await engine.backend.clear(key)
      expect(await engine.sessions.touch(session)).toBe(false)
      expect(await engine.sessions.fromKey(key)).toEqual(NOT_FOUND)
    })

    it('is due no more after a write, which has moved the expiry already', async () => {
      const engine = create({ period: 100 })
      const { key } = await engine.sessions.generate('a')
      engine.clock.advance(50)
      for (const write of [
        (session: Session) => engine.sessions.set(session, { expiry: 60 }),
        (session: Session) => engine.sessions.rotate(session),
      ]) {
        const session = await load(engine, (await engine.sessions.generate('a')).key)
        await write(session)
        expect(await engine.sessions.touch(session)).toBe(false)
      }
      const session = await load(engine, key)
      await engine.sessions.update(session, () => 'b', { expiry: 60 })
      expect(await engine.sessions.touch(session)).toBe(false)
      expect((await load(engine, key)).expiryPeriod).toBe(60)
    })
  })

  describe('rotate', () => {
    it('gives the object a new key under the same handle; the old one is dead at once', async () => {
      const engine = create({ period: 60 })
      const session = await load(engine, (await engine.sessions.generate('a')).key)
      const old = session.key
      expect(await engine.sessions.rotate(session)).toBeUndefined()
      expect(session.key).not.toBe(old)
      expect(session).toMatchObject({
        value: 'a',
        version: 1,
        modified: true,
        handle: handleOf(old),
        authenticatedAt: undefined,
      })
      expect(await engine.sessions.fromKey(old)).toEqual(NOT_FOUND)
      expect((await load(engine, session.key)).value).toBe('a')
      expect(engine.sessions.toCookieHeaders(session)[0]?.[1]).toContain(session.key)
    })

    it('may be done again and again, and written in between', async () => {
      const engine = create()
      const session = await engine.sessions.generate(0)
      for (let n = 1; n < 4; n++) {
        await engine.sessions.rotate(session, { labels: { n: `${n}` } })
        await engine.sessions.set(session, { value: n })
      }
      expect(await load(engine, session.key)).toMatchObject({ value: 3, labels: { n: '3' } })
    })

    it('keeps expiry, subject and labels, unless told', async () => {
      const engine = create({ period: 60, absolute: 100 })
      const options = { subject: 'ann', labels: { at: 'desk' } }
      const session = await engine.sessions.generate('a', options)
      const made = engine.clock.now()
      engine.clock.advance(50)
      await engine.sessions.rotate(session)
      expect(session).toMatchObject({
        ...options,
        expiryPeriod: 10,
        authenticatedAt: new Date(made),
      })
      expect(session.createdAt).toEqual(new Date(made))
      await engine.sessions.rotate(session, { authenticated: true, labels: {} })
      expect(session).toMatchObject({ subject: 'ann', labels: {}, expiryPeriod: 60 })
      expect(session.authenticatedAt).toEqual(new Date(made + 50_000))
      engine.clock.advance(59)
      await engine.sessions.set(session, {})
      expect(session.expiryPeriod).toBe(41)
      expect(shown(await load(engine, session.key))).toEqual({ ...shown(session), modified: false })
    })

    it('undoes no write of another request, and is undone by none', async () => {
      const engine = create()
      const made = await engine.sessions.generate('a')
      const writer = await load(engine, made.key)
      const rotator = await load(engine, made.key)
      await engine.sessions.set(writer, { value: 'b' })
      await engine.sessions.rotate(rotator)
      expect((await load(engine, rotator.key)).value).toBe('b')
      await expect(engine.sessions.set(writer, { value: 'c' })).rejects.toMatchObject(GONE)
      expect((await load(engine, rotator.key)).value).toBe('b')
    })

    it('is gone when another request has rotated, and leaves the object as it was', async () => {
      const engine = create()
      const made = await engine.sessions.generate('a')
      const other = await load(engine, made.key)
      await engine.sessions.rotate(made)
      const before = shown(other)
      await expect(engine.sessions.rotate(other)).rejects.toMatchObject(GONE)
      expect(shown(other)).toEqual(before)
    })
  })

  describe('bind', () => {
    it('logs a subject in under a new key', async () => {
      const engine = create({ period: 60, absolute: 100 })
      const session = await engine.sessions.generate({ cart: ['tea'] })
      const old = session.key
      engine.clock.advance(59)
      expect(await engine.sessions.bind(session, 'ann', { labels: { at: 'desk' } })).toBeUndefined()
      expect(session).toMatchObject({
        value: { cart: ['tea'] },
        subject: 'ann',
        labels: { at: 'desk' },
        authenticatedAt: new Date(engine.clock.now()),
        expiryPeriod: 60,
        modified: true,
      })
      expect(await engine.sessions.fromKey(old)).toEqual(NOT_FOUND)
      expect(shown(await load(engine, session.key))).toEqual({ ...shown(session), modified: false })
      expect(await engine.sessions.list('ann')).toHaveLength(1)
    })

    it('moves a session from one subject to another', async () => {
      const engine = create()
      const session = await engine.sessions.generate(1, { subject: 'ann', labels: { at: 'desk' } })
      await engine.sessions.bind(session, 'bob')
      expect(session).toMatchObject({ subject: 'bob', labels: { at: 'desk' } })
      expect(await engine.sessions.list('ann')).toEqual([])
      expect(await engine.sessions.list('bob')).toHaveLength(1)
    })

    it.each<unknown>([undefined, null, '', 5, '\ud800'])(
      'refuses the subject %j',
      async (subject) => {
        const engine = create()
        const session = await engine.sessions.generate(1)
        const before = shown(session)
        const bound = engine.sessions.bind(session, subject as string)
        await expect(bound).rejects.toMatchObject(VALUE)
        expect(shown(session)).toEqual(before)
        expect((await load(engine, session.key)).subject).toBeUndefined()
      },
    )
  })

  describe('a subject', () => {
    it('has its sessions listed, oldest first, and never a key', async () => {
      const engine = create({ period: 60 })
      const first = await engine.sessions.generate(1, { subject: 'ann' })
      engine.clock.advance(1)
      const second = await engine.sessions.generate(2, { subject: 'ann', labels: { at: 'desk' } })
      const list = await engine.sessions.list('ann')
      expect(list.map(({ handle, labels }) => [handle, labels])).toEqual([
        [first.handle, {}],
        [second.handle, { at: 'desk' }],
      ])
      expect(JSON.stringify(list)).not.toContain(first.key.slice(23))
      engine.clock.advance(59)
      expect(await engine.sessions.list('ann')).toHaveLength(1)
    })

    it.each(['session', 'handle'])('has the one that asks marked, by its %s', async (by) => {
      const engine = create()
      const session = await engine.sessions.generate(1, { subject: 'ann' })
      engine.clock.advance(1)
      await engine.sessions.generate(2, { subject: 'ann' })
      await engine.sessions.rotate(session)
      const current = by === 'session' ? session : handleOf(session.key)
      const marks = async (options?: { current?: Session | Handle }) =>
        (await engine.sessions.list('ann', options)).map((listed) => listed.current)
      expect(await marks({ current })).toEqual([true, false])
      expect(await marks()).toEqual([false, false])
      const others = await engine.sessions.generate(3, { subject: 'bob' })
      expect(await marks({ current: others })).toEqual([false, false])
      for (const wrong of ['', session.key, {}, null] as Session[]) {
        await expect(engine.sessions.list('ann', { current: wrong })).rejects.toThrow(TypeError)
      }
    })

    it('loses one session by its handle, and the cookie of it is dead', async () => {
      const engine = create()
      const session = await engine.sessions.generate(1, { subject: 'ann' })
      const kept = await engine.sessions.generate(1, { subject: 'ann' })
      expect(await engine.sessions.clearHandle(handleOf(session.key))).toBe(true)
      expect(await engine.sessions.clearHandle(handleOf(session.key))).toBe(false)
      expect(await engine.sessions.clearHandle('nonsense')).toBe(false)
      expect(await engine.sessions.fromHeaders(cookieOf(session.key))).toEqual(NOT_FOUND)
      expect(await engine.sessions.fromKey(kept.key)).toMatchObject({ ok: true })
    })

    it.each(['session', 'handle'])('loses all sessions but one, given by its %s', async (by) => {
      const engine = create()
      const options = { subject: 'ann' }
      const kept = await engine.sessions.generate(1, options)
      await engine.sessions.generate(2, options)
      await engine.sessions.generate(3, options)
      const other = await engine.sessions.generate(4, { subject: 'bob' })
      const except = by === 'session' ? kept : handleOf(kept.key)
      expect(await engine.sessions.clearSubject('ann', { except })).toBe(2)
      expect((await engine.sessions.list('ann')).map(({ handle }) => handle)).toEqual([kept.handle])
      expect(await engine.sessions.clearSubject('ann', {})).toBe(1)
      expect(await engine.sessions.clearSubject('ann')).toBe(0)
      expect(await engine.sessions.fromKey(other.key)).toMatchObject({ ok: true })
      expect(await engine.sessions.clearAll()).toBe(1)
    })
  })
})

describe('rotate', () => {
  it('knows the state of its own session, and makes one call of the store each time', async () => {
    const { sessions, store } = createManager()
    const session = await sessions.generate(1)
    await sessions.rotate(session)
    await sessions.bind(session, 'ann')
    await sessions.rotate(session)
    expect(store.calls).toEqual(['create', 'updateSecurity', 'updateSecurity', 'updateSecurity'])
    expect(store.given.slice(1).map((args) => args[2])).toEqual([1, 2, 3])
  })

  it('is a conflict when the security part keeps changing, and leaves the object as it was', async () => {
    const { sessions } = createManager({
      replace: () => ({ updateSecurity: () => ({ ok: false, reason: 'conflict' }) }),
    })
    const session = await sessions.generate(1)
    const before = shown(session)
    const conflict = { code: 'ERR_SESSION_CONFLICT', message: 'the session keeps changing' }
    await expect(sessions.rotate(session)).rejects.toMatchObject(conflict)
    await expect(sessions.bind(session, 'ann')).rejects.toMatchObject(conflict)
    expect(shown(session)).toEqual(before)
  })
})

describe('clearSubject', () => {
  it.each([
    ['a key', generateKey()],
    ['the empty string', ''],
    ['null', null],
    ['an object', {}],
    ['a number', 5],
  ])('refuses %s as except, and ends nothing', async (_, except) => {
    const { sessions, store } = createManager()
    await sessions.generate(1, { subject: 'ann' })
    const cleared = sessions.clearSubject('ann', { except: except as unknown as Handle })
    await expect(cleared).rejects.toThrow(TypeError)
    await expect(cleared).rejects.toThrow(/^"(except|session)" must be a session/)
    expect(store.calls).toEqual(['create'])
  })

  it.each(['', undefined, 5])('refuses the subject %j', async (subject) => {
    const { sessions, store } = createManager()
    const cleared = sessions.clearSubject(subject as unknown as string)
    await expect(cleared).rejects.toMatchObject(VALUE)
    await expect(sessions.list(subject as unknown as string)).rejects.toMatchObject(VALUE)
    expect(store.calls).toEqual([])
  })
})
