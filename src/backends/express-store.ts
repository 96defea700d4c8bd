/**
 * Sessions in any store made for express-session, for one process: for a store that cannot be replaced yet.
 *
 * @module `sojourn/backends/express-store`
 */
import { createBridgeBackend } from '../core/bridge-backend.ts'
import type { BridgeBackend, BridgeOptions } from '../core/bridge-backend.ts'
import type { BridgeEngine } from '../core/bridge-engine.ts'
import { createBridgeStore } from '../core/bridge-store.ts'
import { answerOf, isAbsence } from '../core/store-callback.ts'
import type { Store } from '../core/store.ts'

export type { BridgeBackend } from '../core/bridge-backend.ts'
import { assertOptions, POLICY_OPTIONS } from '../core/options.ts'

/**
 * The part of an express-session store that this backend calls. What the methods return does not matter, but if it
 * is a promise that rejects, that is a fault.
 */
export interface ExpressStore {
  get(sid: string, callback: (error: unknown, session?: unknown) => void): unknown
  set(sid: string, session: { cookie: object }, callback: (error?: unknown) => void): unknown
  destroy(sid: string, callback: (error?: unknown) => void): unknown
  /** All sessions: an array of them, each with its `id`, or an object by session id. */
  all?(callback: (error: unknown, sessions?: unknown) => void): unknown
  /** All session ids. Preferred to `all`. */
  ids?(callback: (error: unknown, ids?: unknown) => void): unknown
}

/** Options of `createExpressStoreBackend`. */
export interface ExpressStoreBackendOptions extends BridgeOptions {
  /** What the session ids begin with, after the store's own prefix: letters, digits, `-` and `_`. Default: `sojourn-`. */
  readonly prefix?: string | undefined
}

/** A backend on a store of express-session: a `BridgeBackend` that can be closed like any other. */
export interface ExpressStoreBackend extends BridgeBackend {
  /** Ends nothing: there is no timer. The store stays open. */
  close(): void
}

const PREFIX = /^[a-z0-9_-]*$/i

const OPTIONS = [...POLICY_OPTIONS, 'prefix', 'now']

/**
 * Makes a backend on a store made for express-session, by this process's clock. **For one process**: such a store
 * has no conditional write, so steps are kept in order within the process only, and two processes on one store
 * can overwrite each other and bring ended sessions back.
 *
 * The store drops what has expired if it does so for express-session. It must offer `ids` or `all` for `clearAll`,
 * which rejects with `UnsupportedOperationError` otherwise: `clear` would end the sessions of express-session too.
 * A store that emits `error` needs a listener of the application's, as with express-session.
 *
 * @throws InvalidPeriodError when a period is out of range.
 * @throws TypeError or RangeError for another option that is not as described.
 * @example
 * ```ts
 * import session from 'express-session'
 * import { createExpressStoreBackend } from 'sojourn/backends/express-store'
 *
 * const backend = createExpressStoreBackend(new session.MemoryStore(), { period: 1800 })
 * ```
 */
export function createExpressStoreBackend(
  store: ExpressStore,
  options: ExpressStoreBackendOptions = {},
): ExpressStoreBackend {
  assertOptions('createExpressStoreBackend', options, OPTIONS)
  const backend = createBridgeBackend(createStoreOfExpressStore(store, options), options)
  return Object.assign(backend, { close: () => {} })
}

/** Makes the `Store` under `createExpressStoreBackend`. */
export function createStoreOfExpressStore(
  store: ExpressStore,
  options: Pick<ExpressStoreBackendOptions, 'prefix' | 'now' | 'timeoutMs'> = {},
): Store {
  const { prefix = 'sojourn-' } = options
  if (!PREFIX.test(prefix)) {
    throw new TypeError('"prefix" must be of letters, digits, "-" and "_"')
  }
  const methods = ['get', 'set', 'destroy'] as const
  if (methods.some((method) => typeof store?.[method] !== 'function')) {
    throw new TypeError('"store" must be a store of express-session')
  }
  return createBridgeStore(createEngine(store, prefix), options)
}

function createEngine(store: ExpressStore, prefix: string): BridgeEngine {
  async function get(key: string): Promise<unknown> {
    const sid = prefix + key
    let session: unknown
    try {
      session = await answerOf((callback) => store.get(sid, callback))
    } catch (error) {
      if (isAbsence(error, sid)) return undefined
      throw error
    }
    if (!session) return undefined
    // Without a text of ours it is no record, and never "not there".
    return typeof session === 'object' && 'sojourn' in session ? session.sojourn : session
  }

  async function* keys(): AsyncGenerator<string> {
    const listed = await answerOf((callback) =>
      typeof store.ids === 'function' ? store.ids(callback) : store.all?.(callback),
    )
    for (const sid of sidsOf(listed)) if (sid.startsWith(prefix)) yield sid.slice(prefix.length)
  }

  const lists = typeof store.ids === 'function' || typeof store.all === 'function'
  return {
    get,
    set: (key, text, ttlMs) =>
      answerOf((callback) => store.set(prefix + key, sessionOf(text, ttlMs), callback)),
    delete: (key) => answerOf((callback) => store.destroy(prefix + key, callback)),
    keys: lists ? keys : undefined,
  }
}

/**
 * What stores read a session's end from: `expires`, `maxAge` or `originalMaxAge`, by the machine's clock. The last two
 * are of no use once stored, and `maxAge` is not, as in express-session.
 */
function sessionOf(text: string, ttlMs: number): { cookie: object; sojourn: string } {
  const expires = new Date(Date.now() + ttlMs)
  const data = { originalMaxAge: ttlMs, expires, secure: true, httpOnly: true, path: '/' }
  const cookie = Object.defineProperties(
    { ...data },
    { maxAge: { value: ttlMs }, toJSON: { value: () => data } },
  )
  return { cookie, sojourn: text }
}

function sidsOf(listed: unknown): readonly string[] {
  if (typeof listed !== 'object' || listed === null) return []
  if (!Array.isArray(listed)) return Object.keys(listed)
  return listed
    .map((each: unknown) =>
      typeof each === 'object' && each !== null && 'id' in each ? each.id : each,
    )
    .filter((sid) => typeof sid === 'string')
}
