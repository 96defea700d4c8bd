import { Cookie } from './cookie.ts'
import { trackOf } from './track.ts'
import type { SessionStore } from './store.ts'

/** What is called when something is done: with an error, or with nothing. */
export type Callback = (error?: unknown) => void

/** What a session needs of its request. */
export interface SessionHolder {
  session?: unknown
  sessionID?: string
  sessionStore?: SessionStore
}

/** What an application may see and set of the cookie of a session; times in milliseconds. */
export interface SessionCookie {
  path?: string | undefined
  domain?: string | undefined
  httpOnly?: boolean | undefined
  secure?: boolean | 'auto' | undefined
  sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined
  partitioned?: boolean | undefined
  priority?: 'low' | 'medium' | 'high' | undefined
  /** Time left; `null` for a cookie that ends with the browser session. Set, it lasts for each use to come. */
  maxAge?: number | null | false | undefined
  expires?: Date | null | false | undefined
  originalMaxAge: number | null
}

/** What every session on a request can do, beside holding data. */
export interface SessionObject {
  readonly id: string
  cookie: SessionCookie
  touch(): this
  resetMaxAge(): this
  save(callback?: Callback): this
  reload(callback: Callback): this
  destroy(callback: Callback): this
  regenerate(callback: Callback): this
}

/** The session of a request, as in express-session: the application's data are properties of the object itself. */
export class Session {
  declare readonly id: string
  declare cookie: Cookie

  /** The middleware makes sessions; data that would hide a method are left out. */
  constructor(request: SessionHolder, data?: object | null) {
    Object.defineProperty(this, 'req', { value: request })
    Object.defineProperty(this, 'id', { value: request.sessionID })
    if (typeof data !== 'object' || data === null) return
    for (const [key, value] of Object.entries(data)) {
      if (!(key in this)) Object.assign(this, { [key]: value })
    }
  }

  /** Starts the time of the cookie anew. The middleware does so at the end of each request. */
  touch(): this {
    return this.resetMaxAge()
  }

  /** As `touch`. */
  resetMaxAge(): this {
    const { originalMaxAge } = this.cookie
    if (originalMaxAge !== null) this.cookie.maxAge = originalMaxAge
    return this
  }

  /**
   * Saves what has been changed, merged key by key into what is stored by now. The middleware does so before the
   * response begins. What is saved to a session that has ended meanwhile is dropped, without an error.
   */
  save(callback?: Callback): this {
    const track = trackOf(this)
    if (track !== undefined) settle(track.save(), callback)
    else requestOf(this).sessionStore?.set(this.id, this, callback ?? ignore)
    return this
  }

  /** Reads the session again: `req.session` is another object then. An error when it has ended. */
  reload(callback: Callback): this {
    const request = requestOf(this)
    const track = trackOf(this)
    if (track !== undefined) {
      settle(track.reload(), callback)
      return this
    }
    request.sessionStore?.get(this.id, (error, data) => {
      if (error) return callback(error)
      if (!data) return callback(new Error('failed to load session'))
      request.sessionStore?.createSession(request, data)
      callback()
    })
    return this
  }

  /** Ends the session, and takes it from the request. */
  destroy(callback?: Callback): this {
    const track = trackOf(this)
    const request = requestOf(this)
    delete request.session
    if (track !== undefined) settle(track.destroy(), callback)
    else request.sessionStore?.destroy(this.id, callback ?? ignore)
    return this
  }

  /** Ends the session and puts a new one in its place, with a new id and without data. */
  regenerate(callback: Callback): this {
    const track = trackOf(this)
    if (track !== undefined) settle(track.regenerate(), callback)
    else requestOf(this).sessionStore?.regenerate(requestOf(this), callback)
    return this
  }
}

function requestOf(session: Session): SessionHolder {
  return Reflect.get(session, 'req') as SessionHolder
}

/** Tells a callback how `work` has ended. What the callback throws is its own affair, and calls it no second time. */
export function settle(work: Promise<unknown>, callback: Callback = ignore): void {
  work.then(
    () => process.nextTick(callback),
    (error: unknown) => process.nextTick(callback, error),
  )
}

function ignore(): void {}
