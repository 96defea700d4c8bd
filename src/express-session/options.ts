import { assertFunction, assertOneOf, assertOptions } from '../core/options.ts'
import { isSessionBackend } from '../core/session-backend.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import { createBackendKeeper } from './backend-keeper.ts'
import { createCompatKeeper } from './compat-keeper.ts'
import type { Compat } from './compat-keeper.ts'
import { Cookie } from './cookie.ts'
import type { CookieOptions } from './cookie.ts'
import type { Keeper } from './keeper.ts'
import { MemoryStore } from './memory-store.ts'
import { resolveAuto } from './secure.ts'
import type { Secret } from './signature.ts'
import { createStoreKeeper } from './store-keeper.ts'
import type { ExpressStore } from './store-keeper.ts'

/** Options of the middleware: those of express-session, `backend` and `compat`. */
export interface SessionOptions {
  /** What signs the cookie. Of several, the first one signs, and each is good. */
  readonly secret: Secret | readonly Secret[]
  /** The name of the cookie. Default: `connect.sid`. */
  readonly name?: string | undefined
  /** Where sessions are kept: a backend, or a store made for express-session. Default: a `MemoryStore`. */
  readonly store?: ExpressStore | SessionBackend | undefined
  /** A backend, beside the `store` that sessions come from or by itself. */
  readonly backend?: SessionBackend | undefined
  /** With `store` and `backend`: whether new sessions go to the store (`shared`), or all to the backend (`upgrade`). */
  readonly compat?: Compat | undefined
  readonly cookie?: CookieOptions | ((request: never) => CookieOptions) | undefined
  /** Gives the ids in a store. On a backend ids are keys, and this is refused. */
  readonly genid?: ((request: never) => string) | undefined
  /** Whether a session that was not changed is saved again. Means nothing on a backend. Default: false. */
  readonly resave?: boolean | undefined
  /** Whether each response sets the cookie of an existing session, and so starts its time anew. Default: false. */
  readonly rolling?: boolean | undefined
  /** Whether a new session without data is saved. Default: true, as in express-session. */
  readonly saveUninitialized?: boolean | undefined
  /** Whether `X-Forwarded-Proto` is believed. Default: what Express says (`trust proxy`). */
  readonly proxy?: boolean | undefined
  /** What `req.session = null` does to what is stored. Default: `keep`. */
  readonly unset?: 'destroy' | 'keep' | undefined
}

/** Options that have been checked and filled in. */
export interface CheckedOptions {
  readonly name: string
  readonly secrets: readonly Secret[]
  readonly keeper: Keeper
  /** The application's own store, where sessions are kept in no other place. */
  readonly store: ExpressStore | undefined
  /** The store made for express-session, if there is one: it may announce that it has lost its server. */
  readonly old: ExpressStore | undefined
  readonly cookieOf: (request: object) => CookieOptions
  readonly resave: boolean
  readonly rolling: boolean
  readonly saveUninitialized: boolean
  readonly proxy: boolean | undefined
  readonly unsetDestroys: boolean
}

const OPTIONS: readonly (keyof SessionOptions)[] = [
  'secret',
  'name',
  'store',
  'backend',
  'compat',
  'cookie',
  'genid',
  'resave',
  'rolling',
  'saveUninitialized',
  'proxy',
  'unset',
]

const COOKIE = [
  'path',
  'domain',
  'httpOnly',
  'secure',
  'sameSite',
  'partitioned',
  'priority',
  'maxAge',
  'expires',
  'originalMaxAge',
  // These do nothing.
  'signed',
  'encode',
  'overwrite',
]

/**
 * @throws TypeError for an option that is unknown, missing or not as described.
 * @throws InvalidCookieError for an attribute that no cookie may have.
 */
