import { describe, expect, it } from 'vitest'
import type { RequestSessionOptions } from '../../src/index.ts'
import { createRequestSession, createSessionManager } from '../../src/index.ts'
import { cookieOf, createManager } from '../manager/fixture.ts'
import { createPlainBackend } from '../manager/plain-backend.ts'
import type { State } from './fixture.ts'
import { cookiesIn, createHead, createRequest } from './fixture.ts'

const VARY = [['Vary', 'Cookie']]
const INVALID = {
  code: 'ERR_SESSION_INVALID_VALUE',
  message: 'the stored value no longer decodes or fits',
}
const MISSING: readonly State[] = ['no_cookie', 'malformed', 'not_found', 'not_set']
const ALL: readonly State[] = [...MISSING, 'found', 'invalid']

describe('createRequestSession', () => {
  it.each(ALL)('reads and writes nothing before the first call (%s)', async (state) => {
    const { store, head } = await createRequest(state)
    expect(store.calls).toEqual([])
    expect(head.writes).toEqual([])
  })

  it.each(['yes', 1, null])('refuses %j as discard', (given) => {
    const { sessions } = createManager()
    const options = { discard: given } as unknown as RequestSessionOptions
    const make = () => createRequestSession(sessions, undefined, createHead(), options)
    expect(make).toThrow(TypeError)
    expect(make).toThrow('"discard" must be true or false')
  })

  it.each(['', 'CREATE', null, true])('refuses %j as onInvalid', (given) => {
    const { sessions } = createManager()
    const options = { onInvalid: given } as RequestSessionOptions
    const make = () => createRequestSession(sessions, undefined, createHead(), options)
    expect(make).toThrow(TypeError)
    expect(make).toThrow('"onInvalid" must be "reject" or "create"')
  })
})

describe('a request on a backend with the five operations alone', () => {
  it('is read without a touch, and written', async () => {
    const sessions = createSessionManager({ backend: createPlainBackend() })
    const { key } = await sessions.generate('old')
    const head = createHead()
    const request = createRequestSession(sessions, cookieOf(key), head)
    expect(await request.load()).toMatchObject({ value: 'old' })
    expect(await request.set('new')).toMatchObject({ key, value: 'new' })
    await request.clear()
    expect(cookiesIn(head)).toHaveLength(2)
  })
})

describe('load', () => {
  it.each(MISSING)('is undefined without a session (%s), and is remembered', async (state) => {
    const { request, store, head } = await createRequest(state)
    expect(await request.load()).toBeUndefined()
    const reads = store.calls.length
    expect(reads).toBe(state === 'not_found' || state === 'not_set' ? 1 : 0)
    expect(await request.load()).toBeUndefined()
    expect(store.calls).toHaveLength(reads)
    expect(head.writes).toEqual([VARY])
  })

  it('is the session, read once, however often and however parallel it is called', async () => {
    const { request, store, head, key } = await createRequest('found')
    const [first, second] = await Promise.all([request.load(), request.load()])
    expect(first).toMatchObject({ key, value: 'old', modified: false })
    expect(second).toBe(first)
    expect(await request.load()).toBe(first)
    expect(store.calls).toEqual(['read'])
    expect(head.writes).toEqual([VARY])
  })

  it('rejects on a value that no longer decodes, and writes Vary alone', async () => {
    const { request, head } = await createRequest('invalid')
    await expect(request.load()).rejects.toMatchObject(INVALID)
    expect(head.writes).toEqual([VARY])
  })

  it('is undefined there with onInvalid create', async () => {
    const { request, backend, key } = await createRequest('invalid', {
      options: { onInvalid: 'create' },
    })
    expect(await request.load()).toBeUndefined()
    expect(await backend.get(key)).toMatchObject({ ok: true })
  })

  it('rejects with a fault of the store, and asks again at the next call', async () => {
    let down = true
    const fault = new Error('down')
    const { request, store } = await createRequest('found', {
      replace: (memory) => ({
        read: (id) => (down ? Promise.reject(fault) : memory.read(id)),
      }),
    })
    const rejected = { code: 'ERR_SESSION_BACKEND', cause: fault }
    const both = [request.load(), request.load()]
    for (const load of both) await expect(load).rejects.toMatchObject(rejected)
    expect(store.calls).toEqual(['read'])
    await expect(request.load()).rejects.toMatchObject(rejected)
    down = false
    expect(await request.load()).toMatchObject({ value: 'old' })
    expect(store.calls).toEqual(['read', 'read', 'read'])
  })
})

