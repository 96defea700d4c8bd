import type { Assurance } from '../core/assurance.ts'
import type { Authentication } from '../core/authentication.ts'
import type { Handle } from '../core/key.ts'
import type { Period } from '../core/period.ts'
import type { PolicyDescription } from '../core/policy-description.ts'
import type { DeepReadonly, Given } from '../core/readonly.ts'
import type { Labels, SessionSummary } from '../core/session-backend.ts'
import type { Session } from '../core/session.ts'
import type { CookieAttributes } from '../http/cookie-options.ts'
import type { HeaderSource } from '../http/header-source.ts'

/** What a look-up found. */
export type Lookup<V, Reason extends string = LookupReason> =
  | { readonly ok: true; readonly session: Session<V> }
  | { readonly ok: false; readonly reason: Reason }

/**
 * Why there is no session: `not_found` (never made, cleared, expired, malformed), `not_set` (live, but
 * without a value), `invalid` (live, but its value no longer decodes or fits).
 */
export type LookupReason = 'not_found' | 'not_set' | 'invalid'

/** Options of `generate`. */
export interface GenerateSessionOptions extends Authentication {
  /** Seconds to live without use, 1 to 400 days; clamped at the absolute lifetime. Default: the backend's. */
  readonly expiry?: Period | undefined
  /** Whom the session belongs to. Given here, it counts as authenticated now; only then is there an `assurance`. */
  readonly subject?: string | undefined
  /** Shown by `list`: a device name, a place. */
  readonly labels?: Labels | undefined
}

/** Options of `fromHeadersOrCreate`. */
export interface CreateOptions extends GenerateSessionOptions {
  /** `create` ends a session whose value no longer decodes or fits, and makes a new one. Default: reject. */
  readonly onInvalid?: 'reject' | 'create' | undefined
}

/** What `set` changes. */
export interface SetChange<I> {
  /** The new value. Left out, the stored value is neither read nor rewritten; undefined is a `TypeError`. */
  readonly value?: Given<I>
  /** Seconds to live from now without use. Default: the backend's default period, as in the original. */
  readonly expiry?: Period | undefined
}

/** The function that an `update` applies: what to store in place of `value`, or `undefined` for nothing. */
export type Change<Value, I> = (
  value: Value,
) => Given<I> | undefined | PromiseLike<Given<I> | undefined>

/** Options of `update`. */
export interface UpdateOptions {
  /**
   * Seconds to live from now without use. Default: the session's own period, started anew; a backend with only
   * the five operations does not know it, and keeps what was left of it when the session was loaded.
   */
  readonly expiry?: Period | undefined
  /** Accepts that a backend without versions cannot tell conflicts: the last write wins. Default: false. */
  readonly unversioned?: boolean | undefined
}

/** Options of `rotate`. */
export interface RotateSessionOptions extends Authentication {
  /**
   * The user has just authenticated: sets `authenticatedAt`, starts the absolute lifetime anew. Only then may there be
   * an `assurance` or an `absolute`. Default: false.
   */
  readonly authenticated?: boolean | undefined
  readonly labels?: Labels | undefined
}

/** Options of `bind`. */
export interface BindSessionOptions<V = unknown, I = V> extends Authentication {
  /** Shown by `list`: a device name, a place. Default: as before. */
  readonly labels?: Labels | undefined
  /**
   * What becomes of the value of a session that is not `subject`'s yet: `(visit) => ({ cart: visit.cart })` keeps the
   * cart and nothing else. It is called before the login, where what it throws changes nothing, and again, on the value
   * as it is then, if another request has written meanwhile; so it should do nothing but compute, and what it needs of
   * the user is read beforehand. It costs a write of its own after the login: no write that was confirmed under the
   * old key is lost, later ones reject. Should that write fail, `bind` rejects and the session is at its end; its key
   * has been given to nobody. `undefined` is a `TypeError`. Default: the value stays as it is.
   */
  readonly carryOver?: ((value: DeepReadonly<V>) => Given<I> | PromiseLike<Given<I>>) | undefined
}

/** One session of a list. */
export interface ListedSession extends SessionSummary {
  /** Whether it is the one that asks. */
  readonly current: boolean
}

/** Options of `requireRecentAuthentication`. */
export interface RecentAuthenticationOptions {
  /** What that authentication must have been worth at least. Default: anything. */
  readonly assurance?: Assurance | undefined
}

