import { describe, expect, it } from 'vitest'
import type { Session, SessionManager } from '../../src/index.ts'
import { createBackend, createRequestSession, createSessionManager } from '../../src/index.ts'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import type { TestClock } from '../../src/testing/clock.ts'
import { make } from '../backends/cookie/fixture.ts'
import { createManualClock } from '../core/manual-clock.ts'
import type { ManualClock } from '../core/manual-clock.ts'
import { schemaOf } from '../values/schemas.ts'
import { createManager } from './fixture.ts'
import { createPlainBackend } from './plain-backend.ts'

interface Made {
  readonly sessions: SessionManager
  /** The backend's clock. */
  readonly clock: TestClock
  /** The manager's. */
  readonly waits: ManualClock
}

const BACKENDS: readonly (readonly [name: string, create: () => Made])[] = [
  ['memory', () => createManager()],
  [
    'SQLite',
    () => {
      const clock = createTestClock()
      const waits = createManualClock()
      const backend = createSqliteBackend(':memory:', { now: clock.now, sweepEveryMs: 0 })
      return { sessions: createSessionManager({ backend, clock: waits }), clock, waits }
    },
  ],
  [
    'sealed cookies',
    () => {
      const { backend, clock } = make()
      const waits = createManualClock()
      return { sessions: createSessionManager({ backend, clock: waits }), clock, waits }
    },
  ],
]

const refusal = (reason: string) => ({
  name: 'AuthenticationRequiredError',
  code: 'ERR_SESSION_AUTHENTICATION_REQUIRED',
  status: 403,
  reason,
})
const ANONYMOUS = refusal('anonymous')
const TOO_LONG_AGO = refusal('too_long_ago')
const ASSURANCE = refusal('assurance')

async function load(sessions: SessionManager, key: string): Promise<Session> {
  const found = await sessions.fromKey(key)
  if (!found.ok) throw new Error(found.reason)
  return found.session
}

