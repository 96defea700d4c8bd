import { parseJson } from './json.ts'
import type { Handle, SecretHash } from './key.ts'
import type { RecordChange, SecurityChange } from './store.ts'
import { changeSecurity } from './stored-record.ts'
import type { KeptRecord } from './stored-record.ts'

/** A record as a bridge keeps it. */
export type BridgeRecord = KeptRecord

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
  const content = decode(text) as Partial<BridgeRecord> | null | undefined
  if (typeof content?.recordId !== 'string' || typeof content.security !== 'object') throw foreign()
  return content as BridgeRecord
}

/** The index in `text`. @throws Error when it is none. */
export function decodeBridgeIndex(text: string): BridgeIndex {
  const content = decode(text) as Partial<BridgeIndex> | null | undefined
  if (typeof content?.subject !== 'string' || !Array.isArray(content.entries)) throw foreign()
  return content as BridgeIndex
}

function decode(text: string): unknown {
  return text.startsWith(FORMAT) ? parseJson(text.slice(FORMAT.length)) : undefined
}

function foreign(): Error {
  return new Error('the engine holds a text that is not as this library wrote it')
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

/** Whether `secretHash` is the current or the previous secret, whether still good or not. */
export function mayEnd({ security }: BridgeRecord, secretHash: SecretHash): boolean {
  return secretHash === security.secretHash || secretHash === security.previousHash
}
