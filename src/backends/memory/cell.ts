import type { Handle, SecretHash } from '../../core/key.ts'
import type { SecurityPart } from '../../core/store.ts'
import type { KeptRecord } from '../../core/stored-record.ts'
import { EXPIRES_AT } from './slab.ts'
import type { Page } from './slab.ts'

// A cell holds four doubles, six words, the id and one text: the security part and the value. The text has a byte for each
// character if all are below U+0100, and two otherwise, as the runtime keeps strings. Cells with more in the security
// part than the secret hash have three words for the subject before the text.

// Doubles, after the one that says until when it lives and the words by which its id is found.
const CREATED_AT = 2
const DEADLINE = 3
const IDLE = 4
// Words. Versions go round after 2^32 changes.
/** Where the two words of a cell are that chain it by its id. */
export const ID_LINKS = 2
const VERSION = 10
const SECURITY_VERSION = 11
const SECURITY = 12
const VALUE_LENGTH = 13
/** Where those are that chain it by its subject, if it has one. */
export const SUBJECT_LINKS = 20
const SUBJECT_HASH = 22
// Bytes.
const ID = 56
const ID_LENGTH = 22
const TEXT = 78
const MORE_TEXT = 92

// The word of the security part is the length of its text, and these.
const FLAG_BITS = 3
const WIDE = 1
const MORE = 2
const SUBJECT = 4

const WIDE_CHARACTER = /[\u0100-\uffff]/
// Names are the users' own, and shall not meet in one chain by design.
const SEED = Math.floor(Math.random() * 2 ** 32)

/** A record as it lies in a cell. */
export interface Packed {
  /** The security part, as text: its length and flags. */
  readonly head: number
  readonly text: string
  readonly subjectHash: number
  /** The bytes it takes in all. */
  readonly bytes: number
}

/** Packs a record, or tells that its id is none that a cell can hold. */
export function pack({ recordId, security, value }: KeptRecord): Packed | undefined {
  if (recordId.length !== ID_LENGTH || WIDE_CHARACTER.test(recordId)) return undefined
  const list = listOf(security)
  const more = list.length === 1 ? 0 : MORE
  const securityText = more === 0 ? security.secretHash : JSON.stringify(list)
  const text = securityText + (value ?? '')
  const { subject } = security
  const flags = (WIDE_CHARACTER.test(text) ? WIDE : 0) | more | (subject === null ? 0 : SUBJECT)
  return {
    head: (securityText.length << FLAG_BITS) | flags,
    text,
    subjectHash: subject === null ? 0 : hashOf(subject),
    bytes: textAt(flags) + (text.length << (flags & WIDE)),
  }
}

/** Writes a record into a cell that is big enough. */
export function writeRecord(page: Page, unit: number, record: KeptRecord, packed: Packed): void {
  const { doubles, words, bytes } = page
  const { head, text, subjectHash } = packed
  const word = unit * 2
  const byte = unit * 8
  doubles[unit + EXPIRES_AT] = record.expiresAtMs
  doubles[unit + CREATED_AT] = record.createdAtMs
  doubles[unit + DEADLINE] = record.deadlineMs
  doubles[unit + IDLE] = record.idleMs
  words[word + VERSION] = record.version
  words[word + SECURITY_VERSION] = record.securityVersion
  words[word + SECURITY] = head
  words[word + VALUE_LENGTH] = record.value?.length ?? -1
  if ((head & MORE) !== 0) words[word + SUBJECT_HASH] = subjectHash
  bytes.write(record.recordId, byte + ID, 'latin1')
  bytes.write(text, byte + textAt(head), encodingOf(head))
}

