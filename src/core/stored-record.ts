import { decodeExtra } from './extra.ts'
import type { Extra } from './extra.ts'
import { sameSecretHash } from './key.ts'
import type { Key, ParsedKey, SecretHash } from './key.ts'
import { decodeLabels } from './labels.ts'
import { periodLeft } from './period.ts'
import { ReadExtra } from './read-extra.ts'
import type { SessionFound, SessionSummary, TouchDue } from './session-backend.ts'
import type {
  ListedRecord,
  NewRecord,
  SecurityChange,
  SecurityPart,
  StoredRecord,
} from './store.ts'

/**
 * What a secret is to a record: its `current` one, the `previous` one while that is good, the previous one after a
 * grace that it had (`reused`), or anything else. A rotation gives no grace, so a key that it has ended is never
 * `reused`: two requests at once are enough for that.
 */
export type Standing = 'current' | 'previous' | 'reused' | 'stranger'

/** The standing of `secretHash`. */
export function standingOf(record: StoredRecord, secretHash: SecretHash): Standing {
  const { secretHash: current, previousHash, previousUntilMs } = record.security
  if (sameSecretHash(current, secretHash)) return 'current'
  if (previousHash === null || !sameSecretHash(previousHash, secretHash)) return 'stranger'
  if (previousUntilMs === null || record.nowMs < previousUntilMs) return 'previous'
  return previousUntilMs > 0 ? 'reused' : 'stranger'
}

/** Whether a renewal waits for its new key to be seen. */
export function isPending({ previousHash, previousUntilMs }: SecurityPart): boolean {
  return previousUntilMs === null && previousHash !== null
}

/** Whether `secretHash` is the record's current secret, or its previous one while that is good. */
export function isAuthorised(record: StoredRecord, secretHash: SecretHash): boolean {
  const standing = standingOf(record, secretHash)
  return standing === 'current' || standing === 'previous'
}

/**
 * Until when the previous secret is good, as a store keeps it. No grace at all is 0 and not now: a clock that is set
 * back must not make a secret good again that a rotation has ended.
 */
export function previousUntil(graceMs: number | null, nowMs: number): number | null {
  if (graceMs === null) return null
  return graceMs > 0 ? nowMs + graceMs : 0
}

/** A record as a store keeps it: what is read of it, but for the clock's reading. */
export type KeptRecord = Omit<StoredRecord, 'nowMs'>

/** A record as it is at its creation. */
export function firstRecordOf(draft: NewRecord, nowMs: number): KeptRecord {
  const deadlineMs = nowMs + draft.absoluteMs
  return {
    recordId: draft.recordId,
    value: draft.value,
    version: 1,
    idleMs: draft.idleMs,
    createdAtMs: nowMs,
    expiresAtMs: Math.min(nowMs + draft.idleMs, deadlineMs),
    deadlineMs,
    security: {
      secretHash: draft.secretHash,
      previousHash: null,
      previousUntilMs: null,
      subject: draft.subject,
      authenticatedAtMs: draft.authenticated ? nowMs : null,
      labels: draft.labels,
      extra: draft.extra,
    },
    securityVersion: 1,
  }
}

/** The security part after a change at `nowMs`. */
export function changeSecurity(
  before: SecurityPart,
  change: SecurityChange,
  nowMs: number,
): SecurityPart {
  const { secretHash, previous, subject, authenticated, labels, extra } = change
  const graceMs = previous?.graceMs ?? null
  return {
    secretHash: secretHash ?? before.secretHash,
    previousHash: previous === undefined ? before.previousHash : (previous?.hash ?? null),
    previousUntilMs:
      previous === undefined ? before.previousUntilMs : previousUntil(graceMs, nowMs),
    subject: subject === undefined ? before.subject : subject,
    authenticatedAtMs: authenticated === undefined ? before.authenticatedAtMs : nowMs,
    labels: labels === undefined ? before.labels : labels,
    extra: extra === undefined ? before.extra : extra,
  }
}

/** What a store's `list` tells of a record. */
export function listedOf(record: KeptRecord): ListedRecord {
  const { recordId, idleMs, createdAtMs, expiresAtMs, deadlineMs, security } = record
  const { authenticatedAtMs, labels } = security
  return { recordId, idleMs, createdAtMs, expiresAtMs, deadlineMs, authenticatedAtMs, labels }
}

/** What `get` reports of a live record with a value. */
export function foundOf(
  record: StoredRecord,
  value: string,
  key: Key,
  halves: ParsedKey,
): SessionFound {
  const { security, nowMs } = record
  return {
    ok: true,
    value,
    period: periodLeft(record.expiresAtMs, nowMs),
    version: record.version,
    facts: {
      createdAtMs: record.createdAtMs,
      subject: security.subject ?? undefined,
      authenticatedAtMs: security.authenticatedAtMs ?? undefined,
      nowMs,
      labels: decodeLabels(security.labels),
      securityVersion: record.securityVersion,
      extra: new ReadExtra(decodeExtra(security.extra), key, halves) as Extra,
    },
    touchDue: touchDueOf(record),
  }
}

/** What a touch gives at the least, in milliseconds. */
export function leastTouchMs(idleMs: number): number {
  return Math.min(idleMs / 2, Math.max(60_000, idleMs / 20))
}

/**
 * A touch is due when it would give at least `min(period/2, max(60 s, period/20))`: often enough that
 * use keeps a session alive, and seldom enough that a page view costs no write. At the absolute
 * deadline there is nothing left to give.
 */
export function touchDueOf({
  idleMs,
  expiresAtMs,
  deadlineMs,
  nowMs,
}: Pick<StoredRecord, 'idleMs' | 'expiresAtMs' | 'deadlineMs' | 'nowMs'>): TouchDue | undefined {
  const toMs = Math.min(nowMs + idleMs, deadlineMs)
  if (toMs - expiresAtMs < leastTouchMs(idleMs)) return undefined
  return { fromMs: expiresAtMs, toMs, period: periodLeft(toMs, nowMs) }
}

/** What `list` reports of a record. */
export function summaryOf(record: ListedRecord): SessionSummary {
  return {
    handle: record.recordId,
    createdAt: new Date(record.createdAtMs),
    lastSeenAt: new Date(Math.max(record.createdAtMs, record.expiresAtMs - record.idleMs)),
    expiresAt: new Date(record.expiresAtMs),
    authenticatedAt:
      record.authenticatedAtMs === null ? undefined : new Date(record.authenticatedAtMs),
    labels: decodeLabels(record.labels),
  }
}