describe.each(BACKENDS)('requireRecentAuthentication, on %s,', (_, create) => {
  it('passes until so many seconds after the login, and not at the last of them', async () => {
    const { sessions, clock } = create()
    const made = await sessions.generate('a', { subject: 'ann' })
    expect(await sessions.requireRecentAuthentication(made, 1)).toBeUndefined()
    clock.advance(299.999)
    await sessions.requireRecentAuthentication(await load(sessions, made.key), 300)
    clock.advance(0.001)
    const late = await load(sessions, made.key)
    await expect(sessions.requireRecentAuthentication(late, 300)).rejects.toMatchObject(
      TOO_LONG_AGO,
    )
    await sessions.requireRecentAuthentication(late, 301)
  })

  it('rejects where there is no session, and tells a wrong question first', async () => {
    const { sessions } = create()
    await expect(sessions.requireRecentAuthentication(undefined, 300)).rejects.toMatchObject(
      ANONYMOUS,
    )
    await expect(sessions.requireRecentAuthentication(undefined, 0)).rejects.toMatchObject({
      code: 'ERR_SESSION_INVALID_PERIOD',
    })
  })

  it('lets nobody pass in a request without a session', async () => {
    const { sessions } = create()
    const head = { sent: () => false, write: () => {} }
    const request = createRequestSession(sessions, {}, head)
    await expect(request.requireRecentAuthentication(300)).rejects.toMatchObject(ANONYMOUS)
    const lenient = { ...sessions, requireRecentAuthentication: async () => {} }
    await expect(
      createRequestSession(lenient, {}, head).requireRecentAuthentication(300),
    ).rejects.toThrow(TypeError)
  })

  it('goes by the backend’s clock, and adds what has passed since the session was loaded', async () => {
    const { sessions, clock, waits } = create()
    const session = await sessions.generate('a', { subject: 'ann' })
    clock.advance(200)
    const loaded = await load(sessions, session.key)
    await waits.advance(99_999)
    await sessions.requireRecentAuthentication(loaded, 300)
    await waits.advance(1)
    await expect(sessions.requireRecentAuthentication(loaded, 300)).rejects.toMatchObject(
      TOO_LONG_AGO,
    )
    await waits.advance(200_000)
    await expect(sessions.requireRecentAuthentication(session, 300)).rejects.toMatchObject(
      TOO_LONG_AGO,
    )
    // Loaded anew, only the backend's clock counts, and that has shown 200 s.
    await sessions.requireRecentAuthentication(await load(sessions, session.key), 300)
  })

  it('refuses a session of nobody, whatever was rotated', async () => {
    const { sessions } = create()
    const session = await sessions.generate('a')
    await expect(sessions.requireRecentAuthentication(session, 300)).rejects.toMatchObject(
      ANONYMOUS,
    )
    await sessions.rotate(session, { authenticated: true })
    await expect(sessions.requireRecentAuthentication(session, 300)).rejects.toMatchObject(
      ANONYMOUS,
    )
    await sessions.bind(session, 'ann')
    await sessions.requireRecentAuthentication(session, 300)
  })

  it('begins anew with a rotation that is an authentication, and with no other', async () => {
    const { sessions, clock, waits } = create()
    const { key } = await sessions.generate('a', { subject: 'ann' })
    clock.advance(300)
    const session = await load(sessions, key)
    await waits.advance(50_000)
    await sessions.rotate(session)
    await expect(sessions.requireRecentAuthentication(session, 300)).rejects.toMatchObject(
      TOO_LONG_AGO,
    )
    await sessions.rotate(session, { authenticated: true })
    await sessions.requireRecentAuthentication(session, 1)
    expect(session.authenticatedAt).toEqual(new Date(clock.now()))
    await sessions.requireRecentAuthentication(await load(sessions, session.key), 1)
  })

  it('asks for a level, of which a higher one will do', async () => {
    const { sessions } = create()
    const session = await sessions.generate('a', { subject: 'ann' })
    const need = (assurance: 'aal1' | 'aal2' | 'aal3') =>
      sessions.requireRecentAuthentication(session, 300, { assurance })
    expect(session.assurance).toBeUndefined()
    await expect(need('aal1')).rejects.toMatchObject(ASSURANCE)
    await sessions.rotate(session, { authenticated: true, assurance: 'aal2' })
    expect(session.assurance).toBe('aal2')
    expect((await load(sessions, session.key)).assurance).toBe('aal2')
    await need('aal1')
    await need('aal2')
    await expect(need('aal3')).rejects.toMatchObject(ASSURANCE)
    await sessions.bind(session, 'ann', { assurance: 'aal1' })
    await expect(need('aal2')).rejects.toMatchObject(ASSURANCE)
  })

  it('says that it was too long ago before it says that the level is too low', async () => {
    const { sessions, clock } = create()
    const { key } = await sessions.generate('a', { subject: 'ann', assurance: 'aal1' })
    clock.advance(300)
    const late = sessions.requireRecentAuthentication(await load(sessions, key), 300, {
      assurance: 'aal2',
    })
    await expect(late).rejects.toMatchObject(TOO_LONG_AGO)
  })

  it('refuses a session that was cleared', async () => {
    const { sessions } = create()
    const session = await sessions.generate('a', { subject: 'ann' })
    await sessions.clear(session)
    const late = sessions.requireRecentAuthentication(session, 300)
    await expect(late).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
  })

  it('rejects what it cannot mean, and what it does not know', async () => {
    const { sessions } = create()
    const session = await sessions.generate('a', { subject: 'ann', assurance: 'aal3' })
    for (const seconds of [0, -1, 1.5, NaN, Infinity, '60', undefined] as number[]) {
      const wrong = sessions.requireRecentAuthentication(session, seconds)
      await expect(wrong).rejects.toMatchObject({ code: 'ERR_SESSION_INVALID_PERIOD' })
    }
    for (const options of [{ assurence: 'aal2' }, { assurance: 'aal0' }, { assurance: null }]) {
      const wrong = sessions.requireRecentAuthentication(session, 60, options as {})
      await expect(wrong).rejects.toThrow(TypeError)
    }
    await expect(sessions.requireRecentAuthentication({} as Session, 60)).rejects.toThrow(TypeError)
  })
})

