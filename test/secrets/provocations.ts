import { createGuard } from '../../src/adapters/guard.ts'
import { createMemoryBackend, createMemoryStore } from '../../src/backends/memory.ts'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { checkCookie } from '../../src/http/cookie-options.ts'
import { serializeSetCookie } from '../../src/http/set-cookie.ts'
import type { Backend, Key, Session, SessionManager, Store } from '../../src/index.ts'
import {
  createBackend,
  createRequestSession,
  createSessionManager,
  generateKey,
} from '../../src/index.ts'
import { COOKIE, keep, MARK, SUBJECT, VALUE } from './leaks.ts'

/** Ways to have an error thrown, with something secret at hand each time. */
export type Provocations = Readonly<Record<string, () => unknown>>

const memory = createMemoryBackend({ sweepEveryMs: 0, maxPerSubject: 1 })
const sessions = createSessionManager({ backend: memory })

async function make(manager: SessionManager = sessions): Promise<Session> {
  return keep(await manager.generate(VALUE))
}

function cookieOf({ key }: { readonly key: string }): string {
  return `__Host-session=${key}`
}

/** A manager on a store in which some operations do otherwise. */
function withStore(change: Partial<Store>): SessionManager {
  return createSessionManager({ backend: createBackend({ ...createMemoryStore(), ...change }) })
}

/** A manager on a hand-written backend with the five operations, of which some do otherwise. */
function withBackend(change: Partial<Backend>): SessionManager {
  const backend: Backend = {
    defaultPeriod: 60,
    generate: () => generateKey(),
    get: () => ({ ok: true, value: JSON.stringify(VALUE), period: 60 }),
    set: () => ({ ok: true }),
    clear: () => {},
  }
  return createSessionManager({ backend: { ...backend, ...change } })
}

function down(): never {
  throw new Error('connection refused')
}

/** A session whose stored text no longer decodes. */
async function malformed(text = `{"password":"${MARK}`): Promise<string> {
  const key = await memory.generate({ value: text })
  return cookieOf(keep({ key }))
}

export const cookieErrors: Provocations = {
  'a name': () => checkCookie({ name: `${COOKIE};` }),
  'a miscased prefix': () => checkCookie({ name: `__host-${COOKIE}` }),
  'a path': () => checkCookie({ name: 'a', path: COOKIE }),
  'a long path': () => checkCookie({ name: 'a', path: `/${COOKIE.repeat(200)}` }),
  'a domain': () => checkCookie({ name: 'a', domain: `.${COOKIE}` }),
  'an unknown option': () => checkCookie({ [COOKIE]: COOKIE } as object),
  'a flag': () => checkCookie({ secure: COOKIE as never }),
  'a sameSite': () => checkCookie({ sameSite: COOKIE as never }),
  'a priority': () => checkCookie({ priority: COOKIE as never }),
  'a prefixed name': () => checkCookie({ name: `__Host-${COOKIE}`, domain: 'a.example' }),
  'a value': () => serializeSetCookie(checkCookie({}), `${COOKIE}\n`),
  'a long value': () => serializeSetCookie(checkCookie({}), COOKIE.repeat(500)),
  'a manager’s cookie': () =>
    createSessionManager({ backend: memory, cookie: { name: `${COOKIE} ` } }),
  'one header': async () => sessions.toCookieHeaders(await make(), { path: COOKIE }),
  'one header’s name': async () =>
    sessions.toCookieHeaders(await make(), { name: COOKIE } as object),
  'one header’s discard': async () =>
    sessions.toCookieHeaders(await make(), { discard: COOKIE as never }),
  'a removal': () => sessions.clearHeaders({ domain: `${COOKIE} ` }),
}

