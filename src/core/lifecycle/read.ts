import type { Missed } from '../backend.ts'
import { backendFault } from '../errors.ts'
import {
  operationStart,
  publishMalformed,
  publishOperation,
  publishRead,
  publishRejected,
} from '../events.ts'
import { parseKey } from '../key.ts'
import type { SessionFound } from '../session-backend.ts'
import { foundOf, isAuthorised } from '../stored-record.ts'
import type { Engine } from './engine.ts'

const NOT_FOUND: Missed = { ok: false, reason: 'not_found' }
const NOT_SET: Missed = { ok: false, reason: 'not_set' }

/** `SessionBackend.get`: the way of every request, so each promise on it counts. */
export async function read(
  { store, policy: { times } }: Engine,
  key: string,
): Promise<SessionFound | Missed> {
  const parsed = parseKey(key)
  if (parsed === undefined) return malformed(key)
  const { handle, secretHash } = parsed
  const start = operationStart()
  let record
  try {
    const answer = store.read(handle)
    record = await (times === undefined ? answer : times.call(answer))
    publishOperation('get', start, 'ok')
  } catch (cause) {
    publishOperation('get', start, 'fault')
    throw backendFault('get', cause)
  }
  if (record === undefined) {
    publishRejected(handle, undefined, 'unknown')
    return NOT_FOUND
  }
  const subject = record.security.subject ?? undefined
  if (!isAuthorised(record, secretHash)) {
    publishRejected(handle, subject, 'wrong_secret')
    return NOT_FOUND
  }
  publishRead(handle, subject, record.value === null ? 'not_set' : 'found')
  return record.value === null ? NOT_SET : foundOf(record, record.value)
}

function malformed(key: unknown): Missed {
  publishMalformed(typeof key === 'string' ? key.length : 0)
  return NOT_FOUND
}
