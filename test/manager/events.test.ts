import { describe, expect, it } from 'vitest'
import { BackendError, SessionConflictError, SubjectLimitError } from '../../src/core/errors.ts'
import { generateKey, generateSuccessor, handleOf } from '../../src/core/key.ts'
import type { Handle } from '../../src/core/key.ts'
import type { Session } from '../../src/core/session.ts'
import { cookieOf, createManager } from './fixture.ts'
import { listenToAll } from './heard.ts'

function handleIn(session: Session): Handle {
  if (session.handle === undefined) throw new Error('no handle')
  return session.handle
}

describe('the events of a manager', () => {
  it('tell of a session that is made, read, written and ended, once each', async () => {
    const { sessions } = createManager<number>()
    const { take } = listenToAll()
    const session = await sessions.generate(1, { expiry: 60 })
    const handle = handleIn(session)
    expect(take()).toEqual([['session.created', { handle, subject: undefined, period: 60 }]])
    await sessions.fromHeaders(cookieOf(session.key))
    expect(take()).toEqual([['session.read', { handle, subject: undefined, outcome: 'found' }]])
    await sessions.set(session, { value: 2 })
    await sessions.update(session, (value) => value + 1)
    await sessions.set(session, { expiry: 30 })
    const written = { handle, subject: undefined }
    expect(take()).toEqual([
      ['session.written', { ...written, value: true, version: 2 }],
      ['session.written', { ...written, value: true, version: 3 }],
      ['session.written', { ...written, value: false, version: 3 }],
    ])
    await sessions.clear(session)
    expect(take()).toEqual([
      ['session.cleared', { by: 'key', count: 1, handle, subject: undefined }],
    ])
    await sessions.clear(session)
    await sessions.clearFromHeaders(cookieOf(session.key))
    expect(take()).toEqual([])
  })

  it('tell of a touch, and of one that came too late nothing', async () => {
    const { sessions, clock } = createManager<number>({ policy: { period: 100 } })
    const { key } = await sessions.generate(1)
    clock.advance(60)
    const [first, second] = [await sessions.fromKey(key), await sessions.fromKey(key)]
    if (!first.ok || !second.ok) throw new Error('no session')
    const { take } = listenToAll()
    await sessions.touch(first.session)
    await sessions.touch(second.session)
    const touched = { handle: handleIn(first.session), subject: undefined, period: 100 }
    expect(take()).toEqual([['session.touched', touched]])
  })

  it('tell of a login and of a rotation without one', async () => {
    const { sessions } = createManager<number>()
    const session = await sessions.generate(1)
    const handle = handleIn(session)
    const { take } = listenToAll()
    await sessions.bind(session, 'ann')
    await sessions.rotate(session)
    expect(take()).toEqual([
      ['session.rotated', { handle, subject: 'ann', authenticated: true, bound: true }],
      ['session.rotated', { handle, subject: undefined, authenticated: false, bound: false }],
    ])
  })

  it('tell a malformed key, an unknown one and a wrong secret apart', async () => {
    const { sessions } = createManager<number>()
    const session = await sessions.generate(1, { subject: 'ann' })
    const handle = handleIn(session)
    const unknown = generateKey()
    const { take } = listenToAll()
    await sessions.fromKey('not a key')
    await sessions.fromKey(unknown)
    await sessions.fromKey(generateSuccessor(handle))
    expect(take()).toEqual([
      ['key.malformed', { length: 9 }],
      ['key.rejected', { handle: handleOf(unknown), subject: undefined, reason: 'unknown' }],
      ['key.rejected', { handle, subject: 'ann', reason: 'wrong_secret' }],
    ])
  })

  it('tell of several cookies of the name', async () => {
    const { sessions } = createManager<number>()
    const { key, handle } = await sessions.generate(1)
    const { take } = listenToAll()
    await sessions.fromHeaders(cookieOf('junk', 'more junk', key))
    expect(take()).toEqual([
      ['cookie.duplicated', { count: 3, wellFormed: 1 }],
      ['session.read', { handle, subject: undefined, outcome: 'found' }],
    ])
  })

  it('tell of a conflict, and of each try of an update that meets one', async () => {
    const { sessions } = createManager<number>()
    const { key } = await sessions.generate(1, { subject: 'ann' })
    const [first, second] = [await sessions.fromKey(key), await sessions.fromKey(key)]
    if (!first.ok || !second.ok) throw new Error('no session')
    await sessions.set(first.session, { value: 2 })
    const { take } = listenToAll()
    await expect(sessions.set(second.session, { value: 3 })).rejects.toThrow(SessionConflictError)
    const conflict = { handle: first.session.handle, subject: undefined, operation: 'set' }
    expect(take()).toEqual([['session.conflict', conflict]])
    expect(await sessions.update(second.session, (value) => value + 1)).toBe(3)
    expect(take().map(([name]) => name)).toEqual([
      'session.conflict',
      'session.read',
      'session.written',
    ])
  })

  it('tell of a session without a value and of one that cannot be decoded', async () => {
    const { sessions, backend } = createManager<number>()
    const empty = await backend.generate()
    const broken = await backend.generate({ value: '{' })
    const { take } = listenToAll()
    await sessions.fromKey(empty)
    await sessions.fromKey(broken)
    const of = { handle: handleOf(broken), subject: undefined }
    expect(take()).toEqual([
      ['session.read', { handle: handleOf(empty), subject: undefined, outcome: 'not_set' }],
      ['session.read', { ...of, outcome: 'found' }],
      ['session.invalid', of],
    ])
  })

  it('tell of the sessions that were ended by a public name, and of none where there were none', async () => {
    const { sessions } = createManager<number>()
    const made = [1, 2, 3].map((value) => sessions.generate(value, { subject: 'ann' }))
    const [first] = await Promise.all(made)
    await sessions.generate(4)
    const { take } = listenToAll()
    const handle = first?.handle
    await sessions.clearHandle(String(handle))
    await sessions.clearHandle(String(handle))
    await sessions.clearSubject('ann')
    await sessions.clearSubject('ann')
    await sessions.clearAll()
    const nobody = { handle: undefined, subject: undefined }
    expect(take()).toEqual([
      ['session.cleared', { by: 'handle', count: 1, handle, subject: undefined }],
      ['session.cleared', { by: 'subject', count: 2, handle: undefined, subject: 'ann' }],
      ['session.cleared', { by: 'all', count: 1, ...nobody }],
    ])
  })

  it('tell of a login that is refused', async () => {
    const { sessions } = createManager<number>({ policy: { maxPerSubject: 1 } })
    await sessions.generate(1, { subject: 'ann' })
    const guest = await sessions.generate(2)
    const { take } = listenToAll()
    await expect(sessions.generate(3, { subject: 'ann' })).rejects.toThrow(SubjectLimitError)
    await expect(sessions.bind(guest, 'ann')).rejects.toThrow(SubjectLimitError)
    expect(take()).toEqual([
      ['session.refused', { handle: undefined, subject: 'ann' }],
      ['session.refused', { handle: guest.handle, subject: 'ann' }],
    ])
  })

  it('tell of a fault once, by what the driver called it', async () => {
    const cause = Object.assign(new Error('user "ann" failed'), { code: 'ECONNRESET' })
    const { sessions } = createManager<number>({
      replace: () => ({ read: () => Promise.reject(cause), delete: () => Promise.reject(cause) }),
    })
    const { take, calls } = listenToAll()
    await expect(sessions.fromKey(generateKey())).rejects.toThrow(BackendError)
    await expect(sessions.clearHandle(handleOf(generateKey()))).rejects.toThrow(BackendError)
    const fault = { causeCode: 'ECONNRESET' }
    expect(take()).toEqual([
      [
        'store.fault',
        { ...fault, operation: 'get', message: 'the backend failed to read a session' },
      ],
      [
        'store.fault',
        { ...fault, operation: 'clearHandle', message: 'the backend failed to clear a session' },
      ],
    ])
    expect(calls()).toMatchObject([
      ['store.operation', { operation: 'get', outcome: 'fault' }],
      ['store.operation', { operation: 'clearHandle', outcome: 'fault' }],
    ])
  })

  it('tell how long each call of the store took, once for each', async () => {
    const { sessions, store } = createManager<number>({ policy: { period: 100 } })
    const { calls } = listenToAll()
    const session = await sessions.generate(1)
    const found = await sessions.fromHeaders(cookieOf(session.key))
    expect(found.ok).toBe(true)
    await sessions.update(session, (value) => value + 1)
    await sessions.bind(session, 'ann')
    await sessions.list('ann')
    await sessions.clear(session)
    const told = calls()
    expect(told.map(([, message]) => message)).toEqual(
      ['generate', 'get', 'set', 'rotate', 'list', 'clear'].map((operation) => ({
        operation,
        outcome: 'ok',
        startedAtMs: expect.any(Number),
        durationMs: expect.any(Number),
      })),
    )
    expect(told).toHaveLength(store.calls.length)
  })
})