/** Attributes of one header, beside the manager's own. */
export interface CookieHeaderOptions extends CookieAttributes {
  /** Leaves out `Max-Age`, so that the cookie ends with the browser session. Default: false. */
  readonly discard?: boolean | undefined
}

/** A response header: `Set-Cookie` and `Vary` to append to what is there, `Cache-Control` to put in its place. */
export type HeaderField = [name: string, value: string]

/**
 * Sessions of one backend under one cookie: the original's `Make(Backend)`.
 *
 * Every method that asks the backend rejects with `BackendError` when the backend fails: an outage is
 * never a missing session, a new session or a done logout. A write that rejects leaves the session
 * object as it was. On a backend with the five basic operations alone, `touch`, `rotate`, `renew`, `bind`,
 * `list`, `clearHandle`, `clearSubject` and `clearAll` reject with `UnsupportedOperationError`. What a stateless backend
 * cannot do, `clear` of a copied cookie above all, is in its own type and documentation.
 */
export interface SessionManager<V = unknown, I = V> {
  /** The session of `key`, as `of_key`. One read; never extends the session. */
  fromKey(key: string): Promise<Lookup<V>>

  /**
   * The session that the request's cookie names, as `of_header`; `no_cookie` when it has none. Of several
   * cookies of that name, malformed ones are skipped and the rest tried in header order, each only
   * after `not_found` for the one before, four at the most.
   */
  fromHeaders(headers: HeaderSource): Promise<Lookup<V, LookupReason | 'no_cookie'>>

  /**
   * The session that the request's cookie names, or a new one with `value`, as `of_header_or_create`.
   * A live session without a value is ended first. The options are not applied to a session found.
   *
   * @throws InvalidValueError when the stored value no longer decodes or fits, unless `onInvalid` is `create`.
   */
  fromHeadersOrCreate(
    headers: HeaderSource,
    value: Given<I>,
    options?: CreateOptions,
  ): Promise<Session<V>>

  /**
   * Makes a session. The cookie goes out with `toCookieHeaders`.
   *
   * @throws TypeError when `value` is undefined.
   * @throws InvalidValueError when `value` does not fit the schema, the codec cannot encode it, or subject or labels are no text.
   * @throws SchemaFaultError when the schema throws.
   * @throws InvalidPeriodError when `expiry` is out of range.
   * @throws SubjectLimitError when the subject has as many sessions as the backend's policy allows.
   */
  generate(value: Given<I>, options?: GenerateSessionOptions): Promise<Session<V>>

  /**
   * Writes a value, the expiry, or both, if nobody else has changed the value since it was loaded. Moving
   * the expiry alone never conflicts.
   *
   * @throws TypeError when `value` is given and undefined: that is a write about to be lost.
   * @throws InvalidValueError and SchemaFaultError as `generate` does.
   * @throws SessionConflictError when the value has changed; load again, or use `update`.
   * @throws SessionGoneError when the session was cleared or has expired.
   */
  set(session: Session<V>, change: SetChange<I>): Promise<void>

  /**
   * Writes `fn(value)`, on the value as it is at that moment: on a conflict it reads again and calls `fn`
   * again, so `n` parallel increments give `n`. `fn` gets a copy that is read-only and returns a new value; it may be
   * async, and must not write to the same session itself. `undefined` writes nothing. Resolves to the value stored.
   *
   * @throws InvalidValueError when the value no longer decodes or fits; else it and SchemaFaultError as `generate` does.
   * @throws SessionConflictError when it still conflicts at the deadline.
   * @throws SessionGoneError when the session was cleared or has expired.
   * @throws UnsupportedOperationError on a backend without versions, unless `unversioned`.
   */
  update(
    session: Session<V>,
    fn: Change<DeepReadonly<V>, I>,
    options?: UpdateOptions,
  ): Promise<DeepReadonly<V>>

  /**
   * Ends the session. Its object then shows no value and a period of 0; later writes on it reject with
   * `SessionGoneError`; clearing again does nothing new. Does not wait for writes under way: they fail.
   */
  clear(session: Session<V>): Promise<void>

  /**
   * Ends whatever session the request's cookie names, readable or not, without reading it; false when there is
   * no such cookie. Send `clearHeaders` with it.
   */
  clearFromHeaders(headers: HeaderSource): Promise<boolean>

