import { describe, expect, it } from 'vitest'
import type { GenerateSessionOptions, Session, SetChange } from '../../src/index.ts'
import { createManager, ENGINES } from './fixture.ts'

const GONE = { code: 'ERR_SESSION_GONE' }
const CONFLICT = { code: 'ERR_SESSION_CONFLICT' }
const PERIOD = {
  code: 'ERR_SESSION_INVALID_PERIOD',
  message: expect.stringContaining('"expiry"') as string,
}
const VALUE = { code: 'ERR_SESSION_INVALID_VALUE' }
const NO_PERIODS = [0, -1, 1.5, NaN, Infinity, 34_560_001, '5', null]

function shown({ key, value, expiryPeriod, modified, version }: Session) {
  return { key, value, expiryPeriod, modified, version }
}

describe.each(ENGINES)('on %s', (_, create) => {
  describe('generate', () => {
    it('makes a session that shows what was stored', async () => {
      const { sessions, clock } = create({ period: 60 })
      const session = await sessions.generate({ cart: ['tea'] })
      expect(shown(session)).toEqual({
        key: session.key,
        value: { cart: ['tea'] },
        expiryPeriod: 60,
        modified: true,
        version: 1,
      })
      expect(session.createdAt).toEqual(new Date(clock.now()))
      expect([session.subject, session.authenticatedAt, session.labels]).toEqual([
        undefined,
        undefined,
        {},
      ])
    })

    it('shows a period that the absolute lifetime has cut', async () => {
      const { sessions } = create({ period: 60, absolute: 100 })
      expect((await sessions.generate(1, { expiry: 101 })).expiryPeriod).toBe(100)
      expect((await sessions.generate(1, { expiry: 100 })).expiryPeriod).toBe(100)
      expect((await sessions.generate(1, { expiry: 99 })).expiryPeriod).toBe(99)
    })

    it('keeps its value apart from the object it was given', async () => {
      const { sessions } = create()
      const cart = ['tea']
      const session = await sessions.generate(cart)
      cart.push('salt')
      expect(session.value).toEqual(['tea'])
    })
  })

  describe('set', () => {
    it('refuses a value that is given and undefined, instead of losing it', async () => {
      const { sessions, store } = createManager()
      const session = await sessions.generate('kept')
      store.calls.length = 0
      const nothing: { value?: unknown } = { value: undefined }
      await expect(sessions.set(session, nothing)).rejects.toThrow(TypeError)
      expect(store.calls).toEqual([])
      expect(session.value).toBe('kept')
    })

    it('writes the value, starts the default period anew and shows both', async () => {
      const { sessions, clock } = create({ period: 60 })
      const session = await sessions.generate('a', { expiry: 10 })
      clock.advance(5)
      expect(await sessions.set(session, { value: 'b' })).toBeUndefined()
      expect(session).toMatchObject({ value: 'b', expiryPeriod: 60, version: 2, modified: true })
      expect(await sessions.fromKey(session.key)).toMatchObject({
        session: { value: 'b', expiryPeriod: 60, version: 2, modified: false },
      })
    })

    it('goes by the expiry given, and shows where the absolute lifetime has cut it', async () => {
      const { sessions, clock } = create({ period: 60, absolute: 100 })
      const session = await sessions.generate('a')
      clock.advance(30)
      await sessions.set(session, { value: 'b', expiry: 70 })
      expect(session.expiryPeriod).toBe(70)
      await sessions.set(session, { value: 'c', expiry: 71 })
      expect(session.expiryPeriod).toBe(70)
      await sessions.set(session, { expiry: 7 })
      expect(session.expiryPeriod).toBe(7)
    })

    it('without a value moves the expiry alone, whoever has changed the value', async () => {
      const { sessions, backend } = create({ period: 60 })
      const session = await sessions.generate('a')
      await backend.set(session.key, '"other"')
      await sessions.set(session, { expiry: 10 })
      expect(session).toMatchObject({ value: 'a', version: 1, expiryPeriod: 10, modified: true })
      expect(await backend.get(session.key)).toMatchObject({
        value: '"other"',
        version: 2,
        period: 10,
      })
      await sessions.set(session, {})
      expect(session.expiryPeriod).toBe(60)
      expect(await backend.get(session.key)).toMatchObject({
        value: '"other"',
        version: 2,
        period: 60,
      })
    })

    it('is a conflict when the value has changed, and leaves the object as it was', async () => {
      const { sessions, backend } = create({ period: 60 })
      const { key } = await sessions.generate('a')
      const found = await sessions.fromKey(key)
      if (!found.ok) throw new Error('not found')
      await backend.set(key, '"other"')
      const before = shown(found.session)
      const lost = sessions.set(found.session, { value: 'mine', expiry: 5 })
      await expect(lost).rejects.toMatchObject({
        ...CONFLICT,
        message: 'another request has changed the session',
      })
      expect(shown(found.session)).toEqual(before)
      expect(await backend.get(key)).toMatchObject({ value: '"other"', version: 2, period: 60 })
    })

    it('is a conflict when the value has changed to the same text', async () => {
      const { sessions, backend } = create()
      const session = await sessions.generate('a')
      await backend.set(session.key, '"a"')
      await expect(sessions.set(session, { value: 'b' })).rejects.toMatchObject(CONFLICT)
    })

    it('writes one after the other on one object', async () => {
      const { sessions } = create()
      const session = await sessions.generate(0)
      await Promise.all([1, 2, 3].map((value) => sessions.set(session, { value })))
      expect(session).toMatchObject({ value: 3, version: 4 })
    })

    it('is gone on a session that has expired or was cleared elsewhere', async () => {
      const { sessions, backend, clock } = create({ period: 60 })
      const expired = await sessions.generate('a', { expiry: 5 })
      const cleared = await sessions.generate('a')
      const rotated = await sessions.generate('a')
      clock.advance(5)
      await backend.clear(cleared.key)
      await backend.rotate(rotated.key, 1)
      for (const session of [expired, cleared, rotated]) {
        const before = shown(session)
        const message = 'the session was cleared, has expired or was rotated away'
        const gone = { ...GONE, message }
        await expect(sessions.set(session, { value: 'b' })).rejects.toMatchObject(gone)
        await expect(sessions.set(session, { expiry: 9 })).rejects.toMatchObject(gone)
        expect(shown(session)).toEqual(before)
      }
      expect(await sessions.fromKey(expired.key)).toEqual({ ok: false, reason: 'not_found' })
    })
  })

  describe('clear', () => {
    it('ends the session, and shows no value and a period of 0', async () => {
      const { sessions } = create()
      const made = await sessions.generate('a')
      const found = await sessions.fromKey(made.key)
      if (!found.ok) throw new Error('not found')
      expect(await sessions.clear(found.session)).toBeUndefined()
      expect(shown(found.session)).toEqual({
        key: made.key,
        value: undefined,
        expiryPeriod: 0,
        modified: true,
        version: 1,
      })
      expect(await sessions.fromKey(made.key)).toEqual({ ok: false, reason: 'not_found' })
    })

    it('may be done again, and on a session that is gone', async () => {
      const { sessions, backend } = create()
      const session = await sessions.generate('a')
      await backend.clear(session.key)
      await sessions.clear(session)
      expect(await sessions.clear(session)).toBeUndefined()
      expect(session.value).toBeUndefined()
    })

    it('makes every later write on the object gone, and revives nothing', async () => {
      const { sessions } = create()
      const session = await sessions.generate('a', { subject: 'ann' })
      await sessions.clear(session)
      for (const write of [
        () => sessions.set(session, { value: 'b' }),
        () => sessions.set(session, { expiry: 5 }),
        () => sessions.update(session, () => 'b'),
        () => sessions.update(session, () => undefined),
        () => sessions.touch(session),
        () => sessions.rotate(session),
        () => sessions.bind(session, 'ann'),
      ]) {
        await expect(write()).rejects.toMatchObject(GONE)
      }
      expect(session).toMatchObject({ value: undefined, expiryPeriod: 0 })
      expect(await sessions.list('ann')).toEqual([])
    })

    it('ends what was rotated under it', async () => {
      const { sessions, backend } = create()
      const session = await sessions.generate('a', { subject: 'ann' })
      const first = await backend.rotate(session.key, 1)
      if (first.ok) await backend.rotate(first.key, 2)
      await sessions.clear(session)
      expect(await sessions.list('ann')).toEqual([])
    })
  })
})

