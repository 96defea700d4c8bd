import { randomBytes } from 'node:crypto'
import type { NewRecord, SecurityChange } from '../../core/store.ts'
import { bodyOf, encodeText, indexNameOf } from './record.ts'

// Sums of two such spans and a time are exact numbers of at most 16 digits.
const LONGEST_MS = 4e15

/** A span or a time as an argument: whole milliseconds, within what a record can hold. */
export function whole(ms: number): string {
  return String(Math.trunc(Math.max(-LONGEST_MS, Math.min(ms, LONGEST_MS))))
}

/** A version as an argument; what cannot be one equals none. */
export function versionText(version: number): string {
  return Number.isSafeInteger(version) ? String(version) : 'none'
}

/** Names for the writes of this process, each used for one write and for its repetitions. */
export interface WriteNames {
  /** The writer and the number of a write: `kind` is apart, as a record keeps the last write of each writer. */
  next(kind: 'v' | 's'): string
  /** The name of a touch, 20 letters. */
  touch(): string
}

/** Makes names that no other process makes. */
export function createWriteNames(): WriteNames {
  const writer = randomBytes(8).readBigUInt64BE().toString(36).padStart(13, '0').slice(-12)
  let count = 0
  return {
    next: (kind) => `${writer}${kind}:${(++count).toString(36)}:`,
    touch: () => `${writer}${(++count).toString(36).padStart(8, '0').slice(-8)}`,
  }
}

/** The arguments of the script that creates, from the fourth on. */
export function creationArguments(record: NewRecord, name: string): string[] {
  const { recordId, idleMs, absoluteMs, secretHash, authenticated, subject } = record
  return [
    recordId,
    name,
    whole(idleMs),
    whole(absoluteMs),
    secretHash,
    authenticated ? '1' : '0',
    encodeText(subject),
    subject === null ? '-' : indexNameOf(subject),
    encodeText(record.labels),
    encodeText(record.extra),
    bodyOf(record.value),
  ]
}

/** The arguments of the script that changes the security part, from the fourth on. */
export function securityArguments(
  recordId: string,
  change: SecurityChange,
  securityVersion: number,
  name: string,
): string[] {
  const { secretHash, previous, subject, authenticated, labels, extra } = change
  const graceMs = previous?.graceMs ?? null
  return [
    recordId,
    name,
    versionText(securityVersion),
    secretHash ?? '',
    previous === undefined ? '' : (previous?.hash ?? '-'),
    graceMs === null ? '-' : whole(graceMs),
    subject === undefined ? '' : encodeText(subject),
    typeof subject === 'string' ? indexNameOf(subject) : '-',
    labels === undefined ? '' : encodeText(labels),
    extra === undefined ? '' : encodeText(extra),
    authenticated === undefined ? '' : whole(authenticated.absoluteMs),
  ]
}
