import type { Backend, Found, GenerateOptions, Missed, SetOptions, SetResult } from './backend.ts'
import type { Authentication } from './authentication.ts'
import type { Extra } from './extra.ts'
import type { Handle, Key } from './key.ts'
import type { Period } from './period.ts'
import type { PolicyDescription } from './policy-description.ts'

/** Text shown beside a session in a list: a device name, a place. Never a secret. */
export type Labels = Readonly<Record<string, string>>

/** What is known of a session beside its value. Nothing in it is secret. */
export interface SessionFacts {
  /** There where the key does not tell it: on a stateless backend. */
  readonly handle?: Handle | undefined
  readonly createdAtMs: number | undefined
  readonly subject: string | undefined
  readonly authenticatedAtMs: number | undefined
  /** The clock that the other times are of, when it told them. */
  readonly nowMs: number
  readonly labels: Labels
  /** Names the state of key, subject and labels, as `version` names the state of the value. */
  readonly securityVersion: number
  /** What the policy keeps beside key, subject and labels, for calls that change one of these. */
  readonly extra?: Extra | undefined
}

/** The move of the expiry that a use of the session calls for, in the store's epoch milliseconds. */
export interface TouchDue {
  readonly fromMs: number
  readonly toMs: number
  /** Seconds left after it. */
  readonly period: Period
}

/** A live session of a `SessionBackend`. */
export interface SessionFound extends Found {
  readonly version: number
  readonly facts: SessionFacts
  /** There when this use should extend the session. */
  readonly touchDue?: TouchDue | undefined
  /** There when the session is to be used under another key than the one asked for: with `renewal: 'again'`. */
  readonly key?: Key | undefined
  readonly renewal?: Renewal | undefined
}

/**
 * How far a key is from the end of its time. It is `due` for `renew` by the policy, or will be within the grace
 * (`near`), or was followed by another that the client has (`over`): then no cookie should be set with it any more. A
 * response that did so late, beside one that set its successor, would leave the client with a key about to die. Or
 * it was followed by another that no client has sent yet: that one is to be set `again`.
 */
export type Renewal = 'near' | 'due' | 'over' | 'again'

/** Options of `SessionBackend.get`. */
export interface GetOptions {
  /** False for a key that no client has sent yet: reading it then confirms no renewal. Default: true. */
  readonly seen?: boolean | undefined
}

/** Options of `SessionBackend.generate`. */
export interface SessionGenerateOptions extends GenerateOptions, Authentication {
  /** Whom the session belongs to. Given at creation, it counts as authenticated now; only then is there an `assurance`. */
  readonly subject?: string | undefined
  readonly labels?: Labels | undefined
  /**
   * The key, drawn by `generateKey` before the session is made, or derived from a secret of as many bits. Where its
   * record id is taken, `generate` rejects with `SessionConflictError`. Default: a new key.
   */
  readonly key?: Key | undefined
  /** Called before `generate` returns, with what `get` would report. */
  readonly onCreated?: ((facts: SessionFacts & { readonly period: Period }) => void) | undefined
}

/** Options of `SessionBackend.set`. */
export interface SessionSetOptions extends SetOptions {
  /** Where `expiry` is not given: start the session's own period anew instead of the default one. */
  readonly keepPeriod?: boolean | undefined
  /**
   * `facts.extra`, as reported for this key at any time. Where values are sealed, a write of one without it, or without
   * `version`, reads the session first: one more call, and again on contention.
   */
  readonly extra?: Extra | undefined
}

/** Options of `SessionBackend.clear`. */
export interface ClearOptions {
  /**
   * The key was good when the caller read the session. Then it ends whatever has been rotated since: a logout
   * loses to nothing. Default: the key must be the current or the previous one.
   */
  readonly verified?: boolean | undefined
}

/** Options of `SessionBackend.rotate`. */
export interface RotateOptions extends Authentication {
  /**
   * The user has just proved who they are: sets `authenticatedAtMs` and starts the absolute lifetime anew. Only then
   * may there be an `assurance` or an `absolute`.
   */
  readonly authenticated?: boolean | undefined
  readonly subject?: string | undefined
  readonly labels?: Labels | undefined
  /** `facts.extra`, as reported together with that `securityVersion`. Left out, it is read first: one more call. */
  readonly extra?: Extra | undefined
}

/** What `rotate` did. */
export type RotateResult =
  | {
      readonly ok: true
      readonly key: Key
      readonly period: Period
      readonly securityVersion: number
      readonly authenticatedAtMs: number | undefined
      /** The clock that this is of, when it told it. */
      readonly nowMs: number
      readonly extra?: Extra | undefined
    }
  | { readonly ok: false; readonly reason: 'not_found' | 'conflict' }