describe('generate', () => {
  it('refuses undefined, which is no value', async () => {
    const { sessions, store } = createManager()
    await expect(sessions.generate(undefined)).rejects.toThrow(TypeError)
    await expect(sessions.generate(undefined)).rejects.toThrow('"value" must not be undefined')
    expect(store.calls).toEqual([])
  })

  it.each<readonly [value: unknown, options: unknown, error: object]>([
    [() => {}, {}, VALUE],
    [5n, {}, VALUE],
    [1, { subject: '' }, VALUE],
    [1, { subject: 5 }, VALUE],
    [1, { labels: ['a'] }, VALUE],
    ...NO_PERIODS.map((expiry) => [1, { expiry }, PERIOD] as const),
  ])('refuses %s with %o, and stores nothing', async (value, options, error) => {
    const { sessions, store } = createManager()
    const made = sessions.generate(value, options as GenerateSessionOptions)
    await expect(made).rejects.toMatchObject(error)
    expect(store.calls).toEqual([])
  })

  it('asks the store once', async () => {
    const { sessions, store } = createManager()
    await sessions.generate(1, { subject: 'ann', labels: { at: 'desk' }, expiry: 5 })
    expect(store.calls).toEqual(['create'])
    expect(store.given[0]?.[0]).toMatchObject({
      subject: 'ann',
      labels: '{"at":"desk"}',
      idleMs: 5000,
      value: '1',
    })
  })

  it('refuses a session beyond the bound on its subject', async () => {
    const { sessions } = createManager({ policy: { maxPerSubject: 1 } })
    await sessions.generate(1, { subject: 'ann' })
    await expect(sessions.generate(1, { subject: 'ann' })).rejects.toMatchObject({
      code: 'ERR_SESSION_SUBJECT_LIMIT',
    })
  })
})

