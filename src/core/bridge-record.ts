import type { Handle, SecretHash } from './key.ts'
import type {
  ListedRecord,
  NewRecord,
  RecordChange,
  SecurityChange,
  SecurityPart,
  StoredRecord,
} from './store.ts'
import { previousUntil } from './stored-record.ts'

/** A record as a bridge keeps it: what is read of it, but for the clock's reading. */
export type BridgeRecord = Omit<StoredRecord, 'nowMs'>

/** The records of one subject, in the order in which they came to it, each with its deadline at that time. */
export interface BridgeIndex {
  readonly subject: string
  readonly entries: readonly (readonly [recordId: Handle, deadlineMs: number])[]
}

// It names the format, and no engine that parses what looks like JSON takes such a text for anything but text.
const FORMAT = 'sojourn/1 '

/** The text of a record or an index. */
export function encodeBridgeText(content: BridgeRecord | BridgeIndex): string {
  return FORMAT + JSON.stringify(content)
}

/** The record in `text`. @throws Error when it is none. */
export function decodeBridgeRecord(text: string): BridgeRecord {
  const content = decode(text) as Partial<BridgeRecord> | null
  if (typeof content?.recordId !== 'string' || typeof content.security !== 'object') throw foreign()
  return content as BridgeRecord
}

/** The index in `text`. @throws Error when it is none. */
export function decodeBridgeIndex(text: string): BridgeIndex {
  const content = decode(text) as Partial<BridgeIndex> | null
  if (typeof content?.subject !== 'string' || !Array.isArray(content.entries)) throw foreign()
  return content as BridgeIndex
}

function decode(text: string): unknown {
  if (!text.startsWith(FORMAT)) throw foreign()
  try {
    return JSON.parse(text.slice(FORMAT.length))
  } catch {
    // The parser's own message quotes the text.
    throw foreign()
  }
}

function foreign(): Error {
  return new Error('the engine holds a text that is not as this library wrote it')
}

/** A record as it is at its creation. */
export function newBridgeRecord(draft: NewRecord, nowMs: number): BridgeRecord {
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

/** The record after a change of its value part. */
export function changedBridgeRecord(
  record: BridgeRecord,
  { value, idleMs = record.idleMs }: RecordChange,
  nowMs: number,
): BridgeRecord {
  const valued = value === undefined ? record : { ...record, value, version: record.version + 1 }
  return { ...valued, idleMs, expiresAtMs: Math.min(nowMs + idleMs, record.deadlineMs) }
}

/** The record after a change of its security part. */
export function securedBridgeRecord(
  record: BridgeRecord,
  change: SecurityChange,
  nowMs: number,
): BridgeRecord {
  const changed = {
    ...record,
    security: changeSecurity(record.security, change, nowMs),
    securityVersion: record.securityVersion + 1,
  }
  if (change.authenticated === undefined) return changed
  const deadlineMs = nowMs + change.authenticated.absoluteMs
  return { ...changed, deadlineMs, expiresAtMs: Math.min(nowMs + record.idleMs, deadlineMs) }
}

function changeSecurity(before: SecurityPart, change: SecurityChange, nowMs: number): SecurityPart {
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

/** Whether `secretHash` is the current or the previous secret, whether still good or not. */
export function mayEnd({ security }: BridgeRecord, secretHash: SecretHash): boolean {
  return secretHash === security.secretHash || secretHash === security.previousHash
}

/** What `list` tells of a record. */
export function listedBridgeRecord(record: BridgeRecord): ListedRecord {
  const { recordId, idleMs, createdAtMs, expiresAtMs, deadlineMs, security } = record
  const { authenticatedAtMs, labels } = security
  return { recordId, idleMs, createdAtMs, expiresAtMs, deadlineMs, authenticatedAtMs, labels }
}
