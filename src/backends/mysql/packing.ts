import type { Handle, SecretHash } from '../../core/key.ts'
import type { ListedRecord, StoredRecord } from '../../core/store.ts'
import { ALONE, CLOCK } from './transaction.ts'

// The fields of one answer before its texts. One column costs a driver a fraction of what sixteen do, and reads the
// same whatever the pool does with numbers.
const FIELDS = [
  `${ALONE} + 0`,
  'id',
  CLOCK,
  'version',
  'idle_ms',
  'created_at',
  'expires_at',
  'deadline_at',
  'security_version',
  'secret_hash',
  "IFNULL(previous_hash, '')",
  "IFNULL(previous_until, '')",
  "IFNULL(authenticated_at, '')",
  "IFNULL(LENGTH(subject), '')",
  "IFNULL(LENGTH(labels), '')",
  "IFNULL(LENGTH(extra), '')",
  "IFNULL(LENGTH(value), '')",
]
const TEXTS = ['subject', 'labels', 'extra', 'value']
const LISTED = [
  `${ALONE} + 0`,
  'id',
  'idle_ms',
  'created_at',
  'expires_at',
  'deadline_at',
  "IFNULL(authenticated_at, '')",
  "IFNULL(LENGTH(labels), '')",
]
// More than the fields of any record take.
const LONGEST_FIELDS = 512

/** The expression that packs a record. */
export const PACKED_RECORD: string = packed(FIELDS, TEXTS)
/** The expression that packs a record of a list. */
export const PACKED_LISTED: string = packed(LISTED, ['labels'])

function packed(fields: readonly string[], texts: readonly string[]): string {
  const all = texts.map((text) => `IFNULL(${text}, '')`)
  return `CONCAT(CONCAT_WS(',', ${fields.join(', ')}, ''), ${all.join(', ')})`
}

/** An opaque text as bytes. */
export function bytesOf(text: string): Buffer
export function bytesOf(text: string | null): Buffer | null
export function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text)
}

/** The record that `PACKED_RECORD` packed. */
export function recordOf(answer: Buffer): StoredRecord {
  const [
    alone,
    recordId,
    nowMs,
    version,
    idleMs,
    createdAtMs,
    expiresAtMs,
    deadlineMs,
    securityVersion,
    secretHash,
    previousHash,
    previousUntilMs,
    authenticatedAtMs,
    ...lengths
  ] = fieldsOf(answer, FIELDS.length)
  assertAlone(alone)
  const [subject = null, labels = null, extra = null, value = null] = textsOf(answer, lengths)
  return {
    recordId: recordId as Handle,
    value,
    version: Number(version),
    idleMs: Number(idleMs),
    createdAtMs: Number(createdAtMs),
    expiresAtMs: Number(expiresAtMs),
    deadlineMs: Number(deadlineMs),
    security: {
      secretHash: secretHash as SecretHash,
      previousHash: previousHash === '' ? null : (previousHash as SecretHash),
      previousUntilMs: numberOrNull(previousUntilMs),
      subject,
      authenticatedAtMs: numberOrNull(authenticatedAtMs),
      labels,
      extra,
    },
    securityVersion: Number(securityVersion),
    nowMs: Number(nowMs),
  }
}

/** The record of a list that `PACKED_LISTED` packed. */
export function listedOf(answer: Buffer): ListedRecord {
  const [alone, recordId, idleMs, createdAtMs, expiresAtMs, deadlineMs, authenticated, length] =
    fieldsOf(answer, LISTED.length)
  assertAlone(alone)
  const [labels = null] = textsOf(answer, [length ?? ''])
  return {
    recordId: recordId as Handle,
    idleMs: Number(idleMs),
    createdAtMs: Number(createdAtMs),
    expiresAtMs: Number(expiresAtMs),
    deadlineMs: Number(deadlineMs),
    authenticatedAtMs: numberOrNull(authenticated),
    labels,
  }
}

/** The number of a field that may be empty for none. */
export function numberOrNull(field: string | undefined): number | null {
  return field === undefined || field === '' ? null : Number(field)
}

function fieldsOf(answer: Buffer, count: number): string[] {
  return answer.toString('latin1', 0, LONGEST_FIELDS).split(',', count)
}

/** The texts at the end of an answer, by their lengths; an empty length is no text. */
function textsOf(answer: Buffer, lengths: readonly string[]): (string | null)[] {
  let at = answer.length - lengths.reduce((sum, length) => sum + Number(length), 0)
  return lengths.map((length) => {
    if (length === '') return null
    const from = at
    at += Number(length)
    return answer.toString('utf8', from, at)
  })
}

/** What is said where a plain statement is no transaction of its own. */
export const NOT_ALONE =
  'the connections of the pool must have autocommit on, and completion_type NO_CHAIN'

// Otherwise a read opens a transaction that nobody ends, or is in one that a driver's ROLLBACK has begun, and goes on
// showing what was there when that began.
function assertAlone(alone: string | undefined): void {
  if (alone !== '1') throw new Error(NOT_ALONE)
}