describe('set', () => {
  it.each<readonly [change: unknown, error: object]>([
    ...NO_PERIODS.map((expiry) => [{ value: 2, expiry }, PERIOD] as const),
    [{ value: () => {} }, VALUE],
    [{ value: 5n }, VALUE],
  ])('refuses %o, and leaves session and store alone', async (change, error) => {
    const { sessions, store } = createManager()
    const session = await sessions.generate(1)
    const set = sessions.set(session, change as SetChange<unknown>)
    await expect(set).rejects.toMatchObject(error)
    expect(store.calls).toEqual(['create'])
    expect(session).toMatchObject({ value: 1, version: 1 })
  })

  it.each(['set', 'clear', 'touch', 'rotate', 'bind'] as const)(
    'and the others refuse what is no session: %s',
    async (operation) => {
      const { sessions, store } = createManager()
      const run = sessions[operation] as (session: unknown, more: unknown) => Promise<unknown>
      const more = operation === 'bind' ? 'ann' : {}
      for (const session of [undefined, null, {}, 'key']) {
        await expect(run(session, more)).rejects.toThrow('"session" must be a session made by')
      }
      expect(store.calls).toEqual([])
    },
  )

  it('writes a value of null', async () => {
    const { sessions } = createManager()
    const session = await sessions.generate(1)
    await sessions.set(session, { value: null })
    expect(session).toMatchObject({ value: null, version: 2 })
  })

  it('makes one call of the store, with the version only where it writes the value', async () => {
    const { sessions, store } = createManager()
    const session = await sessions.generate(1)
    await sessions.set(session, { value: 2 })
    await sessions.set(session, { expiry: 5 })
    expect(store.calls).toEqual(['create', 'update', 'update'])
    expect(store.given[1]?.slice(2)).toEqual([{ value: '2', idleMs: 604_800_000 }, 1])
    expect(store.given[2]?.slice(2)).toEqual([{ value: undefined, idleMs: 5000 }, undefined])
  })
})

describe('clear', () => {
  it('asks the store once, however often it is called', async () => {
    const { sessions, store } = createManager()
    const session = await sessions.generate(1)
    await sessions.clear(session)
    await sessions.clear(session)
    expect(store.calls).toEqual(['create', 'delete'])
  })
})

describe('a fault of the store', () => {
  const fault = new Error('down')
  const down = () => Promise.reject(fault)
  const rejected = (message: string) => ({ code: 'ERR_SESSION_BACKEND', cause: fault, message })

  it('rejects generate', async () => {
    const { sessions } = createManager({ replace: () => ({ create: down }) })
    const made = sessions.generate(1)
    await expect(made).rejects.toMatchObject(rejected('the backend failed to create a session'))
  })

  it('rejects set, and leaves the session as it was', async () => {
    const { sessions } = createManager({ replace: () => ({ update: down }) })
    const session = await sessions.generate(1)
    const before = shown(session)
    const set = sessions.set(session, { value: 2 })
    await expect(set).rejects.toMatchObject(rejected('the backend failed to set a session'))
    expect(shown(session)).toEqual(before)
  })

  it('rejects clear, and never shows a lost logout as done', async () => {
    const { sessions } = createManager({ replace: () => ({ delete: down }) })
    const session = await sessions.generate(1)
    const before = shown(session)
    const cleared = sessions.clear(session)
    await expect(cleared).rejects.toMatchObject(rejected('the backend failed to clear a session'))
    expect(shown(session)).toEqual(before)
    await sessions.set(session, { value: 2 })
    expect(session.value).toBe(2)
  })
})
