import type { Awaitable } from './backend.ts'
import type { Handle, SecretHash } from './key.ts'

/** Who may use a record, since when, and for whom. It changes apart from the value. */
export interface SecurityPart {
  /** The hash of the secret that is good now. */
  readonly secretHash: SecretHash
  /** The hash of the secret before it, or `null`. */
  readonly previousHash: SecretHash | null
  /** Until when the previous secret is good; `null` with a previous hash means until further notice. */
  readonly previousUntilMs: number | null
  /** Whom the session belongs to, or `null`. Indexed: `list` and `deleteSubject` go by it. */
  readonly subject: string | null
  /** When the subject last proved who it is, or `null`. */
  readonly authenticatedAtMs: number | null
  /** Text of the policy's, opaque to the store: what `list` shows beside each session. */
  readonly labels: string | null
  /** Text of the policy's, opaque to the store and not listed: wrapped data keys, a device key. */
  readonly extra: string | null
}

/** A live record as read. */
export interface StoredRecord {
  readonly recordId: Handle
  /** Opaque text, or `null` for not set. */
  readonly value: string | null
  /** 1 at creation, one more at each change of the value. */
  readonly version: number
  /** How long the record lives from its last use. */
  readonly idleMs: number
  readonly createdAtMs: number
  /** From this moment on the record is gone. Never past `deadlineMs`. */
  readonly expiresAtMs: number
  /** The absolute end, moved only by `authenticated` in `updateSecurity`. */
  readonly deadlineMs: number
  readonly security: SecurityPart
  /** 1 at creation, one more at each change of the security part. */
  readonly securityVersion: number
  /** The store's clock when it read the record. */
  readonly nowMs: number
}

/** A record in a list: everything but the value and the opaque `extra`, and no hashes. */
export interface ListedRecord {
  readonly recordId: Handle
  readonly idleMs: number
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly deadlineMs: number
  readonly authenticatedAtMs: number | null
  readonly labels: string | null
}

/** A record to create. Spans are relative: the store adds them to its own clock. */
export interface NewRecord {
  readonly recordId: Handle
  readonly value: string | null
  /** May be 0 or less: the record is then born expired. */
  readonly idleMs: number
  readonly absoluteMs: number
  readonly secretHash: SecretHash
  readonly subject: string | null
  /** Sets `authenticatedAtMs` to the creation time. */
  readonly authenticated: boolean
  readonly labels: string | null
  readonly extra: string | null
}

/** A bound on the live sessions of the subject that a step names, checked in the same atomic step. */
export interface SubjectLimit {
  /** How many live sessions the subject may have after the step; at least 1. Default: no bound. */
  readonly maxPerSubject?: number | undefined
  /**
   * What to do beyond it: refuse the step (`limit`) unless the record is the subject's already, or delete the
   * oldest of the others. Default: refuse.
   */
  readonly atLimit?: 'refuse' | 'evict_oldest' | undefined
}

/** A change of the value part. */
export interface RecordChange {
  /** A new value (`null`: not set). Left out, value and version stay as they are. */
  readonly value?: string | null | undefined
  /** A new idle span, 0 or less to end the record. Left out, the record's own starts anew. */
  readonly idleMs?: number | undefined
}

/** A change of the security part. What is left out stays. */
export interface SecurityChange {
  readonly secretHash?: SecretHash | undefined
  /**
   * The secret that stays good beside it: for `graceMs` from now, or with `null` until further notice. With 0 it is
   * good for no write whatever the clock does: `previousUntilMs` is then 0, so that a clock set back revives nothing.
   */
  readonly previous?:
    | { readonly hash: SecretHash; readonly graceMs: number | null }
    | null
    | undefined
  readonly subject?: string | null | undefined
  /** Sets `authenticatedAtMs` to now, the deadline to `absoluteMs` from now, and starts the idle span anew. */
  readonly authenticated?: { readonly absoluteMs: number } | undefined
  readonly labels?: string | null | undefined
  readonly extra?: string | null | undefined
}

