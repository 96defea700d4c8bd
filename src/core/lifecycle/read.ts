import { isPromise, whenDone } from '../awaitable.ts'
import type { Awaitable, Missed } from '../backend.ts'
import { backendFault } from '../errors.ts'
import {
  operationStart,
  publishCleared,
  publishMalformed,
  publishOperation,
  publishRead,
  publishRejected,
  publishReused,
} from '../events.ts'
import { parseKey } from '../key.ts'
import type { Handle, Key, ParsedKey } from '../key.ts'
import type { GetOptions, SessionFound } from '../session-backend.ts'
import type { StoredRecord } from '../store.ts'
import { foundOf, isPending, standingOf } from '../stored-record.ts'
import { ask } from './engine.ts'
import type { Engine } from './engine.ts'
import { renewing } from './on-demand.ts'
import { clearOf } from './plain.ts'

const NOT_FOUND: Missed = { ok: false, reason: 'not_found' }
const NOT_SET: Missed = { ok: false, reason: 'not_set' }

/** `SessionBackend.get`: the way of every request. What the store answers at once goes on without a promise. */
export function read(
  engine: Engine,
  key: string,
  { seen = true }: GetOptions = {},
): Awaitable<SessionFound | Missed> {
  const { store, readTime } = engine
  const parsed = parseKey(key)
  if (parsed === undefined) return malformed(key)
  const start = operationStart()
  let answer
  try {
    answer = store.read(parsed.handle, parsed.secretHash)
    if (readTime !== undefined) answer = readTime(answer)
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
    const confirmed = whenDone(renewing(), ({ confirm }) => confirm(engine, parsed, record))
    return whenDone(confirmed, (after) => foundUnder(engine, key, parsed, after, false))
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
  const found = clearOf(engine.policy, key, foundOf(record, record.value, key, parsed))
  return whenDone(found, (clear) => {
    publishRead(parsed.handle, subject, 'found')
    const { policy } = engine
    if (standing === 'current' && policy.renewAfter === undefined) return clear
    return whenDone(renewing(), ({ followed, dueOf }) =>
      standing === 'previous'
        ? { ...clear, ...followed(key, clear, record) }
        : { ...clear, renewal: dueOf(policy, clear, record) },
    )
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

/** Reports the use of an old key after its grace, and ends the session where the policy says so. */
async function punish(engine: Engine, parsed: ParsedKey, record: StoredRecord): Promise<void> {
  const { store, policy } = engine
  const subject = record.security.subject ?? undefined
  const { handle, secretHash } = parsed
  let ended = false
  try {
    if (policy.onReuse === 'end') {
      // By the old secret: a session that has been renewed once more since the read is not ended for it.
      ended = await ask(engine, 'clear', () => store.delete(handle, secretHash))
    }
  } finally {
    publishReused(handle, subject, ended)
  }
  if (ended) publishCleared('reuse', 1, handle, subject)
}

function absent(handle: Handle): Missed {
  publishRejected(handle, undefined, 'unknown')
  return NOT_FOUND
}

function malformed(key: unknown): Missed {
  publishMalformed(typeof key === 'string' ? key.length : 0)
  return NOT_FOUND
}
