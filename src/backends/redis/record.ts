import { createHash } from 'node:crypto'
import { BackendError } from '../../core/errors.ts'
import type { Handle, SecretHash } from '../../core/key.ts'
import type { ListedRecord, StoredRecord } from '../../core/store.ts'

// What a record is in the server: one string. A line of tokens with one space between them, then `-` for no value
// or `+` and the value. The tokens, `-` for null, opaque texts as `=` and the text with its spaces escaped:
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

// The format of records that this version writes and reads.
const FORMAT = '1'
const TOKENS = 17

const [SPACE, PLUS, HYPHEN, ZERO] = [0x20, 0x2b, 0x2d, 0x30]

// What ends a token here or for Lua, and what escapes it.
// oxlint-disable-next-line no-control-regex
const SPECIAL = /[\0-\x20\x7f%]/g

/** An opaque text as a token. */
export function encodeText(text: string | null): string {
  return text === null ? '-' : `=${text.replaceAll(SPECIAL, encodeURIComponent)}`
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
  if (header.length !== TOKENS || header[2] !== FORMAT) throw unreadable()
  return header
}

function unreadable(): BackendError {
  return new BackendError('a key in Redis holds no record that this version can read')
}

// Where the next token of the text being read begins.
let place = 0

/**
 * The record of a text as read at `nowMs`. Every read comes through here, so it goes through the first line once and
 * makes no list of its tokens: that would take twice as long.
 *
 * @throws BackendError when the text is not one that this version writes.
 */
export function parseRecord(recordId: Handle, text: string, nowMs: number): StoredRecord {
  place = 0
  const expiresAtMs = takeNumber(text)
  takeToken(text)
  if (takeToken(text) !== FORMAT) throw unreadable()
  const version = takeNumber(text)
  const idleMs = takeNumber(text)
  const createdAtMs = takeNumber(text)
  const deadlineMs = takeNumber(text)
  const securityVersion = takeNumber(text)
  const secretHash = takeToken(text) as SecretHash
  const previousHash = nullable(takeToken(text)) as SecretHash | null
  const previousUntilMs = takeNullableNumber(text)
  const authenticatedAtMs = takeNullableNumber(text)
  const subject = decodeText(takeToken(text))
  takeToken(text)
  const labels = decodeText(takeToken(text))
  const extra = decodeText(takeToken(text))
  const end = text.indexOf('\n', place)
  if (end === -1) throw unreadable()
  return {
    recordId,
    value: text.charCodeAt(end + 1) === PLUS ? text.slice(end + 2) : null,
    version,
    idleMs,
    createdAtMs,
    expiresAtMs,
    deadlineMs,
    security: {
      secretHash,
      previousHash,
      previousUntilMs,
      subject,
      authenticatedAtMs,
      labels,
      extra,
    },
    securityVersion,
    nowMs,
  }
}

function takeToken(text: string): string {
  const end = text.indexOf(' ', place)
  if (end === -1) throw unreadable()
  const token = text.slice(place, end)
  place = end + 1
  return token
}

/** No number of a record is negative: one that has no time left is not stored. */
function takeNumber(text: string): number {
  let number = 0
  for (;;) {
    const digit = text.charCodeAt(place++) - ZERO
    if (digit >= 0 && digit <= 9) number = number * 10 + digit
    else if (digit === SPACE - ZERO) return number
    else throw unreadable()
  }
}

function takeNullableNumber(text: string): number | null {
  if (text.charCodeAt(place) !== HYPHEN) return takeNumber(text)
  place += 2
  return null
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
function nullable(token: string): string | null {
  return token === '-' ? null : token
}

/** A number that may be null. */
export function numberOrNull(token: string | undefined): number | null {
  return token === undefined || token === '-' ? null : Number(token)
}