/** When a record was made and how long it lives, on the store's clock. */
export interface Created {
  readonly ok: true
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

/** What `update` did. `conflict`: live, but at another version. `gone`: absent, expired or not authorised. */
export type UpdateResult =
  | {
      readonly ok: true
      readonly version: number
      readonly expiresAtMs: number
      readonly nowMs: number
    }
  | { readonly ok: false; readonly reason: 'conflict' | 'gone' }

/** What `updateSecurity` did. `limit`: the new subject has as many sessions as it may. */
export type UpdateSecurityResult =
  | {
      readonly ok: true
      readonly securityVersion: number
      readonly expiresAtMs: number
      readonly authenticatedAtMs: number | null
      readonly nowMs: number
    }
  | { readonly ok: false; readonly reason: 'conflict' | 'gone' | 'limit' }

/**
 * What the author of an engine implements: dumb, atomic, without policy. `createBackend` turns it
 * into a `SessionBackend`; `storeContract` in `sojourn/testing` proves it.
 *
 * - Each operation is **one atomic step in the engine**, never a read and then a write.
 * - Each store has one clock, stated in its documentation. A record is gone from the moment its
 *   clock reaches `expiresAtMs`, whether or not a sweep has removed it.
 * - A write is *authorised* by the current secret hash, or by the previous one while that is good.
 * - Values, labels and extras are opaque strings without lone surrogates. They come back the same:
 *   `''`, U+0000 and a mebibyte too, and `''` is not `null`.
 * - A fault is thrown or rejected, in any form. It must never look like an absent record.
 */
export interface Store {
  /** Creates the record if none has its id (`exists` otherwise, even while that one is expired but unswept). */
  create(
    record: NewRecord,
    limit?: SubjectLimit,
  ): Awaitable<Created | { readonly ok: false; readonly reason: 'exists' | 'limit' }>

  /**
   * The live record, or `undefined`. An engine does not look at `secretHash`: it is for what stands before one and may
   * answer from memory, where that is good for this secret.
   */
  read(recordId: Handle, secretHash?: SecretHash): Awaitable<StoredRecord | undefined>

  /** Changes the value, the expiry or both of a live, authorised record; with `version`, only at that version. */
  update(
    recordId: Handle,
    secretHash: SecretHash,
    change: RecordChange,
    version?: number,
  ): Awaitable<UpdateResult>

  /**
   * Moves the expiry of a live, authorised record to `toMs` (at most the deadline), if it is still
   * `fromMs`. Nothing else changes. False when nothing was moved.
   */
  touch(recordId: Handle, secretHash: SecretHash, fromMs: number, toMs: number): Awaitable<boolean>

  /** Changes the security part of a live record at that `securityVersion`. Value and version stay. */
  updateSecurity(
    recordId: Handle,
    change: SecurityChange,
    securityVersion: number,
    limit?: SubjectLimit,
  ): Awaitable<UpdateSecurityResult>

  /**
   * Deletes the record; true if it was live. With `secretHash`, only if that is its current or its
   * previous secret, whether still good or not: a logout must not lose to a rotation beside it.
   */
  delete(recordId: Handle, secretHash?: SecretHash): Awaitable<boolean>

  /** The live records of `subject`, oldest first. */
  list(subject: string): Awaitable<readonly ListedRecord[]>

  /**
   * Deletes every record of `subject` but `except`; returns how many were live. It linearizes: a record
   * created for or bound to the subject before this step is dead after it, and whatever was being
   * done to it is `gone`.
   */
  deleteSubject(subject: string, except?: Handle): Awaitable<number>

  /** Deletes every record; returns how many were live. */
  deleteAll(): Awaitable<number>

  /**
   * Removes expired records and returns how many. It looks at `limit` records at the most and goes on
   * where it last stopped, so that repeated calls reach every record and none takes long.
   */
  sweep(limit: number): Awaitable<number>
}
