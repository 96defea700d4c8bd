import type { Backend, Found, GenerateOptions, Missed, SetOptions, SetResult } from './backend.ts'
import type { Extra } from './extra.ts'
import type { Handle, Key } from './key.ts'
import type { Period } from './period.ts'

/** Text shown beside a session in a list: a device name, a place. Never a secret. */
export type Labels = Readonly<Record<string, string>>

/** What is known of a session beside its value. Nothing in it is secret. */
export interface SessionFacts {
  /** There where the key does not tell it: on a stateless backend. */
  readonly handle?: Handle | undefined
  readonly createdAtMs: number | undefined
  readonly subject: string | undefined
  readonly authenticatedAtMs: number | undefined
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
}

/** Options of `SessionBackend.generate`. */
export interface SessionGenerateOptions extends GenerateOptions {
  /** Whom the session belongs to. Given at creation, it counts as authenticated now. */
  readonly subject?: string | undefined
  readonly labels?: Labels | undefined
  /** Called before `generate` returns, with what `get` would report. */
  readonly onCreated?: ((facts: SessionFacts & { readonly period: Period }) => void) | undefined
}

/** Options of `SessionBackend.set`. */
export interface SessionSetOptions extends SetOptions {
  /** Where `expiry` is not given: start the session's own period anew instead of the default one. */
  readonly keepPeriod?: boolean | undefined
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
export interface RotateOptions {
  /** The user has just proved who they are: sets `authenticatedAtMs` and starts the absolute lifetime anew. */
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

  generate(options?: SessionGenerateOptions): Promise<Key>
  get(key: string): Promise<SessionFound | Missed>
  set(key: string, value: string | undefined, options?: SessionSetOptions): Promise<SetResult>
  /** As `Backend.clear`. */
  clear(key: string, options?: ClearOptions): Promise<void>

  /** Makes a due touch. False when the session is gone or somebody else has moved its expiry. */
  touch(key: string, due: TouchDue): Promise<boolean>

  /** Gives the session a new secret; the old key is dead at once. `conflict` after endless contention. */
  rotate(key: string, securityVersion: number, options?: RotateOptions): Promise<RotateResult>

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
export interface StatelessBackend extends Omit<SessionBackend, 'get' | 'touch' | 'maxKeyLength'> {
  /** How many characters a key has at the most. */
  readonly maxKeyLength: number

  get(key: string): Promise<StatelessFound | Missed>

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
