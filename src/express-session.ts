/**
 * A drop-in for `express-session`: the same options and the same `req.session`, on a backend of this package.
 *
 * @module `sojourn/express-session`
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BackendError } from './core/errors.ts'
import { Cookie } from './express-session/cookie.ts'
import type { CookieOptions as OptionsOfCookie } from './express-session/cookie.ts'
import { gateResponse } from './express-session/gate.ts'
import { KeeperStore } from './express-session/keeper-store.ts'
import { MemoryStore } from './express-session/memory-store.ts'
import type { MemoryStoreClass } from './express-session/memory-store.ts'
import { checkOptions } from './express-session/options.ts'
import type {
  CheckedOptions,
  SessionOptions,
  SessionOptions as Options,
} from './express-session/options.ts'
import { isOnPath } from './express-session/secure.ts'
import { Session } from './express-session/session.ts'
import type { SessionCookie, SessionObject } from './express-session/session.ts'
import { Store } from './express-session/store.ts'
import type { SessionStore, SessionStoreClass } from './express-session/store.ts'
import { renewSession, Visit } from './express-session/visit.ts'
import type { VisitedRequest, VisitedResponse } from './express-session/visit.ts'

export type { CookieData, CookieOptions } from './express-session/cookie.ts'
export type { SessionOptions } from './express-session/options.ts'
export type {
  Callback,
  SessionCookie,
  SessionHolder,
  SessionObject,
} from './express-session/session.ts'
export type { Secret } from './express-session/signature.ts'
export type { ExpressStore } from './express-session/store-keeper.ts'
export type { StoredSession } from './express-session/store.ts'
export type { MemoryStoreClass, SessionStore, SessionStoreClass }
export { Cookie, MemoryStore, Session, Store }

/** What a session holds. Add to it: `declare module 'sojourn/express-session' { interface SessionData { … } }`. */
export interface SessionData {
  cookie: SessionCookie
}

/** What the middleware puts on a request. */
export interface RequestWithSession {
  session: SessionObject & Partial<SessionData>
  sessionID: string
  sessionStore: SessionStore
}

/** A middleware of Express and its like. */
export type SessionMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

type Data = SessionData

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- what Express's types are made to be extended by
  namespace Express {
    interface Request extends RequestWithSession {}
  }
}

/** `session(options)`, and beside it what `require('express-session')` has. */
export interface SessionFunction {
  /** Without `options` it throws, as without a `secret`: they may be left out for the sake of stores' types. */
  (options?: SessionOptions): SessionMiddleware
  readonly Store: SessionStoreClass
  readonly MemoryStore: MemoryStoreClass
  readonly Cookie: typeof Cookie
  readonly Session: typeof Session
}

/**
 * Makes the middleware. `require('sojourn/express-session')` gives this function too.
 *
 * @throws TypeError for an option that is unknown, missing or not as described.
 * @throws InvalidCookieError for an attribute that no cookie may have.
 *
 * @example
 * ```ts
 * import session from 'sojourn/express-session'
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 *
 * export const sessions = session({ secret: 'keyboard cat', store: createMemoryBackend() })
 * ```
 */
function createMiddleware(options?: SessionOptions): SessionMiddleware {
  const checked = checkOptions(options ?? ({} as SessionOptions))
  const { keeper, old } = checked
  const store = checked.store ?? new KeeperStore(keeper)
  // What a store of another package inherits makes a new session by this.
  Object.assign(store, { generate: renewSession })
  let isThere = true
  if (old !== undefined && 'on' in old && typeof old.on === 'function') {
    old.on('disconnect', () => (isThere = false))
    old.on('connect', () => (isThere = true))
  }
  return (given, response, next) => {
    const request = given as unknown as VisitedRequest
    if (request.session) return next()
    const { path = '/' } = checked.cookieOf(request)
    if (!isOnPath(request.originalUrl ?? request.url ?? '/', path)) return next()
    if (!isThere) return next(new BackendError('the store has lost its server'))
    request.sessionStore = store as SessionStore
    receive(checked, request, response as unknown as VisitedResponse, next)
  }
}

function receive(
  options: CheckedOptions,
  request: VisitedRequest,
  response: VisitedResponse,
  next: (error?: unknown) => void,
): void {
  const visit = new Visit(options, request, response)
  const begin = (): void => {
    gateResponse(response, {
      beforeHeaders: () => visit.finish(),
      beforeEnd: () => visit.finishBody(),
      failed: next,
    })
    next()
  }
  const started = visit.start()
  if (started === undefined) return begin()
  // Out of the promise: what a handler throws at once is no fault of the store.
  started.then(
    () => process.nextTick(begin),
    (error: unknown) => process.nextTick(next, error),
  )
}

/** `session(options)`: the middleware, as in express-session. */
const session: SessionFunction = Object.assign(createMiddleware, {
  Store,
  MemoryStore,
  Cookie,
  Session,
})

// The same types by the names that they have beside `require('express-session')`.
// oxlint-disable-next-line typescript/no-namespace -- types only
declare namespace session {
  export type SessionOptions = Options
  export type CookieOptions = OptionsOfCookie
  export interface SessionData extends Data {}
  export type Store = SessionStore
  export type MemoryStore = InstanceType<MemoryStoreClass>
  export type Session = SessionObject
  export type Cookie = SessionCookie
}

export default session
// What `require` gives, from Node 20.19 on.
export { session as 'module.exports' }