describe('requireRecentAuthentication', () => {
  it('asks the store nothing', async () => {
    const { sessions, store } = createManager()
    const session = await sessions.generate('a', { subject: 'ann' })
    store.calls.length = 0
    await sessions.requireRecentAuthentication(session, 60)
    expect(store.calls).toEqual([])
  })

  it('holds a login in the future for one as far in the past', async () => {
    let nowMs = 1_000_000
    const backend = createBackend(createMemoryStore(() => nowMs))
    const sessions = createSessionManager({ backend, clock: createManualClock() })
    const { key } = await sessions.generate('a', { subject: 'ann' })
    nowMs -= 299_999
    await sessions.requireRecentAuthentication(await load(sessions, key), 300)
    nowMs -= 1
    const early = sessions.requireRecentAuthentication(await load(sessions, key), 300)
    await expect(early).rejects.toMatchObject(TOO_LONG_AGO)
  })

  it('adds what a schema has taken to look at the value', async () => {
    const { sessions, backend, clock, waits } = createManager()
    const { key } = await sessions.generate('a', { subject: 'ann' })
    clock.advance(200)
    const schema = schemaOf(async (value) => {
      await waits.advance(100_000)
      return { value }
    })
    const slow = createSessionManager({ backend, clock: waits, schema })
    const late = slow.requireRecentAuthentication(await load(slow, key), 300)
    await expect(late).rejects.toMatchObject(TOO_LONG_AGO)
  })

  it('is not brought nearer by a renewal', async () => {
    const { sessions, clock } = createManager()
    const { key } = await sessions.generate('a', { subject: 'ann', assurance: 'aal1' })
    clock.advance(300)
    const session = await load(sessions, key)
    await sessions.renew(session)
    expect(session.assurance).toBe('aal1')
    await expect(sessions.requireRecentAuthentication(session, 300)).rejects.toMatchObject(
      TOO_LONG_AGO,
    )
  })

  it('needs a backend that knows who has logged in, and so do the options of a login', async () => {
    const sessions = createSessionManager({ backend: createPlainBackend() })
    const session = await sessions.generate('a')
    const unsupported = { code: 'ERR_SESSION_UNSUPPORTED_OPERATION' }
    await expect(sessions.requireRecentAuthentication(session, 60)).rejects.toMatchObject(
      unsupported,
    )
    await expect(sessions.requireRecentAuthentication(undefined, 60)).rejects.toMatchObject(
      ANONYMOUS,
    )
    await expect(sessions.generate('a', { absolute: 60 })).rejects.toMatchObject(unsupported)
  })

  it('is not fooled by a backend that tells no time', async () => {
    const { backend } = createManager()
    const timeless = {
      ...backend,
      get: async (key: string) => {
        const found = await backend.get(key)
        return found.ok ? { ...found, facts: { ...found.facts, nowMs: NaN } } : found
      },
    }
    const sessions = createSessionManager({ backend: timeless })
    const session = await load(sessions, (await sessions.generate('a', { subject: 'ann' })).key)
    await expect(sessions.requireRecentAuthentication(session, 60)).rejects.toMatchObject(
      TOO_LONG_AGO,
    )
  })
})

describe('the level and the lifetime of a login', () => {
  it('are checked before the backend is asked', async () => {
    const { sessions, store } = createManager()
    const session = await sessions.generate('a', { subject: 'ann', assurance: 'aal2' })
    store.calls.length = 0
    await expect(sessions.generate('a', { assurance: 'aal2' })).rejects.toThrow(TypeError)
    await expect(sessions.rotate(session, { assurance: 'aal2' })).rejects.toThrow(TypeError)
    await expect(sessions.rotate(session, { absolute: 60 })).rejects.toThrow(TypeError)
    const wrong = sessions.bind(session, 'ann', { assurance: 'aal2', absolute: 0 })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_SESSION_INVALID_PERIOD' })
    expect(store.calls).toEqual([])
    const none = { code: 'ERR_SESSION_INVALID_VALUE' }
    await expect(sessions.bind(session, 'ann')).rejects.toMatchObject(none)
    expect(session.assurance).toBe('aal2')
  })

  it('are those of the session', async () => {
    const { sessions } = createManager({ policy: { period: 5000, absolute: 1000 } })
    const session = await sessions.generate('a', { subject: 'ann', absolute: 300 })
    expect(session.expiryPeriod).toBe(300)
    await sessions.bind(session, 'ann', { absolute: 200, assurance: 'aal3' })
    expect(session).toMatchObject({ expiryPeriod: 200, assurance: 'aal3' })
    await sessions.rotate(session, { authenticated: true, absolute: 900, assurance: 'aal2' })
    expect(session).toMatchObject({ expiryPeriod: 900, assurance: 'aal2' })
  })
})