describe('loadOrCreate', () => {
  it('is the session that is there, and applies no option to it', async () => {
    const { request, store, head, key } = await createRequest('found')
    const session = await request.loadOrCreate('new', { expiry: 5, subject: 'ann' })
    expect(session).toMatchObject({ key, value: 'old', modified: false, expiryPeriod: 604_800 })
    expect(await request.load()).toBe(session)
    expect(store.calls).toEqual(['read'])
    expect(head.writes).toEqual([VARY])
  })

  it.each(MISSING)('makes one where there is none (%s), with its options', async (state) => {
    const { request, head, memory, sessions } = await createRequest(state)
    const options = { expiry: 5, subject: 'ann', labels: { at: 'desk' } }
    const session = await request.loadOrCreate('new', options)
    expect(session).toMatchObject({ value: 'new', expiryPeriod: 5, subject: 'ann' })
    expect(head.writes).toEqual([VARY, sessions.toCookieHeaders(session)])
    expect(await request.load()).toBe(session)
    expect(await request.loadOrCreate('other')).toBe(session)
    expect(await memory.deleteAll()).toBe(1)
  })

  it('rejects on a value that no longer decodes, and makes nothing', async () => {
    const { request, store } = await createRequest('invalid')
    await expect(request.loadOrCreate('new')).rejects.toMatchObject(INVALID)
    expect(store.calls).toEqual(['read'])
  })

  it('ends that session and makes a new one with onInvalid create', async () => {
    const { request, memory, head, key } = await createRequest('invalid', {
      options: { onInvalid: 'create' },
    })
    const session = await request.loadOrCreate('new')
    expect(session.key).not.toBe(key)
    expect(cookiesIn(head)).toEqual([expect.stringContaining(session.key)])
    expect(await memory.deleteAll()).toBe(1)
  })
})

describe('set', () => {
  it('sets the value of a session that nobody has read', async () => {
    const { request, store, head, key, sessions } = await createRequest('found')
    const session = await request.set('new', { expiry: 60 })
    expect(session).toMatchObject({ key, value: 'new', expiryPeriod: 60, version: 2 })
    expect(await request.load()).toBe(session)
    expect(store.calls).toEqual(['read', 'update'])
    expect(head.writes).toEqual([VARY, sessions.toCookieHeaders(session)])
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 'new' } })
  })

  it('sets it again and again, and writes the headers each time', async () => {
    const { request, head } = await createRequest('found')
    await request.load()
    await request.set(1)
    await request.set(2, {})
    expect(await request.load()).toMatchObject({ value: 2, version: 3 })
    expect(cookiesIn(head)).toHaveLength(2)
  })

  it.each(MISSING)('makes a session where there is none (%s)', async (state) => {
    const { request, memory, head } = await createRequest(state)
    const session = await request.set('new', { expiry: 60 })
    expect(session).toMatchObject({ value: 'new', expiryPeriod: 60, version: 1 })
    expect(await request.load()).toBe(session)
    expect(cookiesIn(head)).toEqual([expect.stringContaining(`${session.key}; Max-Age=60;`)])
    expect(await memory.deleteAll()).toBe(1)
  })

  it.each([
    ['no_cookie', ['create']],
    ['malformed', ['create']],
    ['not_found', ['read', 'create']],
    ['not_set', ['read', 'read', 'delete', 'create']],
  ] as const)('makes it with no call of the store too many (%s)', async (state, calls) => {
    const { request, store } = await createRequest(state)
    await request.set('new')
    expect(store.calls).toEqual(calls)
  })

  it('rejects on a value that no longer decodes, and writes nothing', async () => {
    const { request, store } = await createRequest('invalid')
    await expect(request.set('new')).rejects.toMatchObject(INVALID)
    expect(store.calls).toEqual(['read'])
  })

  it('writes no header when it is a conflict', async () => {
    const { request, backend, head, key } = await createRequest('found')
    await request.load()
    await backend.set(key, '"other"')
    await expect(request.set('new')).rejects.toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
    expect(head.writes).toEqual([VARY])
  })

  it('writes no header, and revives nothing, when the session is gone', async () => {
    const { request, backend, head, key } = await createRequest('found')
    await request.load()
    await backend.clear(key)
    await expect(request.set('new')).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
    expect(head.writes).toEqual([VARY])
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_found' })
  })

  it.each(['update', 'create'] as const)('writes no header when %s fails', async (operation) => {
    const fault = new Error('down')
    const fail = () => Promise.reject(fault)
    const { request, head } = await createRequest(operation === 'update' ? 'found' : 'no_cookie', {
      replace: () => (operation === 'update' ? { update: fail } : {}),
      ...(operation === 'create' ? { replace: () => ({ create: fail }) } : {}),
    })
    await expect(request.set('new')).rejects.toMatchObject({ cause: fault })
    expect(head.writes).toEqual([VARY])
  })

  it('makes a session at the next call when the first one could not', async () => {
    let down = true
    const { request } = await createRequest('no_cookie', {
      replace: (memory) => ({
        create: (record) => (down ? Promise.reject(new Error('down')) : memory.create(record)),
      }),
    })
    await expect(request.set('a')).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    down = false
    expect(await request.set('b')).toMatchObject({ value: 'b' })
  })
})