/** What `renew` did. */
export type RenewResult =
  | {
      readonly ok: true
      /** The new key; or the one that was given, where it was not to be renewed. */
      readonly key: Key
      readonly period: Period
      readonly securityVersion: number
      readonly extra?: Extra | undefined
    }
  | { readonly ok: false; readonly reason: 'not_found' | 'conflict' }

/** One session of a subject, as shown to that subject. Never a key. */
export interface SessionSummary {
  readonly handle: Handle
  readonly createdAt: Date
  /**
   * The last use that moved the expiry, never later than the last use. Touches are throttled, so it may lag by
   * `min(period/2, max(60 s, period/20))`; and it stands still once the expiry has reached the absolute deadline.
   */
  readonly lastSeenAt: Date
  readonly expiresAt: Date
  readonly authenticatedAt: Date | undefined
  readonly labels: Labels
}

/** A `Backend` with the whole lifecycle: what `createBackend` makes of a `Store`. */
export interface SessionBackend extends Backend {
  /** Seconds that a session lives at the most, whatever its use. */
  readonly absolutePeriod: Period

  /** Seconds after which a key is due for `renew`, if the policy says so. `get` reports which ones are. */
  readonly renewAfter?: Period | undefined

  /** The policy as plain data, as it is now. */
  describePolicy(): PolicyDescription

  generate(options?: SessionGenerateOptions): Promise<Key>

  /**
   * As `Backend.get`. The first time that it is asked for the new key of a `renew`, it makes one call more, which
   * starts the old key's grace. With `onReuse: 'end'`, it ends a session whose old key comes back after that.
   */
  get(key: string, options?: GetOptions): Promise<SessionFound | Missed>
  set(key: string, value: string | undefined, options?: SessionSetOptions): Promise<SetResult>
  /** As `Backend.clear`. */
  clear(key: string, options?: ClearOptions): Promise<void>

  /** Makes a due touch. False when the session is gone or somebody else has moved its expiry. */
  touch(key: string, due: TouchDue): Promise<boolean>

  /** Gives the session a new secret; the old key is dead at once. `conflict` after endless contention. */
  rotate(key: string, securityVersion: number, options?: RotateOptions): Promise<RotateResult>

  /**
   * Gives the session a new key, and keeps the old one good until `get` has seen the new one and then for the policy's
   * `renewGrace`. Until it is seen, a further call under the old key gives the same new key: parallel calls agree, and
   * a response that is lost costs nothing. Within the grace there is nothing to renew, under either key, and the
   * result is the key that was given. Neither timeout moves, nor does `authenticatedAtMs`.
   *
   * A read and a conditional write of the store, again on contention; `conflict` after endless contention. When it
   * rejects, the old key is as good as before.
   */
  renew(key: string): Promise<RenewResult>

  /** The live sessions of `subject`, oldest first. */
  list(subject: string): Promise<readonly SessionSummary[]>

  /** Ends the session with this handle; false when there was none. For "sign out that device". */
  clearHandle(handle: string): Promise<boolean>

  /** Ends every session of `subject` but `except`; returns how many. */
  clearSubject(subject: string, except?: Handle): Promise<number>

  /** Ends every session; returns how many. */
  clearAll(): Promise<number>

  /** Removes expired records, looking at `limit` of them at the most; returns how many. Default: 1,000. */
  sweep(limit?: number): Promise<number>
}

/** A live session of a `StatelessBackend`. It has no version, since nobody could compare it with another one. */
export interface StatelessFound extends Omit<SessionFound, 'version'> {
  readonly version?: undefined
}

/**
 * A backend without a store: the key is the session itself, sealed, and every write makes a new one. What it cannot
 * do rejects with `UnsupportedOperationError`.
 */
export interface StatelessBackend extends Omit<
  SessionBackend,
  'get' | 'touch' | 'renew' | 'maxKeyLength'
> {
  /** How many characters a key has at the most. */
  readonly maxKeyLength: number

  get(key: string, options?: GetOptions): Promise<StatelessFound | Missed>

  /** Makes a due touch: the key from now on, or false when the session is gone. */
  touch(key: string, due: TouchDue): Promise<Key | false>
}

/** Tells a `SessionBackend` from a hand-written one with the five operations, and from a stateless one. */
export function isSessionBackend(backend: Backend): backend is SessionBackend {
  return hasLifecycle(backend) && backend.maxKeyLength === undefined
}

/** Tells a backend with the operations of the lifecycle, stateless or not. */
export function hasLifecycle(backend: Backend): backend is SessionBackend | StatelessBackend {
  return 'touch' in backend && 'rotate' in backend && 'clearHandle' in backend
}
