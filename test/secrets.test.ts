import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createFetchAdapter } from '../src/adapters/fetch.ts'
import { createNodeAdapter } from '../src/adapters/node.ts'
import { createMemoryBackend, createMemoryStore } from '../src/backends/memory.ts'
import { createSqliteBackend } from '../src/backends/sqlite.ts'
import {
  createBackend,
  createRequestSession,
  createSessionManager,
  isSessionError,
} from '../src/index.ts'
import type { Session, SessionBackend, SessionManager } from '../src/index.ts'
import { listenToAll } from './manager/heard.ts'
import { keep, leaksOf, MARK, secretsIn, SUBJECT, VALUE } from './secrets/leaks.ts'
import {
  cookieErrors,
  misuses,
  stateErrors,
  storeErrors,
  valueErrors,
} from './secrets/provocations.ts'

/** What `provoke` throws or rejects with. */
async function caught(provoke: () => unknown): Promise<unknown> {
  try {
    await provoke()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('errors', () => {
  const codes = new Set<string>()
  const provocations = { ...cookieErrors, ...valueErrors, ...stateErrors, ...storeErrors }

  it.each(Object.entries(provocations))('hold no secret: %s', async (_name, provoke) => {
    const error = await caught(provoke)
    expect(isSessionError(error)).toBe(true)
    expect(leaksOf(error)).toStrictEqual([])
    if (isSessionError(error)) codes.add(error.code)
  })

  it.each(Object.entries(misuses))('of misuse hold no secret: %s', async (_name, provoke) => {
    const error = await caught(provoke)
    expect(error).toBeInstanceOf(TypeError)
    expect(leaksOf(error)).toStrictEqual([])
  })

  it('were provoked of every class', () => {
    expect([...codes].sort()).toStrictEqual([
      'ERR_SESSION_BACKEND',
      'ERR_SESSION_CONFLICT',
      'ERR_SESSION_CROSS_SITE',
      'ERR_SESSION_GONE',
      'ERR_SESSION_HEADERS_SENT',
      'ERR_SESSION_INVALID_COOKIE',
      'ERR_SESSION_INVALID_PERIOD',
      'ERR_SESSION_INVALID_VALUE',
      'ERR_SESSION_SCHEMA_FAULT',
      'ERR_SESSION_SUBJECT_LIMIT',
      'ERR_SESSION_UNSUPPORTED_OPERATION',
    ])
  })

  it('say in their own words that the store failed, and leave its words to the cause', async () => {
    const fault = new Error(`no route to ${MARK}`)
    const store = { ...createMemoryStore(), create: () => Promise.reject(fault) }
    const manager = createSessionManager({ backend: createBackend(store) })
    const error = await caught(() => manager.generate(VALUE))
    expect(error).toMatchObject({ message: 'the backend failed to create a session', cause: fault })
  })
})

describe('errors of an SQLite backend', () => {
  it('hold no secret when the database is closed', async () => {
    const backend = createSqliteBackend(':memory:')
    const manager = createSessionManager({ backend })
    const session = keep(await manager.generate(VALUE, { subject: SUBJECT }))
    backend.close()
    for (const provoke of [
      () => manager.generate(VALUE, { subject: SUBJECT }),
      () => manager.fromKey(session.key),
      () => manager.set(session, { value: VALUE }),
      () => manager.update(session, () => VALUE),
      () => manager.rotate(session),
      () => manager.bind(session, SUBJECT),
      () => manager.clear(session),
      () => manager.list(SUBJECT),
      () => manager.clearSubject(SUBJECT),
      () => manager.clearAll(),
      () => backend.sweep(),
    ]) {
      const error = await caught(provoke)
      expect(error).toMatchObject({ code: 'ERR_SESSION_BACKEND' })
      expect(leaksOf(error)).toStrictEqual([])
    }
  })

  it.each([
    ['value', `{"${MARK}`, { ok: false, reason: 'invalid' }],
    ['labels', MARK, { code: 'ERR_SESSION_BACKEND' }],
    ['secret_hash', MARK, { ok: false, reason: 'not_found' }],
  ])('hold no secret when somebody has tampered with a %s', async (column, text, outcome) => {
    const database = new DatabaseSync(':memory:')
    const manager = createSessionManager({ backend: createSqliteBackend(database) })
    const session = keep(await manager.generate(VALUE, { subject: SUBJECT }))
    database.prepare(`UPDATE sojourn_sessions SET ${column} = ?`).run(text)
    const found = await manager.fromKey(session.key).catch((error: unknown) => error)
    expect(found).toMatchObject(outcome)
    expect(leaksOf(found)).toStrictEqual([])
  })

  it('keep no key where the sessions are kept', async () => {
    const database = new DatabaseSync(':memory:')
    const manager = createSessionManager({ backend: createSqliteBackend(database) })
    const session = keep(await manager.generate('public'))
    await manager.rotate(session)
    keep(session)
    const rows = database.prepare('SELECT * FROM sojourn_sessions').all()
    expect(rows).toHaveLength(1)
    expect(secretsIn(JSON.stringify(rows))).toStrictEqual([])
  })
})

const backends: readonly (readonly [string, () => SessionBackend])[] = [
  ['memory', () => createMemoryBackend({ sweepEveryMs: 0 })],
  ['SQLite', () => createSqliteBackend(':memory:', { sweepEveryMs: 0 })],
  ['a store', () => createBackend(createMemoryStore())],
]

/** Sessions in every state, one of each. */
async function sessionsOf(manager: SessionManager): Promise<Session[]> {
  const made = keep(await manager.generate(VALUE))
  const owned = keep(await manager.generate(VALUE, { subject: SUBJECT }))
  const rotated = keep(await manager.generate(VALUE))
  await manager.rotate(rotated)
  const updated = keep(await manager.generate(VALUE))
  await manager.update(updated, (value) => value)
  const cleared = keep(await manager.generate(VALUE))
  await manager.clear(cleared)
  const found = await manager.fromKey(made.key)
  if (!found.ok) throw new Error('the session is gone')
  return [made, owned, keep(rotated), updated, cleared, found.session]
}

describe.each(backends)('objects on %s', (_name, createBackend) => {
  it('show no secret', async () => {
    const backend = createBackend()
    const manager = createSessionManager({ backend })
    const all = await sessionsOf(manager)
    for (const thing of [backend, manager, ...all]) expect(leaksOf(thing)).toStrictEqual([])
  })

  it('show no secret in what a look-up gives', async () => {
    const manager = createSessionManager({ backend: createBackend() })
    const [made, ...others] = await sessionsOf(manager)
    for (const { key } of [made, ...others].filter((session) => session !== undefined)) {
      const found = await manager.fromHeaders(`__Host-session=${key}`)
      expect(leaksOf(found)).toStrictEqual([])
      expect(leaksOf(await manager.fromKey(key))).toStrictEqual([])
    }
    const listed = await manager.list(SUBJECT)
    expect(listed).toHaveLength(1)
    expect(leaksOf(listed)).toStrictEqual([])
  })

  it('show no secret of a request', async () => {
    const manager = createSessionManager({ backend: createBackend() })
    const { key } = keep(await manager.generate(VALUE))
    const head = { sent: () => false, write: () => {} }
    const session = createRequestSession(manager, `__Host-session=${key}`, head)
    expect(leaksOf(session)).toStrictEqual([])
    const loading = session.load()
    expect(leaksOf(loading)).toStrictEqual([])
    expect(leaksOf(await loading)).toStrictEqual([])
    await session.rotate()
    keep((await session.load()) ?? { key })
    await session.set(VALUE)
    expect(leaksOf(session)).toStrictEqual([])
    await session.clear()
    expect(leaksOf(session)).toStrictEqual([])
  })

  it('show no secret of an adapter', async () => {
    const manager = createSessionManager({ backend: createBackend() })
    const { key } = keep(await manager.generate(VALUE))
    const node = createNodeAdapter(manager)
    const fetch = createFetchAdapter(manager)
    const seen: unknown[] = []
    const handle = fetch(async (_request, session) => {
      await session.set(VALUE)
      seen.push(session)
      return new Response()
    })
    await handle(new Request('http://a/', { headers: { cookie: `__Host-session=${key}` } }))
    for (const thing of [node, fetch, handle, ...seen]) expect(leaksOf(thing)).toStrictEqual([])
  })
})

describe('leaksOf', () => {
  it('finds a secret in a message, a cause, a property, an array and behind a symbol', () => {
    const { key } = keep({ key: 'k'.repeat(66) })
    for (const leaky of [
      new Error(`bad value ${MARK}`),
      new Error('bad value', { cause: new Error(MARK) }),
      Object.assign(new Error('bad value'), { value: VALUE }),
      [[{ deep: { deeper: VALUE } }]],
      { [Symbol('value')]: MARK },
      Object.defineProperty({}, 'hidden', { value: MARK, enumerable: false }),
      { secret: key.slice(-43) },
    ]) {
      expect(leaksOf(leaky)).not.toStrictEqual([])
    }
  })
})

describe('events', () => {
  it('hold no secret of a session’s whole life', async () => {
    const sessions = createSessionManager({ backend: createMemoryBackend({ sweepEveryMs: 0 }) })
    const { take, calls } = listenToAll()
    const session = keep(await sessions.generate(VALUE, { labels: { device: MARK } }))
    await sessions.bind(session, 'ann')
    const old = keep(session).key
    await sessions.update(keep(session), () => ({ ...VALUE, more: MARK }))
    await sessions.rotate(session)
    for (const key of [keep(session).key, old, MARK, `${MARK}.${session.key}`]) {
      await sessions.fromHeaders(`__Host-session=${key}; __Host-session=${MARK}`)
      await sessions.fromKey(key)
    }
    await sessions.clear(session)
    const heard = [...take(), ...calls()]
    expect(heard.length).toBeGreaterThan(20)
    expect(secretsIn(JSON.stringify(heard))).toStrictEqual([])
  })

  it('hold no secret when something goes wrong, but for the subject', async () => {
    const { take, calls } = listenToAll()
    const provocations = { ...cookieErrors, ...valueErrors, ...stateErrors, ...storeErrors }
    for (const provoke of Object.values(provocations)) await caught(provoke)
    const heard = [...take(), ...calls()]
    expect(heard.length).toBeGreaterThan(20)
    const text = JSON.stringify(heard, (name, value) => (name === 'subject' ? 'ann' : value))
    expect(secretsIn(text)).toStrictEqual([])
  })
})
