// What a backend does not publish itself, the manager does.
import { describe, expect, it } from 'vitest'
import { createCookieBackend } from '../../src/backends/cookie.ts'
import { BackendError, SessionConflictError } from '../../src/core/errors.ts'
import { generateKey } from '../../src/core/key.ts'
import { createSessionManager } from '../../src/manager.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { cookieOf, createManager } from './fixture.ts'
import { EVENTS, listenToAll } from './heard.ts'
import { createPlainBackend } from './plain-backend.ts'

const NOBODY = { handle: undefined, subject: undefined }

describe('the events of a backend with five operations', () => {
  it('tell of sessions made, read, written and ended', async () => {
    const sessions = createSessionManager<number>({ backend: createPlainBackend() })
    const { take } = listenToAll()
    const session = await sessions.generate(1)
    expect(take()).toEqual([['session.created', { ...NOBODY, period: 60 }]])
    await sessions.fromKey(session.key)
    await sessions.fromKey('never made')
    expect(take()).toEqual([
      ['session.read', { ...NOBODY, outcome: 'found' }],
      ['key.rejected', { ...NOBODY, reason: 'not_found' }],
    ])
    await sessions.set(session, { expiry: 30 })
    expect(take()).toEqual([['session.written', { ...NOBODY, value: false, version: undefined }]])
    await sessions.clear(session)
    await sessions.clearFromHeaders(cookieOf('some key'))
    const cleared = ['session.cleared', { ...NOBODY, by: 'key', count: undefined }]
    expect(take()).toEqual([cleared, cleared])
  })

  it('tell of a session without a value', async () => {
    const backend = createPlainBackend()
    const key = await backend.generate()
    const { take } = listenToAll()
    await createSessionManager({ backend }).fromKey(key)
    expect(take()).toEqual([['session.read', { ...NOBODY, outcome: 'not_set' }]])
  })

  it('tell of a conflict, of a backend with versions', async () => {
    const sessions = createSessionManager<number>({
      backend: createPlainBackend({ versions: true }),
    })
    const { key } = await sessions.generate(1)
    const [first, second] = [await sessions.fromKey(key), await sessions.fromKey(key)]
    if (!first.ok || !second.ok) throw new Error('no session')
    await sessions.set(first.session, { value: 2 })
    const { take } = listenToAll()
    await expect(sessions.set(second.session, { value: 3 })).rejects.toThrow(SessionConflictError)
    expect(take()).toEqual([['session.conflict', { ...NOBODY, operation: 'set' }]])
  })

  it('name the session where the backend’s keys are of our form', async () => {
    const key = generateKey()
    const backend = { ...createPlainBackend(), generate: () => key }
    const { take } = listenToAll()
    const { handle } = await createSessionManager({ backend }).generate(1)
    expect(take()).toEqual([['session.created', { handle, subject: undefined, period: 60 }]])
  })

  it('tell how long each of its calls took, and of faults', async () => {
    const down = (): never => {
      throw new Error('down')
    }
    const backend = { ...createPlainBackend(), set: down, clear: down }
    const sessions = createSessionManager<number>({ backend })
    const { take, calls } = listenToAll()
    const session = await sessions.generate(1)
    await sessions.fromKey(session.key)
    await expect(sessions.set(session, { expiry: 9 })).rejects.toThrow(BackendError)
    await expect(sessions.clear(session)).rejects.toThrow(BackendError)
    expect(calls()).toMatchObject([
      ['store.operation', { operation: 'generate', outcome: 'ok' }],
      ['store.operation', { operation: 'get', outcome: 'ok' }],
      ['store.operation', { operation: 'set', outcome: 'fault' }],
      ['store.operation', { operation: 'clear', outcome: 'fault' }],
    ])
    expect(take().slice(2)).toMatchObject([
      ['store.fault', { operation: 'set', message: 'the backend failed to set a session' }],
      ['store.fault', { operation: 'clear', message: 'the backend failed to clear a session' }],
    ])
  })

  it('tell of answers that are of no use', async () => {
    const nonsense = (): never => ({}) as never
    const backend = { ...createPlainBackend(), get: nonsense, set: nonsense, generate: nonsense }
    const sessions = createSessionManager<number>({ backend })
    const session = await createSessionManager<number>({ backend: createPlainBackend() }).generate(
      1,
    )
    const { take } = listenToAll()
    await expect(sessions.fromKey('key')).rejects.toThrow(BackendError)
    await expect(sessions.set(session, { expiry: 9 })).rejects.toThrow(BackendError)
    await expect(sessions.generate(1)).rejects.toThrow(BackendError)
    expect(take()).toMatchObject([
      ['store.fault', { operation: 'get', message: 'the backend gave no usable answer to get' }],
      ['store.fault', { operation: 'set', message: 'the backend gave no usable answer to set' }],
      ['store.fault', { operation: 'generate' }],
    ])
  })
})

describe('the events of a stateless backend', () => {
  it('tell of its sessions by name and subject', async () => {
    const clock = createTestClock()
    const backend = createCookieBackend({
      secrets: ['a secret of more than thirty-two characters'],
      audience: 'test',
      period: 100,
      now: clock.now,
    })
    const sessions = createSessionManager<number>({ backend })
    const { take } = listenToAll()
    const session = await sessions.generate(1)
    const { handle } = session
    await sessions.bind(session, 'ann')
    await sessions.set(session, { value: 2 })
    clock.advance(60)
    const found = await sessions.fromKey(session.key)
    if (!found.ok) throw new Error(found.reason)
    await sessions.touch(found.session)
    await sessions.clear(found.session)
    const ann = { handle, subject: 'ann' }
    expect(handle).toBeDefined()
    expect(take()).toEqual([
      ['session.created', { handle, subject: undefined, period: 100 }],
      ['session.rotated', { ...ann, authenticated: true, bound: true }],
      ['session.written', { ...ann, value: true, version: undefined }],
      ['session.read', { ...ann, outcome: 'found' }],
      ['session.touched', { ...ann, period: 100 }],
      ['session.cleared', { ...ann, by: 'key', count: undefined }],
    ])
  })
})

describe('a backend that publishes events itself', () => {
  it('has none published by the manager, a copy of it neither', async () => {
    const { backend } = createManager<number>()
    const sessions = createSessionManager<number>({ backend: { ...backend } })
    const { take, calls } = listenToAll()
    await sessions.generate(1)
    expect(take()).toHaveLength(1)
    expect(calls()).toHaveLength(1)
  })
})

describe('every event', () => {
  it('is named by what it is about and what has happened', () => {
    for (const name of EVENTS)
      expect(name).toMatch(/^sojourn:(?:session|key|cookie|store)\.[a-z]+$/)
  })
})