describe('update', () => {
  it('writes what fn makes of the value, and resolves to it', async () => {
    const { request, store, head, sessions } = await createRequest('found')
    expect(await request.update((value) => `${value as string}er`, { expiry: 60 })).toBe('older')
    expect(store.calls).toEqual(['read', 'update'])
    const session = await request.load()
    expect(session).toMatchObject({ value: 'older', expiryPeriod: 60 })
    expect(head.writes[1]).toEqual(session && sessions.toCookieHeaders(session))
  })

  it('writes neither value nor header when fn gives undefined', async () => {
    const { request, store, head } = await createRequest('found')
    expect(await request.update(() => undefined)).toBe('old')
    expect(store.calls).toEqual(['read'])
    expect(head.writes).toEqual([VARY])
  })

  it.each(MISSING)('gives fn undefined where there is none (%s), and makes one', async (state) => {
    const { request, memory, head } = await createRequest(state)
    const seen: unknown[] = []
    const made = await request.update(
      async (value) => {
        seen.push(value)
        return Promise.resolve('new')
      },
      { expiry: 60 },
    )
    expect(made).toBe('new')
    expect(seen).toEqual([undefined])
    expect(await request.load()).toMatchObject({ value: 'new', expiryPeriod: 60 })
    expect(cookiesIn(head)).toHaveLength(1)
    expect(await memory.deleteAll()).toBe(1)
  })

  it('makes none where fn gives undefined', async () => {
    const { request, store, head } = await createRequest('no_cookie')
    expect(await request.update(() => undefined)).toBeUndefined()
    expect(store.calls).toEqual([])
    expect(head.writes).toEqual([VARY])
    expect(await request.load()).toBeUndefined()
  })

  it.each(['found', 'no_cookie'] as const)('rejects with what fn throws (%s)', async (state) => {
    const { request, head } = await createRequest(state)
    const thrown = new Error('no')
    const fail = () => {
      throw thrown
    }
    await expect(request.update(fail)).rejects.toBe(thrown)
    expect(head.writes).toEqual([VARY])
    expect(await request.update(() => 1)).toBe(1)
  })

  it.each<unknown>([undefined, null, 5])('refuses %s in place of fn', async (fn) => {
    const { request, store } = await createRequest('found')
    const updated = request.update(fn as () => unknown)
    await expect(updated).rejects.toThrow(TypeError)
    await expect(updated).rejects.toThrow('"fn" must be a function')
    expect(store.calls).toEqual([])
  })

  it('rejects on a value that no longer decodes', async () => {
    const { request } = await createRequest('invalid')
    let calls = 0
    await expect(request.update(() => calls++)).rejects.toMatchObject(INVALID)
    expect(calls).toBe(0)
  })
})
