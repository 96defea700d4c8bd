import { isPromise, whenDone } from '../awaitable.ts'
import type { Awaitable, Missed } from '../backend.ts'
import { backendFault } from '../errors.ts'
import {
  operationStart,
  publishCleared,
  publishConfirmed,
  publishMalformed,
  publishOperation,
  publishRead,
  publishRejected,
  publishReused,
} from '../events.ts'
import { decodeExtra, encodeExtra, rotatedExtra } from '../extra.ts'
import type { Extra } from '../extra.ts'
import { parseKey, sameSecretHash, secretHashOf, successorOf } from '../key.ts'
import type { Handle, Key, ParsedKey } from '../key.ts'
import type { GetOptions, Renewal, SessionFound } from '../session-backend.ts'
import type { StoredRecord } from '../store.ts'
import { foundOf, isPending, standingOf } from '../stored-record.ts'
import { ask, ATTEMPTS } from './engine.ts'
import type { Engine } from './engine.ts'
import { clearOf } from './plain.ts'
import type { CheckedPolicy } from './policy.ts'

const NOT_FOUND: Missed = { ok: false, reason: 'not_found' }
const NOT_SET: Missed = { ok: false, reason: 'not_set' }

/** `SessionBackend.get`: the way of every request. What the store answers at once goes on without a promise. */
export function read(
  engine: Engine,
  key: string,
  { seen = true }: GetOptions = {},
): Awaitable<SessionFound | Missed> {
  const { store, policy } = engine
  const parsed = parseKey(key)
  if (parsed === undefined) return malformed(key)
  const start = operationStart()
  let answer
  try {
    answer = store.read(parsed.handle, parsed.secretHash)
    if (policy.times !== undefined) answer = policy.times.call(answer)
  } catch (cause) {
    throw faultOf(start, cause)
  }
  if (!isPromise(answer)) {
    publishOperation('get', start, 'ok')
    return foundUnder(engine, key as Key, parsed, answer, seen)
  }
  return Promise.resolve(answer).then(
    (record) => {
      publishOperation('get', start, 'ok')
      return foundUnder(engine, key as Key, parsed, record, seen)
    },
    (cause: unknown) => {
      throw faultOf(start, cause)
    },
  )
}

function faultOf(start: number | undefined, cause: unknown): Error {
  publishOperation('get', start, 'fault')
  return backendFault('get', cause)
}

/** What is found under `key`, once its new key has been confirmed where that was awaited. */
function foundUnder(
  engine: Engine,
  key: Key,
  parsed: ParsedKey,
  record: StoredRecord | undefined,
  seen: boolean,
): Awaitable<SessionFound | Missed> {
  if (record === undefined) return absent(parsed.handle)
  const standing = standingOf(record, parsed.secretHash)
  if (standing === 'current' && seen && isPending(record.security)) {
    return confirm(engine, parsed, record).then((confirmed) =>
      foundUnder(engine, key, parsed, confirmed, false),
    )
  }
  if (standing === 'reused') return punish(engine, parsed, record).then(() => NOT_FOUND)
  const subject = record.security.subject ?? undefined
  if (standing === 'stranger') {
    publishRejected(parsed.handle, subject, 'wrong_secret')
    return NOT_FOUND
  }
  if (record.value === null) {
    publishRead(parsed.handle, subject, 'not_set')
    return NOT_SET
  }
  const found = clearOf(engine.policy, key, foundOf(record, record.value))
  return whenDone(found, (clear) => {
    publishRead(parsed.handle, subject, 'found')
    if (standing === 'previous') return { ...clear, ...followed(key, clear, record) }
    if (engine.policy.renewAfterMs === undefined) return clear
    return { ...clear, renewal: dueOf(engine.policy, clear, record) }
  })
}

/** The live record of a key, whose secret is the current or the previous one and good. */
export async function readGood(
  engine: Engine,
  parsed: ParsedKey,
): Promise<{ record: StoredRecord; standing: 'current' | 'previous' } | undefined> {
  const record = await ask(engine, 'get', () => engine.store.read(parsed.handle, parsed.secretHash))
  if (record === undefined) return undefined
  const standing = standingOf(record, parsed.secretHash)
  if (standing === 'reused') await punish(engine, parsed, record)
  return standing === 'current' || standing === 'previous' ? { record, standing } : undefined
}

