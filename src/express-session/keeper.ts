import type { TouchDue } from '../core/session-backend.ts'
import type { Cookie } from './cookie.ts'
import type { Session } from './session.ts'
import type { Secret } from './signature.ts'
import type { Change, Texts } from './texts.ts'

/** A session id that a client has sent, and the secret that has signed it. */
export interface SentId {
  readonly sid: string
  /** Left out for an id that did not come from a cookie. */
  readonly secret?: Secret | undefined
}

/** A session as it was kept when last read or written. */
export interface Kept {
  /** The id under which it is kept from now on: not always the one that it was found by. */
  readonly sid: string
  readonly texts: Texts
  readonly cookie: Cookie
  /** There on backends. */
  readonly version?: number | undefined
  readonly touchDue?: TouchDue | undefined
}

/** The changes to save, and the cookie with them. */
export interface Draft {
  readonly change: Change
  readonly cookie: Cookie
  /** Whether the application has changed the cookie. Else a newer one of another request stays. */
  readonly cookieChanged: boolean
}

/** Where sessions are kept: on a backend, in a store of express-session, or in both on the way from one to the other. */
export interface Keeper {
  /** A new id, which nothing is kept under yet. */
  draw(request: object): string
  find(sent: SentId): Promise<Kept | undefined>
  create(sid: string, texts: Texts, cookie: Cookie): Promise<Kept>
  /** Merges the changes into what is kept now; `undefined`, and nothing is written, when that has ended. */
  save(kept: Kept, draft: Draft): Promise<Kept | undefined>
  /** Keeps the session from ending for want of use; `undefined` when that is not due. */
  touch(kept: Kept, session: Session): Promise<void> | undefined
  /** Ends the session. Nothing that is under way brings it back. */
  destroy(sid: string): Promise<void>
  /** Ends all sessions. */
  clear(): Promise<void>
  /** Whether a session that nobody has changed is to be saved in place of touched, where `resave` says so. */
  readonly resaves: boolean
}
