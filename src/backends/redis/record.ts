import { createHash } from 'node:crypto'
import { BackendError } from '../../core/errors.ts'
import type { Handle, SecretHash } from '../../core/key.ts'
import type { ListedRecord, StoredRecord } from '../../core/store.ts'

// What a record is in the server: one string. A line of tokens with one space between them, then `-` for no value
// or `+` and the value. The tokens, `-` for null, opaque texts as `=` and their percent-encoding:
//
//    0 expiresAtMs, 16 digits        6 deadlineMs           12 subject
//    1 the last touch, 20 letters    7 securityVersion      13 name of the subject's index
//    2 format                        8 secretHash           14 labels
//    3 version                       9 previousHash         15 extra
//    4 idleMs                       10 previousUntilMs      16 writes of the last minute
//    5 createdAtMs                  11 authenticatedAtMs
//
// The first two have a fixed width, so that a touch can write them in place and never copies the value.

/** The tokens of a record's first line. */
export type Header = readonly string[]

/** The format of records that this version writes and reads. */
export const FORMAT = '1'
const TOKENS = 17

/** An opaque text as a token. */
export function encodeText(text: string | null): string {
  return text === null ? '-' : `=${encodeURIComponent(text)}`
}

function decodeText(token: string): string | null {
  if (token === '-') return null
  return token.includes('%') ? decodeURIComponent(token.slice(1)) : token.slice(1)
}

/** What follows the first line. */
export function bodyOf(value: string | null): string {
  return value === null ? '-' : `+${value}`
}

/**
 * The name of a subject's index, as a token: 128 bits of a hash. A subject is a person more often than not, and the
 * names of keys turn up in logs and metrics.
 */
export function indexNameOf(subject: string): string {
  return createHash('sha256').update(subject).digest('base64url').slice(0, 22)
}

/**
 * The tokens of a first line.
 *
 * @throws BackendError when it is not one that this version writes.
 */
export function parseHeader(line: string): Header {
  const header = line.split(' ')
  if (header.length !== TOKENS || header[2] !== FORMAT) {
    throw new BackendError('a key in Redis holds no record that this version can read')
  }
  return header
}

/** From when on the record is gone. */
export function expiryOf(header: Header): number {
  return Number(header[0])
}

/** The record of a text as read at `nowMs`. */
export function recordOf(
  recordId: Handle,
  header: Header,
  body: string,
  nowMs: number,
): StoredRecord {
  return {
    recordId,
    value: body.startsWith('+') ? body.slice(1) : null,
    version: Number(header[3]),
    idleMs: Number(header[4]),
    createdAtMs: Number(header[5]),
    expiresAtMs: Number(header[0]),
    deadlineMs: Number(header[6]),
    security: {
      secretHash: header[8] as SecretHash,
      previousHash: nullable(header[9]) as SecretHash | null,
      previousUntilMs: numberOrNull(header[10]),
      subject: decodeText(header[12] as string),
      authenticatedAtMs: numberOrNull(header[11]),
      labels: decodeText(header[14] as string),
      extra: decodeText(header[15] as string),
    },
    securityVersion: Number(header[7]),
    nowMs,
  }
}

/** The record of a first line, for a list. */
export function listedOf(recordId: Handle, header: Header): ListedRecord {
  return {
    recordId,
    idleMs: Number(header[4]),
    createdAtMs: Number(header[5]),
    expiresAtMs: Number(header[0]),
    deadlineMs: Number(header[6]),
    authenticatedAtMs: numberOrNull(header[11]),
    labels: decodeText(header[14] as string),
  }
}

/** A token that may be null. */
export function nullable(token: string | undefined): string | null {
  return token === undefined || token === '-' ? null : token
}

/** A number that may be null. */
export function numberOrNull(token: string | undefined): number | null {
  return token === undefined || token === '-' ? null : Number(token)
}
