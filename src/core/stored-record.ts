import { sameSecretHash } from './key.ts'
import type { SecretHash } from './key.ts'
import { decodeLabels } from './labels.ts'
import { periodLeft } from './period.ts'
import type { SessionFound, SessionSummary, TouchDue } from './session-backend.ts'
import type { ListedRecord, StoredRecord } from './store.ts'

/** Whether `secretHash` is the record's current secret, or its previous one while that is good. */
export function isAuthorised(record: StoredRecord, secretHash: SecretHash): boolean {
  const { secretHash: current, previousHash, previousUntilMs } = record.security
  if (sameSecretHash(current, secretHash)) return true
  if (previousHash === null || !sameSecretHash(previousHash, secretHash)) return false
  return previousUntilMs === null || record.nowMs < previousUntilMs
}

/**
 * Until when the previous secret is good, as a store keeps it. No grace at all is 0 and not now: a clock that is set
 * back must not make a secret good again that a rotation has ended.
 */
export function previousUntil(graceMs: number | null, nowMs: number): number | null {
  if (graceMs === null) return null
  return graceMs > 0 ? nowMs + graceMs : 0
}

/** What `get` reports of a live record with a value. */
export function foundOf(record: StoredRecord, value: string): SessionFound {
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
      labels: decodeLabels(security.labels),
      securityVersion: record.securityVersion,
    },
    touchDue: touchDueOf(record),
  }
}

/**
 * A touch is due when it would give at least `min(period/2, max(60 s, period/20))`: often enough that
 * use keeps a session alive, and seldom enough that a page view costs no write. At the absolute
 * deadline there is nothing left to give.
 */
function touchDueOf({
  idleMs,
  expiresAtMs,
  deadlineMs,
  nowMs,
}: StoredRecord): TouchDue | undefined {
  const toMs = Math.min(nowMs + idleMs, deadlineMs)
  const leastMs = Math.min(idleMs / 2, Math.max(60_000, idleMs / 20))
  if (toMs - expiresAtMs < leastMs) return undefined
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
