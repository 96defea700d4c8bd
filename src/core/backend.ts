import type { Key } from './key.ts'
import type { Period } from './period.ts'

/** A result, or a promise of it: a synchronous backend needs no lifting (the original's `Lift`). */
export type Awaitable<T> = T | PromiseLike<T>

/** A live session with a value. */
export interface Found {
  readonly ok: true
  /** Exactly the text that was set. */
  readonly value: string
  /** Whole seconds left now, rounded up; at least 1. */
  readonly period: Period
  /** Changes at each change of the value. A backend that leaves it out has no conditional writes. */
  readonly version?: number | undefined
}

/**
 * No session to use: `not_found` for a key that was never generated, was cleared or has expired;
 * `not_set` for a live one without a value. Expiry wins over `not_set`.
 */
export interface Missed {
  readonly ok: false
  readonly reason: 'not_found' | 'not_set'
}

/** Options of `generate`. */
export interface GenerateOptions {
  /** The first value. Default: none, so that `get` reports `not_set`. */
  readonly value?: string | undefined
  /** Seconds to live; 0 or less means born expired. Default: `defaultPeriod`. */
  readonly expiry?: Period | undefined
}

/** Options of `set`. */
export interface SetOptions {
  /** Seconds to live from now; 0 or less ends the session. Default: `defaultPeriod`. */
  readonly expiry?: Period | undefined
  /** The version that `get` reported: any other live version is a `conflict`. Default: any. */
  readonly version?: number | undefined
}

/** What `set` did. On `ok: false` nothing was changed. */
export type SetResult =
  | {
      readonly ok: true
      /** The version now. */
      readonly version?: number | undefined
      /** Seconds left now, where the backend gave less than it was asked for. */
      readonly period?: Period | undefined
      /** The key from now on, of a backend whose keys change with each write. */
      readonly key?: Key | undefined
    }
  | { readonly ok: false; readonly reason: 'not_found' | 'conflict' }

/**
 * What a session manager needs of a backend: the original's five operations. Anyone may implement
 * them and plug them in; `backendContract` in `sojourn/testing` proves the result.
 *
 * A method may return its result or a promise of it. A fault of the store is thrown or rejected, in
 * any form, and must never look like `not_found`.
 */
export interface Backend {
  /** The period used where `expiry` is not given. It may vary over time, so it may be a getter. */
  readonly defaultPeriod: Period

  /**
   * There on a stateless backend: its key is the session itself, sealed, of so many characters at the most. Each write
   * then makes a new key, which its result carries, and a manager spreads a key over up to four cookies. Left out, a
   * key stays what it is, and is one cookie.
   */
  readonly maxKeyLength?: number | undefined

  /**
   * True on a backend that publishes the events of its sessions itself, as those of `createBackend` do. Left out, the
   * manager publishes them, as far as the answers tell.
   */
  readonly publishesEvents?: boolean | undefined

  /** Makes a session under a new key, which nobody can guess and nobody holds already. */
  generate(options?: GenerateOptions): Awaitable<Key>

  /** The live session of `key`. Any string may be asked for; what is no key is `not_found`. */
  get(key: string): Awaitable<Found | Missed>

  /**
   * Sets the value of a live session and moves its expiry; with `value` undefined, moves the expiry
   * alone and neither reads nor rewrites the value. It **never creates**: a key that was cleared, has
   * expired or was never generated is `not_found`. The check and the write are one atomic step.
   */
  set(key: string, value: string | undefined, options?: SetOptions): Awaitable<SetResult>

  /** Removes the session. Later calls behave as if `key` had never been generated; an unknown key is fine. */
  clear(key: string): Awaitable<void>
}
