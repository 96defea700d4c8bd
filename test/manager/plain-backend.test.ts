import { describe, expect, it } from 'vitest'
import type { Backend, Key, Session, SessionManager } from '../../src/index.ts'
import { createSessionManager } from '../../src/index.ts'
import { generateKey } from '../../src/core/key.ts'
import { cookieOf } from './fixture.ts'
import { createPlainBackend } from './plain-backend.ts'
import type { PlainOptions } from './plain-backend.ts'

const UNSUPPORTED = { code: 'ERR_SESSION_UNSUPPORTED_OPERATION' }
const GONE = { code: 'ERR_SESSION_GONE' }
const increment = (value: unknown): number => (value as number) + 1

function create(options?: PlainOptions) {
  const backend = createPlainBackend(options)
  return { backend, sessions: createSessionManager({ backend }) }
}

async function load(sessions: SessionManager, key: string): Promise<Session> {
  const found = await sessions.fromKey(key)
  if (!found.ok) throw new Error(found.reason)
  return found.session
}

describe.each<[string, PlainOptions]>([
  ['synchronous', {}],
  ['asynchronous', { later: true }],
  ['synchronous, with versions', { versions: true }],
  ['asynchronous, with versions', { versions: true, later: true }],
])('a hand-written backend (%s)', (_, options) => {
  it('generates, finds, sets and clears', async () => {
    const { sessions } = create(options)
    const made = await sessions.generate('a')
    expect(made).toMatchObject({ key: 'session-1', value: 'a', expiryPeriod: 60, modified: true })
    const session = await load(sessions, 'session-1')
    expect(session).toMatchObject({ value: 'a', expiryPeriod: 60, modified: false })
    await sessions.set(session, { value: 'b', expiry: 5 })
    expect(session).toMatchObject({ value: 'b', expiryPeriod: 5, modified: true })
    await sessions.set(session, {})
    expect(session.expiryPeriod).toBe(60)
    await sessions.clear(session)
    expect(session).toMatchObject({ value: undefined, expiryPeriod: 0 })
    expect(await sessions.fromKey('session-1')).toEqual({ ok: false, reason: 'not_found' })
  })

  it('knows nothing of handles, owners and labels', async () => {
    const { sessions } = create(options)
    for (const session of [await sessions.generate(1), await load(sessions, 'session-1')]) {
      expect(session.handle).toBeUndefined()
      expect(session.createdAt).toBeUndefined()
      expect(session.subject).toBeUndefined()
      expect(session.authenticatedAt).toBeUndefined()
      expect(session.labels).toEqual({})
    }
  })

  it('is given no option that it does not have', async () => {
    const { backend, sessions } = create(options)
    await sessions.generate(1)
    await sessions.generate(1, { expiry: 5 })
    expect(backend.calls).toEqual([
      ['generate', { value: '1', expiry: 60 }],
      ['generate', { value: '1', expiry: 5 }],
    ])
  })

  it('is gone where it has lost the session', async () => {
    const { backend, sessions } = create(options)
    const session = await sessions.generate(1)
    await backend.clear(session.key)
    await expect(sessions.set(session, { value: 2 })).rejects.toMatchObject(GONE)
    const updated = sessions.update(session, increment, { unversioned: true })
    await expect(updated).rejects.toMatchObject(GONE)
    expect(session).toMatchObject({ value: 1, expiryPeriod: 60 })
  })

  it('has its keys found in headers, whatever their form', async () => {
    const { backend, sessions } = create(options)
    const { key } = await sessions.generate(1)
    expect(await sessions.fromHeaders(cookieOf('other', key))).toMatchObject({ ok: true })
    backend.calls.length = 0
    await sessions.fromHeaders(cookieOf('a', 'b', 'c', 'd', key))
    expect(backend.calls).toHaveLength(4)
    expect(await sessions.clearFromHeaders(cookieOf(key))).toBe(true)
    expect(await sessions.fromHeaders(cookieOf(key))).toEqual({ ok: false, reason: 'not_found' })
    const renewed = await sessions.fromHeadersOrCreate(cookieOf(key), 2)
    expect(renewed).toMatchObject({ key: 'session-2', value: 2 })
  })

  it('has what is shaped like a library key tried before anything else', async () => {
    const { backend, sessions } = create(options)
    const key = generateKey()
    await sessions.fromHeaders(cookieOf('session-1', key))
    expect(backend.calls).toEqual([['get', key]])
  })

  it('has no more than the basic operations', async () => {
    const { backend, sessions } = create(options)
    const session = await sessions.generate(1)
    const calls = backend.calls.length
    for (const [name, run] of [
      ['touch', () => sessions.touch(session)],
      ['rotate', () => sessions.rotate(session)],
      ['bind', () => sessions.bind(session, 'ann')],
      ['list', () => sessions.list('ann')],
      ['clearHandle', () => sessions.clearHandle('handle')],
      ['clearSubject', () => sessions.clearSubject('ann')],
      ['clearAll', () => sessions.clearAll()],
      ['generate', () => sessions.generate(1, { subject: 'ann' })],
      ['generate', () => sessions.generate(1, { labels: {} })],
    ] as const) {
      const message = expect.stringContaining(name) as string
      await expect(run()).rejects.toMatchObject({ ...UNSUPPORTED, message })
    }
    expect(backend.calls).toHaveLength(calls)
    expect(session).toMatchObject({ value: 1, key: 'session-1' })
  })
})

