import type { Handle } from './key.ts'
import type { Period } from './period.ts'

/**
 * What is published on each channel of `node:diagnostics_channel`, by the channel's name. Channels and fields are API.
 * No message carries a key, a secret, a hash of one, a value or a cookie; a handle is public and authorises nothing.
 */
export interface SessionEvents {
  'sojourn:session.created': SessionCreated
  'sojourn:session.read': SessionRead
  'sojourn:session.invalid': SessionInvalid
  'sojourn:session.written': SessionWritten
  'sojourn:session.touched': SessionTouched
  'sojourn:session.rotated': SessionRotated
  'sojourn:session.renewed': SessionRenewed
  'sojourn:session.confirmed': SessionConfirmed
  'sojourn:session.conflict': SessionConflicted
  'sojourn:session.refused': SessionRefused
  'sojourn:session.cleared': SessionCleared
  'sojourn:key.malformed': KeyMalformed
  'sojourn:key.rejected': KeyRejected
  'sojourn:key.reused': KeyReused
  'sojourn:cookie.duplicated': CookieDuplicated
  'sojourn:store.operation': StoreOperation
  'sojourn:store.fault': StoreFault
  'sojourn:store.swept': StoreSwept
}

/** The name of a channel. */
export type SessionEventName = keyof SessionEvents

/** Which session something happened to. */
export interface OfSession {
  /** Its public name; `undefined` on a backend with keys of its own form. */
  readonly handle: Handle | undefined
  /** Whom it belongs to, where that is known without asking the store. */
  readonly subject: string | undefined
}

/** A session was made. */
export interface SessionCreated extends OfSession {
  /** Seconds it lives without use. */
  readonly period: Period
}

/** A good key led to a live session. */
export interface SessionRead extends OfSession {
  /** `not_set`: it has no value, so the look-up found nothing to use. */
  readonly outcome: 'found' | 'not_set'
}

/** A live session's value could not be decoded, or no longer fits. */
export interface SessionInvalid extends OfSession {}

/** A value was written, or with `value: false` the expiry alone was moved. */
export interface SessionWritten extends OfSession {
  readonly value: boolean
  readonly version: number | undefined
}

/** A use extended the session. */
export interface SessionTouched extends OfSession {
  /** Seconds left after it. */
  readonly period: Period
}

/** The session has a new key, and the old one is dead: a login, or a change of privilege. */
export interface SessionRotated extends OfSession {
  /** Whether the subject has just authenticated. */
  readonly authenticated: boolean
  /** Whether the session was bound to `subject` in the same step. */
  readonly bound: boolean
}

/** A renewal has begun: there is a new key, and the old one stays good until that is seen. */
export interface SessionRenewed extends OfSession {}

/** The new key of a renewal was seen: the old one is good for the grace, and no longer. */
export interface SessionConfirmed extends OfSession {
  /** Milliseconds for which the old key stays good. */
  readonly graceMs: number
}

/** A write met a newer state and was not applied; `update` tries again, and each try is one event. */
export interface SessionConflicted extends OfSession {
  readonly operation: BackendOperation
}

/** A login was refused: the subject has as many sessions as it may. */
export interface SessionRefused extends OfSession {}

/** Sessions were ended: a logout, or an end by handle, by subject, of all, or because an old key came back. */
export interface SessionCleared extends OfSession {
  readonly by: 'key' | 'handle' | 'subject' | 'all' | 'reuse'
  /** How many were live; `undefined` where a hand-written backend did not say. */
  readonly count: number | undefined
}

/** A text that is shaped like no key came in its place. The store was not asked. */
export interface KeyMalformed {
  /** How long it is. */
  readonly length: number
}

/**
 * A well-formed key led nowhere. `unknown`: no live record has this handle – it has expired or ended, or is a guess.
 * `wrong_secret`: the session lives, but this is not its key. `not_found`: a hand-written backend said no more.
 */
export interface KeyRejected extends OfSession {
  readonly reason: 'unknown' | 'wrong_secret' | 'not_found'
}

/** The key before the current one came back after its grace: somebody may have stolen a copy. */
export interface KeyReused extends OfSession {
  /** Whether the session was ended for it. */
  readonly ended: boolean
}

/** A request brought several cookies of the session's name: other paths, other hosts, or an attack. */
export interface CookieDuplicated {
  /** How many there were. */
  readonly count: number
  /** How many of them were shaped like a key. */
  readonly wellFormed: number
}

/** What a backend is asked to do, by the name of its method. A `get` that confirms a renewal makes two calls. */
export type BackendOperation =
  | 'generate'
  | 'get'
  | 'set'
  | 'clear'
  | 'touch'
  | 'rotate'
  | 'renew'
  | 'list'
  | 'clearHandle'
  | 'clearSubject'
  | 'clearAll'
  | 'sweep'
  | 'migrate'

/** One call of the store has ended; on a hand-written backend, one of the backend. */
export interface StoreOperation {
  /** On whose behalf it was made. `rotate` under contention makes several. */
  readonly operation: BackendOperation
  /** Epoch milliseconds of its start, on this machine's clock. */
  readonly startedAtMs: number
  readonly durationMs: number
  readonly outcome: 'ok' | 'fault'
}

/** The store failed, gave no usable answer, or gave none in time. Once for each `BackendError`. */
export interface StoreFault {
  readonly operation: BackendOperation
  /** The message of the `BackendError`. */
  readonly message: string
  /** The `code` of what the driver threw, if it has one: `ECONNREFUSED`, `40001`. Never its message. */
  readonly causeCode: string | undefined
}

/** Expired records were removed. */
export interface StoreSwept {
  readonly removed: number
  readonly durationMs: number
}
