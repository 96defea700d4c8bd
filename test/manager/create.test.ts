import { describe, expect, it } from 'vitest'
import type { Labels } from '../../src/index.ts'
import { generateKey } from '../../src/core/key.ts'
import { cookieOf, createManager, ENGINES } from './fixture.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }

describe.each(ENGINES)('fromHeadersOrCreate on %s', (_, create) => {
  it('finds the session that the cookie names, and applies no option to it', async () => {
    const { sessions } = create({ period: 60 })
    const made = await sessions.generate('old')
    const options = { expiry: 5, subject: 'ann', labels: { at: 'desk' } }
    const session = await sessions.fromHeadersOrCreate(cookieOf(made.key), 'new', options)
    expect(session).toMatchObject({
      key: made.key,
      value: 'old',
      expiryPeriod: 60,
      modified: false,
    })
    expect(session.subject).toBeUndefined()
    expect(await sessions.list('ann')).toEqual([])
  })

  it('creates on no_cookie and not_found, with its options', async () => {
    const { sessions, clock } = create()
    for (const headers of [undefined, '', 'a=1', cookieOf('junk'), cookieOf(generateKey())]) {
      const options = { expiry: 5, subject: 'ann', labels: { at: 'desk' } }
      const session = await sessions.fromHeadersOrCreate(headers, 'new', options)
      expect(session).toMatchObject({
        value: 'new',
        expiryPeriod: 5,
        modified: true,
        subject: 'ann',
        labels: { at: 'desk' },
        authenticatedAt: new Date(clock.now()),
      })
      expect(await sessions.fromKey(session.key)).toMatchObject({ ok: true })
    }
  })

  it('creates under a key of its own, never under the one it was sent', async () => {
    const { sessions } = create()
    const sent = generateKey()
    const session = await sessions.fromHeadersOrCreate(cookieOf(sent), 'new')
    expect(session.key).not.toBe(sent)
    expect(await sessions.fromKey(sent)).toEqual(NOT_FOUND)
  })

  it('creates on not_set, and ends the empty session', async () => {
    const { sessions, backend } = create()
    const empty = await backend.generate()
    const session = await sessions.fromHeadersOrCreate(cookieOf(empty), 'new')
    expect(session.value).toBe('new')
    expect(await backend.get(empty)).toEqual(NOT_FOUND)
    expect(await sessions.clearAll()).toBe(1)
  })

  it('rejects on invalid, and ends nothing', async () => {
    const { sessions, backend } = create()
    const broken = await backend.generate({ value: '{"secret"' })
    const rejected = {
      code: 'ERR_SESSION_INVALID_VALUE',
      message: 'the stored value no longer decodes or fits',
    }
    for (const options of [undefined, {}, { onInvalid: 'reject' }] as const) {
      const made = sessions.fromHeadersOrCreate(cookieOf(broken), 'new', options)
      await expect(made).rejects.toMatchObject(rejected)
    }
    expect(await backend.get(broken)).toMatchObject({ ok: true, value: '{"secret"' })
    expect(await sessions.clearAll()).toBe(1)
  })

  it('with onInvalid create ends the invalid session and makes a new one', async () => {
    const { sessions, backend } = create()
    const broken = await backend.generate({ value: '{' })
    const options = { onInvalid: 'create', expiry: 9 } as const
    const session = await sessions.fromHeadersOrCreate(cookieOf(broken), 'new', options)
    expect(session).toMatchObject({ value: 'new', expiryPeriod: 9 })
    expect(await backend.get(broken)).toEqual(NOT_FOUND)
  })
})