describe('a hand-written backend without versions', () => {
  it('is updated only where the caller accepts that the last write wins', async () => {
    const { sessions } = create()
    const session = await sessions.generate(1)
    let calls = 0
    const count = (value: unknown) => {
      calls++
      return increment(value)
    }
    for (const options of [undefined, {}, { unversioned: false }]) {
      const updated = sessions.update(session, count, options)
      const message = expect.stringContaining('{ unversioned: true }') as string
      await expect(updated).rejects.toMatchObject({ ...UNSUPPORTED, message })
    }
    expect(calls).toBe(0)
    expect(await sessions.update(session, count, { unversioned: true })).toBe(2)
    expect(session).toMatchObject({ value: 2, version: undefined })
  })

  it('is updated from what it holds now', async () => {
    const { backend, sessions } = create()
    const session = await sessions.generate(1)
    await backend.set(session.key, '10')
    expect(await sessions.update(session, increment, { unversioned: true })).toBe(11)
  })

  it('keeps what is left of the period, since it knows no other', async () => {
    const { backend, sessions } = create()
    const session = await sessions.generate(1, { expiry: 20 })
    await sessions.update(session, increment, { unversioned: true })
    expect(backend.calls.at(-1)).toEqual([
      'set',
      'session-1',
      '2',
      { version: undefined, expiry: 20 },
    ])
    expect(session.expiryPeriod).toBe(20)
    await sessions.update(session, increment, { unversioned: true, expiry: 5 })
    expect(session.expiryPeriod).toBe(5)
  })

  it('is set whoever has changed it', async () => {
    const { backend, sessions } = create()
    const session = await load(sessions, (await sessions.generate(1)).key)
    await backend.set(session.key, '10')
    await sessions.set(session, { value: 2 })
    expect(await load(sessions, session.key)).toMatchObject({ value: 2 })
  })
})

describe('a hand-written backend with versions', () => {
  it('has its conflicts told', async () => {
    const { backend, sessions } = create({ versions: true })
    const { key } = await sessions.generate(1)
    const session = await load(sessions, key)
    expect(session.version).toBe(1)
    await backend.set(key, '10')
    const set = sessions.set(session, { value: 2 })
    await expect(set).rejects.toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
    expect(await sessions.update(session, increment)).toBe(11)
    expect(session.version).toBe(3)
  })

  it('is updated right after generate, which reports no version', async () => {
    const { backend, sessions } = create({ versions: true })
    const session = await sessions.generate(1)
    expect(session.version).toBeUndefined()
    expect(await sessions.update(session, increment)).toBe(2)
    expect(session.version).toBe(2)
    expect(backend.calls.map(([name]) => name)).toEqual(['generate', 'get', 'set'])
  })

  it('loses no increment', async () => {
    const { sessions } = create({ versions: true, later: true })
    const { key } = await sessions.generate(0)
    const loaded = await Promise.all(Array.from({ length: 8 }, () => load(sessions, key)))
    await Promise.all(loaded.map((session) => sessions.update(session, increment)))
    expect((await load(sessions, key)).value).toBe(8)
  })
})

