import { EventEmitter } from 'node:events'
import type { SessionData } from '../express-session.ts'
import { cookieOf } from './cookie.ts'
import { Session } from './session.ts'
import type { Callback, SessionHolder, SessionObject } from './session.ts'

/** A session as it is stored: what of its data there is, and its cookie. */
export type StoredSession = Partial<SessionData> & Pick<SessionData, 'cookie'>

interface Answers {
  // A method, so that a function that takes the session for whole is one too.
  answer(error: unknown, session?: StoredSession | null): void
}

/** How a store answers. */
export type Answer = Answers['answer']

declare abstract class StoreShape extends EventEmitter {
  constructor(options?: unknown)
  /** The session of `sid`, or nothing. */
  abstract get(sid: string, callback: Answer): void
  /** Writes the session of `sid`, whether there was one or not. */
  abstract set(sid: string, session: StoredSession, callback?: Callback): void
  abstract destroy(sid: string, callback?: Callback): void
  all?(callback: (error: unknown, sessions?: unknown) => void): void
  length?(callback: (error: unknown, length?: number) => void): void
  clear?(callback?: Callback): void
  touch?(sid: string, session: StoredSession, callback?: Callback): void
  /** Puts a new session on a request. The middleware sets it. */
  generate?(request: SessionHolder): void
  regenerate(request: SessionHolder, callback: Callback): void
  load(sid: string, callback: (error?: unknown, session?: StoredSession) => void): void
  /** Puts a session that was read on a request. */
  createSession(request: SessionHolder, data: object): SessionObject & StoredSession
}

/** What stores for express-session inherit from. */
export type SessionStore = StoreShape

/** The class of stores: for `class … extends Store`, for `util.inherits` and `Store.call(this)`. */
export type SessionStoreClass = typeof StoreShape & ((this: unknown, options?: unknown) => void)

// A function and not a class, since a class cannot be called on the object of a subclass.
function StoreBase(this: EventEmitter | undefined): unknown {
  if (!(this instanceof StoreBase)) return new (StoreBase as unknown as new () => SessionStore)()
  Reflect.apply(EventEmitter as unknown as () => void, this, [])
  return undefined
}

const METHODS = {
  regenerate(this: SessionStore, request: SessionHolder, callback: Callback): void {
    this.destroy(request.sessionID ?? '', (error) => {
      this.generate?.(request)
      callback(error)
    })
  },

  load(
    this: SessionStore,
    sid: string,
    callback: (error?: unknown, session?: StoredSession) => void,
  ): void {
    this.get(sid, (error, data) => {
      if (error) callback(error)
      else if (!data) callback()
      else callback(null, this.createSession({ sessionID: sid, sessionStore: this }, data))
    })
  },

  createSession(request: SessionHolder, data: object): Session {
    const cookie = cookieOf('cookie' in data ? data.cookie : undefined)
    const session = new Session(request, { ...data, cookie })
    request.session = session
    return session
  },
}
extendClass(StoreBase, 'Store', EventEmitter, METHODS)

interface Class {
  readonly prototype: object
}

/** Makes a class of a function: its name, what it inherits, and methods that are not counted among an object's own. */
export function extendClass(made: Class, name: string, parent: Class, methods: object): void {
  Object.setPrototypeOf(made, parent)
  Object.setPrototypeOf(made.prototype, parent.prototype)
  Object.defineProperty(made, 'name', { value: name })
  for (const [method, value] of Object.entries(methods)) {
    Object.defineProperty(made.prototype, method, { value, writable: true, configurable: true })
  }
}

/** What stores for express-session inherit from, in the old way or the new; `new` is not needed. */
export const Store: SessionStoreClass = StoreBase as unknown as SessionStoreClass
