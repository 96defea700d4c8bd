import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import session from 'express-session'
import createMemoryStore from 'memorystore'
import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import {
  createExpressStoreBackend,
  createStoreOfExpressStore,
} from '../../src/backends/express-store.ts'
import type { ExpressStore } from '../../src/backends/express-store.ts'
import { BackendError } from '../../src/index.ts'
import { bridgeSuite, createFolders, expectOutage } from './bridges-suite.ts'

type StoreClass<Options> = (from: typeof session) => new (options: Options) => ExpressStore

const load = createRequire(import.meta.url)
const FileStore = (load('session-file-store') as StoreClass<object>)(session)
const PgStore = (load('connect-pg-simple') as StoreClass<object>)(session)
const CheckedMemoryStore = createMemoryStore(session)
const folder = createFolders()
const NOT_FOUND = { ok: false, reason: 'not_found' }

function openFiles(path: string): ExpressStore {
  return new FileStore({ path, retries: 0, reapInterval: -1, logFn: () => {} })
}

const STORES: Readonly<Record<string, { open: () => ExpressStore; lists?: boolean }>> = {
  MemoryStore: { open: () => new session.MemoryStore() },
  memorystore: { open: () => new CheckedMemoryStore({}) },
  'session-file-store': { open: () => openFiles(folder()), lists: false },
}

for (const [name, { open, lists = true }] of Object.entries(STORES)) {
  bridgeSuite(`createExpressStoreBackend on ${name}`, {
    createStore: (options) => createStoreOfExpressStore(open(), options),
    createBackend: (options) => createExpressStoreBackend(open(), options),
    lists,
  })
}

describe('createExpressStoreBackend', () => {
  it('keeps the sessions of express-session in the same store, whatever it clears', async () => {
    const store = new session.MemoryStore()
    const cookie = new session.Cookie()
    await new Promise<void>((resolve) => {
      store.set('theirs', { cookie }, () => resolve())
    })
    const backend = createExpressStoreBackend(store)
    const key = await backend.generate({ value: 'a' })
    expect(await backend.clearAll()).toBe(1)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    const kept = new Promise((resolve) => {
      store.get('theirs', (_error, found) => resolve(found))
    })
    expect(await kept).toMatchObject({ cookie: { path: '/' } })
  })

  it('lets the store drop a session no earlier than it ends, and not for ever', async () => {
    const kept: { cookie: { expires: Date; originalMaxAge: number; maxAge: number } }[] = []
    const store: ExpressStore = {
      get: (_sid, callback) => callback(null),
      set: (_sid, session, callback) => {
        kept.push(session as never)
        callback()
      },
      destroy: (_sid, callback) => callback(),
    }
    const before = Date.now()
    await createExpressStoreBackend(store).generate({ value: 'a', expiry: 1800 })
    const [{ cookie }] = kept as [(typeof kept)[number]]
    const spans = [cookie.originalMaxAge, cookie.maxAge, cookie.expires.getTime() - before]
    for (const span of spans) {
      expect(span).toBeGreaterThanOrEqual(1_800_000)
      expect(span).toBeLessThan(1_800_000 + 120_000)
    }
    // As express-session's own does.
    expect(Object.keys(JSON.parse(JSON.stringify(cookie)) as object)).not.toContain('maxAge')
  })

  it('reports a folder of session-file-store that is none or not there as a fault', async () => {
    const path = join(folder(), 'sessions')
    const backend = createExpressStoreBackend(openFiles(path))
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    rmSync(path, { recursive: true })
    await expectOutage(backend, key)
    writeFileSync(path, '')
    await expectOutage(backend, key)
  })

  // The error has the code that express-session takes for "no such session": it is the socket that is not there.
  it('reports a socket that is not there as a fault', async () => {
    const pool = new Pool({ host: folder(), user: 'nobody', database: 'none' })
    const store = new PgStore({ pool, pruneSessionInterval: false })
    const backend = createExpressStoreBackend(store)
    const other = createExpressStoreBackend(new session.MemoryStore())
    const key = await other.generate({ value: 'a' })
    const error: unknown = await backend.get(key).catch((error: unknown) => error)
    expect((error as BackendError).cause).toMatchObject({ code: 'ENOENT' })
    await expectOutage(backend, key)
    await pool.end()
  })

  it('takes the error that express-session takes for "no such session" for that', async () => {
    const store = new session.MemoryStore()
    const get = store.get.bind(store)
    store.get = (sid, callback) =>
      get(sid, (error, found) => {
        if (found) callback(error, found)
        else callback(Object.assign(new Error('no such session'), { code: 'ENOENT' }))
      })
    const backend = createExpressStoreBackend(store)
    const key = await backend.generate({ value: 'a' })
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
    await backend.clear(key)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('rejects when a callback never comes, within the time limit', async () => {
    const store = new session.MemoryStore()
    const backend = createExpressStoreBackend(store, { timeoutMs: 50 })
    const key = await backend.generate({ value: 'a' })
    store.get = () => {}
    await expect(backend.get(key)).rejects.toBeInstanceOf(BackendError)
  })

  it('waits for the callback of a store whose promise resolves before it', async () => {
    const store = new session.MemoryStore()
    const late: ExpressStore['get'] = async (sid, callback) => {
      await Promise.resolve()
      setImmediate(() => store.get(sid, callback))
    }
    const backend = createExpressStoreBackend(withGet(store, late))
    const key = await backend.generate({ value: 'a' })
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
  })

  it('reports a promise that rejects, and an error that is thrown, as a fault', async () => {
    const down: readonly ExpressStore['get'][] = [
      async () => Promise.reject(new Error('down')),
      () => {
        throw new Error('down')
      },
    ]
    const key = await createExpressStoreBackend(new session.MemoryStore()).generate({ value: 'a' })
    for (const get of down) {
      await expectOutage(createExpressStoreBackend(withGet(new session.MemoryStore(), get)), key)
    }
  })

  it('reports a session that is none of its own as a fault, without showing it', async () => {
    const store = new session.MemoryStore()
    const backend = createExpressStoreBackend(store)
    const key = await backend.generate({ value: 'a' })
    const foreign = { cookie: new session.Cookie(), secret: 'tell-tale' }
    store.get = (_sid, callback) => callback(null, foreign)
    const error: unknown = await backend.get(key).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(BackendError)
    expect(String((error as BackendError).cause)).not.toContain('tell-tale')
    expect((error as BackendError).cause).not.toHaveProperty('cause.secret')
  })

  it('refuses options that are not as described', () => {
    const store = new session.MemoryStore()
    for (const prefix of ['a:', 'a b', '*', 'é']) {
      expect(() => createExpressStoreBackend(store, { prefix })).toThrow(TypeError)
    }
    expect(() => createExpressStoreBackend(new Map() as never)).toThrow(TypeError)
    expect(() => createExpressStoreBackend(undefined as never)).toThrow(TypeError)
  })
})

function withGet(store: session.MemoryStore, get: ExpressStore['get']): ExpressStore {
  return {
    get,
    set: (sid, session, callback) => store.set(sid, session as session.SessionData, callback),
    destroy: (sid, callback) => store.destroy(sid, callback),
  }
}