/** The record in the cell, which has this id. */
export function readRecord(page: Page, unit: number, recordId: Handle): KeptRecord {
  const { doubles, words, bytes } = page
  const word = unit * 2
  const head = words[word + SECURITY]!
  const securityLength = head >>> FLAG_BITS
  const valueLength = words[word + VALUE_LENGTH]!
  const start = unit * 8 + textAt(head)
  const length = securityLength + Math.max(valueLength, 0)
  // To take two texts out costs little more than one of them, when they lie side by side.
  const text = bytes.toString(encodingOf(head), start, start + (length << (head & WIDE)))
  return {
    recordId,
    value: valueLength < 0 ? null : text.slice(securityLength),
    version: words[word + VERSION]! >>> 0,
    idleMs: doubles[unit + IDLE]!,
    createdAtMs: doubles[unit + CREATED_AT]!,
    expiresAtMs: doubles[unit + EXPIRES_AT]!,
    deadlineMs: doubles[unit + DEADLINE]!,
    security: securityOf(head, text.slice(0, securityLength)),
    securityVersion: words[word + SECURITY_VERSION]! >>> 0,
  }
}

/** The id of the record in the cell. */
export function idOf({ bytes }: Page, unit: number): Handle {
  return bytes.toString('latin1', unit * 8 + ID, unit * 8 + TEXT) as Handle
}

/** Whether the record in the cell has this id. */
export function hasId({ bytes }: Page, unit: number, recordId: string): boolean {
  const at = unit * 8 + ID
  for (let index = 0; index < ID_LENGTH; index++) {
    if (bytes[at + index] !== recordId.charCodeAt(index)) return false
  }
  return recordId.length === ID_LENGTH
}

/** What `hashOf` says of the id of the record in the cell. */
export function idHashAt({ bytes }: Page, unit: number): number {
  let hash = SEED
  const end = unit * 8 + TEXT
  for (let at = unit * 8 + ID; at < end; at++) hash = mixed(hash, bytes[at]!)
  return spread(hash)
}

/** Whether the record in the cell belongs to anybody. */
export function hasSubject({ words }: Page, unit: number): boolean {
  return (words[unit * 2 + SECURITY]! & SUBJECT) !== 0
}

/** What `hashOf` says of the subject of the record in the cell, if it has one. */
export function subjectHashAt({ words }: Page, unit: number): number {
  return words[unit * 2 + SUBJECT_HASH]!
}

/** A number of 32 bits for a text, another in each process. */
export function hashOf(text: string): number {
  let hash = SEED
  for (let index = 0; index < text.length; index++) hash = mixed(hash, text.charCodeAt(index))
  return spread(hash)
}

function mixed(hash: number, code: number): number {
  const product = Math.imul(hash ^ code, 0x9e3779b1)
  return product ^ (product >>> 15)
}

function spread(hash: number): number {
  const product = Math.imul(hash, 0x85ebca6b)
  return product ^ (product >>> 13)
}

function textAt(head: number): number {
  return (head & MORE) === 0 ? TEXT : MORE_TEXT
}

function encodingOf(head: number): 'latin1' | 'utf16le' {
  return (head & WIDE) === 0 ? 'latin1' : 'utf16le'
}

/** The security part, without what is `null` at the end. */
function listOf(security: SecurityPart): unknown[] {
  const { secretHash, subject, authenticatedAtMs, labels, extra } = security
  const { previousHash, previousUntilMs } = security
  const all = [secretHash, subject, authenticatedAtMs, labels, extra, previousHash, previousUntilMs]
  return all.slice(0, 1 + all.findLastIndex((part) => part !== null))
}

function securityOf(head: number, text: string): SecurityPart {
  const list = (head & MORE) === 0 ? [text] : (JSON.parse(text) as unknown[])
  return {
    secretHash: list[0] as SecretHash,
    previousHash: (list[5] ?? null) as SecretHash | null,
    previousUntilMs: (list[6] ?? null) as number | null,
    subject: (list[1] ?? null) as string | null,
    authenticatedAtMs: (list[2] ?? null) as number | null,
    labels: (list[3] ?? null) as string | null,
    extra: (list[4] ?? null) as string | null,
  }
}