export function checkOptions(options: SessionOptions): CheckedOptions {
  assertOptions('session', options, OPTIONS)
  const { name = 'connect.sid', cookie = {}, unset = 'keep', proxy } = options
  const secrets = [options.secret].flat()
  if (secrets.length === 0 || secrets.some((secret) => !secret)) {
    throw new TypeError(
      '"secret" must be a text or bytes, or a list of one or more, and none empty',
    )
  }
  if (typeof name !== 'string' || name === '') throw new TypeError('"name" must be a cookie name')
  if (typeof cookie !== 'function') assertCookie(name, cookie)
  assertOneOf('unset', unset, ['destroy', 'keep'])
  return {
    name,
    secrets,
    ...placeOf(options, secrets),
    cookieOf: typeof cookie === 'function' ? (request) => cookie(request as never) : () => cookie,
    resave: options.resave ?? false,
    rolling: options.rolling ?? false,
    saveUninitialized: options.saveUninitialized ?? true,
    proxy,
    unsetDestroys: unset === 'destroy',
  }
}

/** Now, and not at the first request: what is misspelt would be missing from the cookie, and nobody would see it. */
function assertCookie(name: string, cookie: CookieOptions): void {
  if (typeof cookie !== 'object' || cookie === null) {
    throw new TypeError('"cookie" must be an object or a function')
  }
  assertOptions('the cookie of session', cookie, COOKIE)
  new Cookie(resolveAuto(cookie, true)).serialize(name, '')
}

function placeOf(
  options: SessionOptions,
  secrets: readonly Secret[],
): Pick<CheckedOptions, 'keeper' | 'store' | 'old'> {
  const { store: given, compat, genid } = options
  assertNoOther(given, 'store')
  assertNoOther(options.backend, 'backend')
  if (genid !== undefined) assertFunction('genid', genid)
  const isBackend = typeof given === 'object' && isSessionBackend(given as SessionBackend)
  const backend = options.backend ?? (isBackend ? (given as SessionBackend) : undefined)
  if (options.backend !== undefined && (isBackend || !isSessionBackend(options.backend))) {
    throw new TypeError(
      isBackend
        ? '"store" is a backend already: leave out "backend"'
        : '"backend" must be a backend of createBackend',
    )
  }
  const old = isBackend ? undefined : (given as ExpressStore | undefined)
  const draw = genid as ((request: object) => string) | undefined
  if (compat !== undefined) {
    assertOneOf('compat', compat, ['shared', 'upgrade'])
    if (backend === undefined || old === undefined) {
      throw new TypeError('"compat" needs both "store" and "backend"')
    }
    const oldKeeper = createStoreKeeper(assertStore(old), draw)
    const keeper = createCompatKeeper({ old: oldKeeper, backend, compat, secrets })
    return { keeper, store: undefined, old }
  }
  if (backend !== undefined) {
    if (old !== undefined) throw new TypeError('"store" beside "backend" needs "compat"')
    if (draw !== undefined)
      throw new TypeError('"genid" is for stores: a backend makes its own keys')
    return { keeper: createBackendKeeper(backend), store: undefined, old }
  }
  const store: ExpressStore = old === undefined ? newMemoryStore() : assertStore(old)
  return { keeper: createStoreKeeper(store, draw), store, old: store }
}

/** Refuses what has methods of the same names, and would fail with the first request. */
function assertNoOther(given: object | undefined, option: 'store' | 'backend'): void {
  if (typeof given !== 'object' || given === null) return
  if ('fromHeaders' in given) {
    throw new TypeError(`"${option}" is a session manager: give its backend in its place`)
  }
  if ('sendCommand' in given) {
    throw new TypeError(`"${option}" is a client of Redis: give createRedisBackend(client)`)
  }
}

function assertStore(store: ExpressStore): ExpressStore {
  const methods = ['get', 'set', 'destroy'] as const
  if (methods.some((method) => typeof store?.[method] !== 'function')) {
    throw new TypeError('"store" must be a backend, or a store made for express-session')
  }
  return store
}

function newMemoryStore(): ExpressStore {
  if (process.env['NODE_ENV'] === 'production') {
    process.emitWarning(
      'sessions are kept in the memory of this process: give session() a "backend"',
    )
  }
  return new MemoryStore()
}