describe('a backend that', () => {
  const down = new Error('down')
  const fail = (): never => {
    throw down
  }
  const wrapped = { code: 'ERR_SESSION_BACKEND', cause: down }

  it.each(['throws', 'rejects'])('%s is a BackendError with its cause', async (how) => {
    const fault = how === 'throws' ? fail : () => Promise.reject(down)
    const { sessions } = create()
    const session = await sessions.generate(1)
    const broken: Backend = {
      defaultPeriod: 60,
      generate: fault,
      get: fault,
      set: fault,
      clear: fault,
    }
    const failing = createSessionManager({ backend: broken })
    for (const [task, run] of [
      ['create a session', () => failing.generate(1)],
      ['read a session', () => failing.fromKey('key')],
      ['read a session', () => failing.fromHeaders(cookieOf('key'))],
      ['read a session', () => failing.fromHeadersOrCreate(cookieOf('key'), 1)],
      ['create a session', () => failing.fromHeadersOrCreate(undefined, 1)],
      ['read a session', () => failing.set(session, { value: 2 })],
      ['set a session', () => failing.set(session, { expiry: 2 })],
      ['read a session', () => failing.update(session, increment)],
      ['clear a session', () => failing.clear(session)],
      ['clear a session', () => failing.clearFromHeaders(cookieOf('key'))],
    ] as const) {
      const message = `the backend failed to ${task}`
      await expect(run()).rejects.toMatchObject({ ...wrapped, message })
    }
    expect(session).toMatchObject({ value: 1, expiryPeriod: 60 })
  })

  it('has a defaultPeriod that throws is a BackendError', async () => {
    const backend = Object.defineProperty({ ...createPlainBackend() }, 'defaultPeriod', {
      get: fail,
    })
    const sessions = createSessionManager({ backend })
    await expect(sessions.generate(1)).rejects.toMatchObject(wrapped)
    const session = await sessions.generate(1, { expiry: 5 })
    await expect(sessions.set(session, { value: 2 })).rejects.toMatchObject(wrapped)
    await sessions.set(session, { value: 2, expiry: 7 })
    expect(session).toMatchObject({ value: 2, expiryPeriod: 7 })
  })

  it.each<unknown>([
    undefined,
    null,
    'value',
    true,
    {},
    { ok: true },
    { ok: true, value: 5, period: 60 },
    { ok: true, value: null, period: 60 },
    { ok: 1, value: '1', period: 60 },
    { ok: false },
    { ok: false, reason: 'gone' },
    { ok: false, reason: undefined },
    { reason: 'not_found' },
  ])('answers get with %j has failed', async (answer) => {
    const plain = createPlainBackend()
    const backend = { ...plain, get: () => answer } as Backend
    const sessions = createSessionManager({ backend })
    const message = 'the backend gave no usable answer to get'
    const failed = { code: 'ERR_SESSION_BACKEND', message }
    await expect(sessions.fromKey('key')).rejects.toMatchObject(failed)
    await expect(sessions.fromHeadersOrCreate(cookieOf('key'), 1)).rejects.toMatchObject(failed)
    expect(plain.calls).toEqual([])
  })

  it.each<unknown>([
    undefined,
    null,
    true,
    {},
    { ok: 1 },
    { ok: false },
    { ok: false, reason: 'not_set' },
    { reason: 'conflict' },
  ])('answers set with %j has failed', async (answer) => {
    const backend = { ...createPlainBackend(), set: () => answer } as Backend
    const sessions = createSessionManager({ backend })
    const session = await sessions.generate(1)
    await expect(sessions.set(session, { value: 2 })).rejects.toMatchObject({
      code: 'ERR_SESSION_BACKEND',
      message: 'the backend gave no usable answer to set',
    })
    expect(session.value).toBe(1)
  })

  it.each<unknown>([undefined, null, 5, '', 'a b', 'a;b', 'a"b', 'ä', 'a\n', 'x'.repeat(4083)])(
    'generates a key that no cookie can carry has failed (case %#)',
    async (key) => {
      const backend: Backend = { ...createPlainBackend(), generate: () => key as Key }
      const failed = {
        code: 'ERR_SESSION_BACKEND',
        message: 'the backend generated a key that no cookie can carry',
      }
      await expect(createSessionManager({ backend }).generate(1)).rejects.toMatchObject(failed)
    },
  )

  it('generates a key as long as a cookie may be is fine', async () => {
    const key = 'x'.repeat(4082) as Key
    const backend: Backend = { ...createPlainBackend(), generate: () => key }
    expect((await createSessionManager({ backend }).generate(1)).key).toBe(key)
  })

  it('reports a period of its own from set has it shown', async () => {
    const backend: Backend = { ...createPlainBackend(), set: () => ({ ok: true, period: 7 }) }
    const sessions = createSessionManager({ backend })
    const session = await sessions.generate(1)
    await sessions.set(session, { value: 2, expiry: 9 })
    expect(session.expiryPeriod).toBe(7)
  })
})
