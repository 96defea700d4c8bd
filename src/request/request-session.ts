import type { Period } from '../core/period.ts'
import type { DeepReadonly, Given } from '../core/readonly.ts'
import type { Session } from '../core/session.ts'
import type {
  BindSessionOptions,
  Change,
  GenerateSessionOptions,
  HeaderField,
  RecentAuthenticationOptions,
  RotateSessionOptions,
  SessionManager,
  UpdateOptions,
} from '../manager/session-manager.ts'

/** The part of a response that a `RequestSession` writes to: its headers, while they can be written. */
export interface ResponseHead {
  /** Whether the headers are gone. */
  sent(): boolean
  /**
   * Puts session headers on the response: `Vary` and `Set-Cookie` beside what is there, but in place of
   * what an earlier call put there; `Cache-Control` in place of what was there.
   */
  write(fields: readonly HeaderField[]): void
}

/** Options of a request's session. */
export interface RequestSessionOptions {
  /** Sends the cookie without `Max-Age`, so that it ends with the browser session. Default: false. */
  readonly discard?: boolean | undefined
  /** `create` treats a session whose value no longer decodes or fits as missing. Default: reject. */
  readonly onInvalid?: 'reject' | 'create' | undefined
}

/**
 * One request's view of its session: the original's webmachine manager, with its faults fixed.
 *
 * Nothing is read before the first call. The first read is remembered, and makes the touch and the renewal that are due.
 * A write is awaited where it is made, and puts its headers on the response at once; when it rejects, no
 * header has been written. Writes reject with `HeadersSentError`, before anything is stored, once the
 * headers are gone. A fault of the backend rejects, and is not remembered.
 *
 * The session is looked up at the first call. Work that belongs to the session the request came with calls `load`
 * before it waits for anything else: a logout meanwhile then makes its write reject with `SessionGoneError`,
 * where a first call after the logout would find no session and make a new one.
 */
export interface RequestSession<V = unknown, I = V> {
  /** The session, or `undefined`: no cookie, a dead one, a session without a value, or cleared in this request. */
  load(): Promise<Session<V> | undefined>

  /** The session, or a new one with `value`. The options are not applied to a session found. */
  loadOrCreate(value: Given<I>, options?: GenerateSessionOptions): Promise<Session<V>>

  /** Sets the value of the session, or makes a new one with it. Throws as `SessionManager.set` does. */
  set(value: Given<I>, options?: { expiry?: Period | undefined }): Promise<Session<V>>

  /**
   * Writes `fn(value)` atomically, as `SessionManager.update` does. Where there is no session, `fn` gets
   * `undefined`, and what it returns makes one. Resolves to the value stored, if any.
   */
  update(
    fn: Change<DeepReadonly<V> | undefined, I>,
    options?: UpdateOptions,
  ): Promise<DeepReadonly<V> | undefined>

  /** Ends the session, readable or not, and evicts its cookie. Without one it does nothing. */
  clear(): Promise<void>

  /** Gives the session a new key. Without one it does nothing. Throws as `SessionManager.rotate` does. */
  rotate(options?: RotateSessionOptions): Promise<void>

  /**
   * Logs `subject` in: binds the session, with what it holds, or what `carryOver` makes of that, under a new key. Then
   * `value` is not used. Where there is none, or one of another subject, which is ended first, it makes one with `value`.
   * Throws as `SessionManager.bind` does.
   */
  bind(subject: string, value: Given<I>, options?: BindSessionOptions<V, I>): Promise<Session<V>>

  /**
   * The session, if its user authenticated less than `seconds` ago. It is loaded first; then this throws as
   * `SessionManager.requireRecentAuthentication` does.
   */
  requireRecentAuthentication(
    seconds: Period,
    options?: RecentAuthenticationOptions,
  ): Promise<Session<V>>
}

/** The type of a request's session of a manager, for where frameworks are told what their requests carry. */
export type RequestSessionOf<M> =
  M extends SessionManager<infer V, infer I> ? RequestSession<V, I> : never
