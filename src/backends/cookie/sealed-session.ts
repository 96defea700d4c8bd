import type { Handle } from '../../core/key.ts'

/** What a cookie holds, sealed. */
export interface SealedSession {
  readonly handle: Handle
  /** `null`: not set. */
  readonly value: string | null
  readonly idleMs: number
  readonly createdAtMs: number
  /** When it was sealed. */
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly deadlineMs: number
  readonly subject: string | null
  readonly authenticatedAtMs: number | null
  /** When the subject became its owner: what a "not before" of the subject is held against. */
  readonly boundAtMs: number
  /** When the session last got a new key on purpose: what a "not before" of the session is held against. */
  readonly rotatedAtMs: number
  /** As `encodeLabels` made it. */
  readonly labels: string | null
  /** As `encodeExtra` made it. */
  readonly extra: string | null
}

type Facts = readonly [
  handle: Handle,
  idleMs: number,
  createdAtMs: number,
  issuedAtMs: number,
  expiresAtMs: number,
  deadlineMs: number,
  subject: string | null,
  authenticatedAtMs: number | null,
  boundAtMs: number,
  rotatedAtMs: number,
  labels: string | null,
  // Not there in cookies of before there was any.
  extra?: string,
]

/** The text that is sealed: the facts, and after a line break the value as it is, so that it is not escaped twice. */
export function encodeSession(session: SealedSession): string {
  const { handle, idleMs, createdAtMs, issuedAtMs, expiresAtMs, deadlineMs } = session
  const { subject, authenticatedAtMs, boundAtMs, rotatedAtMs, labels, extra, value } = session
  const times = [idleMs, createdAtMs, issuedAtMs, expiresAtMs, deadlineMs] as const
  const owner = [subject, authenticatedAtMs, boundAtMs, rotatedAtMs, labels] as const
  const known = [handle, ...times, ...owner] as const
  const facts: Facts = extra === null ? known : [...known, extra]
  return `${JSON.stringify(facts)}\n${value === null ? '' : `=${value}`}`
}

/** The session of a text that `encodeSession` made: nobody else can have sealed it. */
export function decodeSession(text: string): SealedSession {
  const end = text.indexOf('\n')
  const facts = JSON.parse(text.slice(0, end)) as Facts
  // By their places: a pattern with a rest walks the array twice.
  return {
    handle: facts[0],
    value: text[end + 1] === '=' ? text.slice(end + 2) : null,
    idleMs: facts[1],
    createdAtMs: facts[2],
    issuedAtMs: facts[3],
    expiresAtMs: facts[4],
    deadlineMs: facts[5],
    subject: facts[6],
    authenticatedAtMs: facts[7],
    boundAtMs: facts[8],
    rotatedAtMs: facts[9],
    labels: facts[10],
    extra: facts[11] ?? null,
  }
}
