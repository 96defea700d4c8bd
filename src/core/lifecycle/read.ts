import type { Missed } from '../backend.ts'
import { backendFault } from '../errors.ts'
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
  if (parsed === undefined) return NOT_FOUND
  let record
  try {
    const answer = store.read(parsed.handle)
    record = await (times === undefined ? answer : times.call(answer))
  } catch (cause) {
    throw backendFault('read a session', cause)
  }
  if (record === undefined || !isAuthorised(record, parsed.secretHash)) return NOT_FOUND
  return record.value === null ? NOT_SET : foundOf(record, record.value)
}