describe('fromHeadersOrCreate', () => {
  it.each(['', 'CREATE', null, true])('refuses %j as onInvalid', async (given) => {
    const { sessions, store } = createManager()
    const onInvalid = given as 'create'
    const made = sessions.fromHeadersOrCreate(undefined, 1, { onInvalid })
    await expect(made).rejects.toThrow(TypeError)
    await expect(made).rejects.toThrow('"onInvalid" must be "reject" or "create"')
    expect(store.calls).toEqual([])
  })

  it.each([
    ['no cookie', undefined, ['create']],
    ['a malformed cookie', cookieOf('junk'), ['create']],
    ['a dead cookie', cookieOf(generateKey()), ['read', 'create']],
  ])('makes no call of the store too many for %s', async (_, headers, calls) => {
    const { sessions, store } = createManager()
    await sessions.fromHeadersOrCreate(headers, 1)
    expect(store.calls).toEqual(calls)
  })

  it('ends the session that was not set, and no other cookie', async () => {
    const { sessions, backend, store } = createManager()
    const empty = await backend.generate()
    const other = await sessions.generate('other')
    store.calls.length = 0
    await sessions.fromHeadersOrCreate(cookieOf(generateKey(), empty, other.key), 'new')
    expect(store.calls).toEqual(['read', 'read', 'delete', 'create'])
    expect(await sessions.fromKey(other.key)).toMatchObject({ ok: true })
  })

  it('creates nothing when the store cannot be read', async () => {
    const fault = new Error('down')
    const { sessions, store } = createManager({
      replace: () => ({ read: () => Promise.reject(fault) }),
    })
    for (const onInvalid of ['reject', 'create'] as const) {
      const made = sessions.fromHeadersOrCreate(cookieOf(generateKey()), 1, { onInvalid })
      await expect(made).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND', cause: fault })
    }
    expect(store.calls).toEqual(['read', 'read'])
  })

  it('creates nothing when the empty session cannot be ended', async () => {
    const fault = new Error('down')
    const { sessions, backend, store } = createManager({
      replace: () => ({ delete: () => Promise.reject(fault) }),
    })
    const empty = await backend.generate()
    store.calls.length = 0
    const made = sessions.fromHeadersOrCreate(cookieOf(empty), 1)
    await expect(made).rejects.toMatchObject({
      code: 'ERR_SESSION_BACKEND',
      message: 'the backend failed to clear a session',
      cause: fault,
    })
    expect(store.calls).toEqual(['read', 'delete'])
  })

  it.each([
    ['an expiry out of range', '"expiry"', 1, { expiry: 0 }],
    ['no value', '"value"', undefined, {}],
    ['a value without an encoding', '"value"', () => {}, {}],
    ['labels that are no text', '"labels"', 1, { labels: ['a'] as unknown as Labels }],
    ['an empty subject', '"subject"', 1, { subject: '' }],
  ])('ends nothing old when the new session has %s', async (_, named, value, options) => {
    const { sessions, backend } = createManager()
    const empty = await backend.generate()
    const broken = await backend.generate({ value: '{' })
    const create = { ...options, onInvalid: 'create' } as const
    for (const key of [empty, broken]) {
      const made = sessions.fromHeadersOrCreate(cookieOf(key), value, create)
      await expect(made).rejects.toThrow(named)
    }
    expect(await backend.get(empty)).toEqual({ ok: false, reason: 'not_set' })
    expect(await backend.get(broken)).toMatchObject({ ok: true })
  })

  it('rejects when the new session cannot be stored', async () => {
    const fault = new Error('down')
    const { sessions } = createManager({ replace: () => ({ create: () => Promise.reject(fault) }) })
    await expect(sessions.fromHeadersOrCreate(undefined, 1)).rejects.toMatchObject({ cause: fault })
  })
})

describe('clearFromHeaders', () => {
  it('ends what the cookies name, without reading', async () => {
    const { sessions, backend, store } = createManager()
    const broken = await backend.generate({ value: '{' })
    const fine = await sessions.generate(1)
    store.calls.length = 0
    expect(await sessions.clearFromHeaders(cookieOf('junk', broken, fine.key))).toBe(true)
    expect(store.calls).toEqual(['delete', 'delete'])
    expect(await sessions.clearAll()).toBe(0)
  })

  it('is true of a cookie that names nothing, and false without one', async () => {
    const { sessions, store } = createManager()
    expect(await sessions.clearFromHeaders(cookieOf(generateKey()))).toBe(true)
    expect(await sessions.clearFromHeaders(cookieOf('junk'))).toBe(true)
    expect(store.calls).toEqual(['delete'])
    expect(await sessions.clearFromHeaders('a=1')).toBe(false)
    expect(await sessions.clearFromHeaders(undefined)).toBe(false)
    expect(store.calls).toEqual(['delete'])
  })

  it('ends four sessions at the most', async () => {
    const { sessions, store } = createManager()
    await sessions.clearFromHeaders(cookieOf(...Array.from({ length: 9 }, generateKey)))
    expect(store.calls).toHaveLength(4)
  })

  it('rejects with the fault of the store', async () => {
    const fault = new Error('down')
    const { sessions } = createManager({ replace: () => ({ delete: () => Promise.reject(fault) }) })
    const cleared = sessions.clearFromHeaders(cookieOf(generateKey()))
    await expect(cleared).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND', cause: fault })
  })
})