  /** Makes the touch that was due when the session was loaded, if any. True when the expiry has moved. */
  touch(session: Session<V>): Promise<boolean>

  /**
   * Gives the session a new key: at a change of privilege (ASVS 7.2.4). The old one is dead at once.
   *
   * @throws SessionGoneError when the session is gone, or another request has rotated it.
   * @throws InvalidValueError when it is an authentication without `assurance`, of a session that has one.
   */
  rotate(session: Session<V>, options?: RotateSessionOptions): Promise<void>

  /**
   * Gives the session a new key from time to time: the old one stays good until the new one is first looked up, and
   * then for the backend's `renewGrace`. So requests under way go on, parallel calls give the same key, and a response
   * that is lost logs nobody out. Timeouts and `authenticatedAt` stay; at a login or a change of privilege use `bind` or
   * `rotate`.
   *
   * Where the backend has `renewAfter`, it makes the renewal that was due when the session was loaded, if any: call it
   * after each load, as `touch`. Elsewhere it makes one whenever it is called, and whoever calls it must answer for all
   * responses under way: one of a request that loaded the session before, and writes to it, sets the old key again,
   * which then dies with the grace.
   *
   * True when the session has another key now; false where none was due, and within the grace of the last renewal, when
   * there is nothing to renew.
   *
   * @throws SessionGoneError when the session is gone, or another request has rotated it.
   */
  renew(session: Session<V>): Promise<boolean>

  /**
   * Rotates the session and makes it `subject`'s, authenticated now: at login.
   *
   * @throws what `rotate` throws, and SubjectLimitError as `generate` does.
   */
  bind(session: Session<V>, subject: string, options?: BindSessionOptions<V, I>): Promise<void>

  /**
   * Asks for an authentication less than `seconds` ago, before a sensitive step (ASVS 7.5.1, 7.5.3). Both moments are of
   * the backend's clock: the one when it told of the session, to which the time that has passed here since is added.
   * No call is made, and nothing is changed. Where it rejects, let the user prove again who they are and then call
   * `rotate(session, { authenticated: true })` or `bind`: that starts the `seconds` anew, and the absolute lifetime.
   *
   * A moment in the future counts as one as far in the past: it is of a clock that has been set back, or of another
   * server of a stateless backend.
   *
   * @throws AuthenticationRequiredError when there is no session, nobody has logged in, too long ago, or at a lower level
   *   than asked for.
   * @throws SessionGoneError when the session has been cleared through this object.
   * @throws InvalidPeriodError when `seconds` is not a whole number from 1 to 400 days.
   * @throws TypeError for an option that is not one of these.
   */
  requireRecentAuthentication(
    session: Session<V> | undefined,
    seconds: Period,
    options?: RecentAuthenticationOptions,
  ): Promise<void>

  /** The live sessions of `subject`, oldest first: handles, never keys. `current` is the one to be marked as such. */
  list(
    subject: string,
    options?: { current?: Session<V> | Handle | undefined },
  ): Promise<readonly ListedSession[]>

  /** Ends the session with this handle; false when there was none. Check first that it is the user's own. */
  clearHandle(handle: string): Promise<boolean>

  /** Ends every session of `subject` but `except`; returns how many. */
  clearSubject(
    subject: string,
    options?: { except?: Session<V> | Handle | undefined },
  ): Promise<number>

  /** Ends every session of the backend; returns how many. */
  clearAll(): Promise<number>

  /**
   * The response headers that tell the client about the session: `Set-Cookie` and `Cache-Control: no-store`
   * if it was modified, and always `Vary: Cookie`. A cleared session evicts the cookie, `discard` or
   * not.
   *
   * @throws InvalidCookieError when the options break a rule of cookies.
   */
  toCookieHeaders(session: Session<V>, options?: CookieHeaderOptions): HeaderField[]

  /** The response headers that make the client drop the session cookie. */
  clearHeaders(options?: CookieAttributes): HeaderField[]

  /**
   * The backend's policy as plain data, for a log or a review: timeouts, profile, sessions for each subject, renewal.
   *
   * @throws UnsupportedOperationError on a backend with the five basic operations alone.
   */
  describePolicy(): PolicyDescription
}