const cyclic: Record<string, unknown> = { ...VALUE }
cyclic['self'] = cyclic
const encodings: Record<string, unknown> = {
  cyclic,
  bigint: { ...VALUE, count: 1n },
  'a function': () => VALUE,
  'toJSON that throws': {
    toJSON: () => {
      throw new Error(`cannot encode ${MARK}`)
    },
  },
}
const codec = {
  encode: (value: unknown) => JSON.stringify(value),
  decode: (text: string) => {
    throw new Error(`cannot decode ${text}`)
  },
}
const refusing = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => ({
      issues: [{ message: `no ${JSON.stringify(value)}`, path: [MARK] }],
    }),
  },
} as const
const failing = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => {
      throw new Error(`cannot judge ${JSON.stringify(value)}`)
    },
  },
} as const
const surrogates = { encode: () => `${MARK}\uD800`, decode: () => VALUE }

export const valueErrors: Provocations = {
  ...Object.fromEntries(
    Object.entries(encodings).map(([name, value]) => [name, () => sessions.generate(value)]),
  ),
  'set a cyclic value': async () => sessions.set(await make(), { value: cyclic }),
  'update to a cyclic value': async () => sessions.update(await make(), () => cyclic),
  'a codec that throws': () => createSessionManager({ backend: memory, codec }).generate(VALUE),
  'a codec’s lone surrogate': () =>
    createSessionManager({ backend: memory, codec: surrogates }).generate(VALUE),
  'a schema that refuses': () =>
    createSessionManager({ backend: memory, schema: refusing }).generate(VALUE),
  'a schema that refuses what is stored': async () =>
    createSessionManager({ backend: memory, schema: refusing }).fromHeadersOrCreate(
      cookieOf(await make()),
      VALUE,
    ),
  'a schema that throws': () =>
    createSessionManager({ backend: memory, schema: failing }).generate(VALUE),
  'a migration that throws': async () =>
    createSessionManager({
      backend: memory,
      schema: refusing,
      migrate: (_value, text) => JSON.parse(text.slice(1)) as unknown,
    }).fromKey((await make()).key),
  'a malformed stored value': async () => sessions.fromHeadersOrCreate(await malformed(), VALUE),
  'a malformed stored value, loaded': async () =>
    createRequestSession(sessions, await malformed(), openHead()).load(),
  'a malformed stored value, updated': async () => {
    const session = await make()
    await memory.set(session.key, `{"password":"${MARK}`)
    return sessions.update(session, (value) => ({ value }))
  },
  'a lone surrogate for the backend': () => memory.generate({ value: `${MARK}\uD800` }),
  'no string for the backend': () => memory.generate({ value: VALUE as never }),
  'a subject': () => sessions.generate(VALUE, { subject: `${SUBJECT}\uD800` }),
  'a subject that is none': () => sessions.list([SUBJECT] as never),
  labels: () => sessions.generate(VALUE, { labels: { device: VALUE as never } }),
}

export const stateErrors: Provocations = {
  'a conflict': async () => {
    const session = await make()
    await memory.set(session.key, '1')
    return sessions.set(session, { value: VALUE })
  },
  'a session that was cleared': async () => {
    const session = await make()
    await memory.clear(session.key)
    return sessions.set(session, { value: VALUE })
  },
  'a cleared object': async () => {
    const session = await make()
    await sessions.clear(session)
    return sessions.update(session, () => VALUE)
  },
  'a session that was rotated': async () => {
    const session = await make()
    const found = await sessions.fromKey(session.key)
    if (found.ok) await sessions.rotate(found.session)
    if (found.ok) keep(found.session)
    return sessions.rotate(session)
  },
  'a subject’s limit': async () => {
    keep(await sessions.generate(VALUE, { subject: SUBJECT }))
    return sessions.bind(await make(), SUBJECT)
  },
  'a period': () => sessions.generate(VALUE, { expiry: COOKIE as never }),
  'a policy’s period': () => createBackend(createMemoryStore(), { period: COOKIE as never }),
  'a Max-Age': () => serializeSetCookie(checkCookie({}), 'a', COOKIE as never),
  'headers that were sent': async () => {
    const { key } = await make()
    return createRequestSession(sessions, cookieOf({ key }), {
      ...openHead(),
      sent: () => true,
    }).clear()
  },
  'an operation of the lifecycle': async () => {
    const manager = withBackend({})
    return manager.rotate(await make(manager))
  },
  'an update without versions': async () => {
    const manager = withBackend({})
    return manager.update(await make(manager), () => VALUE)
  },
  'a request of another site': async () => {
    const headers = { cookie: COOKIE, origin: `https://${MARK}.example`, 'x-csrf-token': MARK }
    return createGuard().assert({ method: 'POST', url: `/${MARK}`, headers })
  },
  'a wrong token': async () => {
    const request = { method: 'POST', headers: { cookie: COOKIE, 'x-csrf-token': MARK } }
    return createGuard().assert(request, { session: await make() })
  },
  'a list without the lifecycle': () => withBackend({}).list(SUBJECT),
}