/**
 * The record after its new key has been seen: the old one's grace runs. Who loses a race for it reads again what the
 * winner has made of the record.
 */
async function confirm(
  engine: Engine,
  parsed: ParsedKey,
  pending: StoredRecord,
): Promise<StoredRecord | undefined> {
  const { store, policy } = engine
  let record: StoredRecord | undefined = pending
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { security, securityVersion, nowMs }: StoredRecord = record
    const { previousHash: hash } = security
    if (hash === null || !isPending(security)) return record
    if (standingOf(record, parsed.secretHash) !== 'current') return record
    const { renewAfterMs, graceMs } = policy
    const kept = rotatedExtra(decodeExtra(security.extra))
    const extra = encodeExtra(renewAfterMs === undefined ? kept : { ...kept, renewedAtMs: nowMs })
    const change = { previous: { hash, graceMs }, extra }
    const done = await ask(engine, 'get', () =>
      store.updateSecurity(parsed.handle, change, securityVersion),
    )
    if (done.ok) {
      publishConfirmed(parsed.handle, security.subject ?? undefined, graceMs)
      const previousUntilMs = done.nowMs + graceMs
      const after = { ...security, previousUntilMs, extra }
      return { ...record, security: after, securityVersion: done.securityVersion }
    }
    if (done.reason === 'gone') return undefined
    record = await ask(engine, 'get', () => store.read(parsed.handle, parsed.secretHash))
    if (record === undefined) return undefined
  }
  // Endless contention: whoever reads it next confirms it.
  return record
}

/** Reports the use of an old key after its grace, and ends the session where the policy says so. */
async function punish(engine: Engine, parsed: ParsedKey, record: StoredRecord): Promise<void> {
  const { store, policy } = engine
  const subject = record.security.subject ?? undefined
  const { handle, secretHash } = parsed
  let ended = false
  try {
    if (policy.endsOnReuse) {
      // By the old secret: a session that has been renewed once more since the read is not ended for it.
      ended = await ask(engine, 'clear', () => store.delete(handle, secretHash))
    }
  } finally {
    publishReused(handle, subject, ended)
  }
  if (ended) publishCleared('reuse', 1, handle, subject)
}

/** How a session that was found under its previous key goes on. */
function followed(
  key: Key,
  { facts }: SessionFound,
  record: StoredRecord,
): Pick<SessionFound, 'key' | 'renewal'> {
  if (record.security.previousUntilMs !== null) return { renewal: 'over' }
  const successor = pendingSuccessor(key, record, facts.extra)
  return successor === undefined ? {} : { key: successor, renewal: 'again' }
}

/** How far the current key is from its renewal by the policy. */
function dueOf(
  { renewAfterMs = Infinity, graceMs }: CheckedPolicy,
  { facts, touchDue }: SessionFound,
  { createdAtMs, nowMs }: StoredRecord,
): Renewal | undefined {
  const { authenticatedAtMs = 0, extra } = facts
  const bornMs = Math.max(createdAtMs, authenticatedAtMs, extra?.renewedAtMs ?? 0)
  const leftMs = renewAfterMs - (nowMs - bornMs)
  if (leftMs > graceMs) return undefined
  // A touch sets a cookie: better the new key now than the old one at the last moment.
  return leftMs <= 0 || touchDue !== undefined ? 'due' : 'near'
}

/** The new key that awaits its confirmation, found from the old one; `undefined` when there is none. */
export function pendingSuccessor(
  key: Key,
  { security }: StoredRecord,
  { salt }: Extra = {},
): Key | undefined {
  if (salt === undefined || !isPending(security)) return undefined
  const successor = successorOf(key, salt)
  return sameSecretHash(secretHashOf(successor), security.secretHash) ? successor : undefined
}

function absent(handle: Handle): Missed {
  publishRejected(handle, undefined, 'unknown')
  return NOT_FOUND
}

function malformed(key: unknown): Missed {
  publishMalformed(typeof key === 'string' ? key.length : 0)
  return NOT_FOUND
}