const rogueKey = `${MARK};key` as Key
export const storeErrors: Provocations = {
  'a dead store, at creation': () =>
    withStore({ create: down }).generate(VALUE, { subject: SUBJECT }),
  'a dead store, at a read': async () => withStore({ read: down }).fromKey(keep(await make()).key),
  'a dead store, at an update': async () => {
    const manager = withStore({ update: () => Promise.reject(new Error('reset')) })
    return manager.set(await make(manager), { value: VALUE })
  },
  'a dead store, at a clear': async () => {
    const manager = withStore({ delete: down })
    return manager.clear(await make(manager))
  },
  'a dead store, at a rotation': async () => {
    const manager = withStore({ updateSecurity: down })
    return manager.bind(await make(manager), SUBJECT)
  },
  'a dead store, at a list': () => withStore({ list: down }).list(SUBJECT),
  'a dead store, at the end of all': () => withStore({ deleteSubject: down }).clearSubject(SUBJECT),
  'an id that is taken': () =>
    withStore({ create: () => ({ ok: false, reason: 'exists' }) }).generate(VALUE),
  'a store that made up labels': async () => {
    const store = createMemoryStore()
    const manager = createSessionManager({
      backend: createBackend({
        ...store,
        read: async (id) => {
          const record = await store.read(id)
          return record && { ...record, security: { ...record.security, labels: MARK } }
        },
      }),
    })
    return manager.fromKey((await make(manager)).key)
  },
  'a key that no cookie can carry': () => withBackend({ generate: () => rogueKey }).generate(VALUE),
  'no usable answer to get': () => withBackend({ get: () => VALUE as never }).fromKey(COOKIE),
  'no usable reason': () =>
    withBackend({ get: () => ({ ok: false, reason: MARK }) as never }).fromKey(COOKIE),
  'no usable answer to set': async () => {
    const manager = withBackend({ set: () => VALUE as never })
    return manager.set(await make(manager), { value: VALUE })
  },
  'a path that cannot be opened': () => createSqliteBackend(`/no-such-folder/${MARK}/sessions.db`),
}

export const misuses: Provocations = {
  'no session': () => sessions.set(VALUE as never, { value: VALUE }),
  'no value': () => sessions.generate(undefined),
  'no function': async () => sessions.update(await make(), MARK as never),
  'no header source': () => sessions.fromHeaders([COOKIE] as never),
  onInvalid: () => sessions.fromHeadersOrCreate(null, VALUE, { onInvalid: MARK as never }),
  'a key as the handle to keep': async () =>
    sessions.clearSubject(SUBJECT, { except: (await make()).key as never }),
  'no backend': () => createSessionManager({ backend: VALUE as never }),
  'a connection string for a backend': () => createSessionManager(`postgres://${MARK}@db` as never),
  'a table': () => createSqliteBackend(':memory:', { table: `${MARK}; drop` }),
  'no database': () => createSqliteBackend(VALUE as never),
}

function openHead(): { sent: () => boolean; write: () => void } {
  return { sent: () => false, write: () => {} }
}
