import type { Found, Missed } from '../core/backend.ts'
import { backendFault, InvalidValueError } from '../core/errors.ts'
import {
  operationStart,
  publishDuplicated,
  publishInvalid,
  publishOperation,
} from '../core/events.ts'
import { isKey } from '../core/key.ts'
import type { Key } from '../core/key.ts'
import type { GetOptions, SessionFound } from '../core/session-backend.ts'
import { createSession, publicHandleOf } from '../core/session.ts'
import type { Session } from '../core/session.ts'
import { joinChunks } from '../http/chunked-cookie.ts'
import { readCookies } from '../http/cookie-header.ts'
import { cookieHeaderOf } from '../http/header-source.ts'
import type { HeaderSource } from '../http/header-source.ts'
import type { ManagerContext } from './context.ts'
import type { LookupReason } from './session-manager.ts'
import { tellRead, unusable } from './tell.ts'
import { restoreValue } from './values.ts'

// Enough for a cookie of each path and domain in use, too few to turn one request into many reads.
const MAX_CANDIDATES = 4

/** What a look-up by headers found, with the key that settled it. */
export type HeaderLookup<V> =
  | { readonly ok: true; readonly session: Session<V> }
  | { readonly ok: false; readonly reason: LookupReason; readonly key: string }
  | { readonly ok: false; readonly reason: 'no_cookie' }

/** The session of one key. Throws nothing but the backend's faults. */
export async function lookUpKey<V>(
  context: ManagerContext<V>,
  key: string,
): Promise<Exclude<HeaderLookup<V>, { reason: 'no_cookie' }>> {
  const answer = await readBackend(context, key)
  if (!answer.ok) return { ok: false, reason: answer.reason, key }
  try {
    const { value: text } = answer
    const decoded =
      context.schema === undefined ? context.decode(text) : await restoreValue(context, text)
    return { ok: true, session: sessionOf(context, key as Key, answer, decoded) }
  } catch (error) {
    if (error instanceof InvalidValueError) {
      const { facts } = answer as Partial<SessionFound>
      publishInvalid(publicHandleOf(key, facts), facts?.subject)
      return { ok: false, reason: 'invalid', key }
    }
    throw error
  }
}

/** The session of the first of the request's cookies that is not `not_found`. */
export async function lookUpHeaders<V>(
  context: ManagerContext<V>,
  headers: HeaderSource,
): Promise<HeaderLookup<V>> {
  let last: HeaderLookup<V> = { ok: false, reason: 'no_cookie' }
  for (const key of candidatesOf(context, headers, publishDuplicated)) {
    last = await lookUpKey(context, key)
    if (last.ok || last.reason !== 'not_found') return last
  }
  return last
}

/**
 * The cookie values to try, in header order: those shaped like a key; or, since a hand-written backend
 * may have keys of its own form, all of them where none is. Several are told to `onSeveral`.
 */
export function candidatesOf<V>(
  context: ManagerContext<V>,
  headers: HeaderSource,
  onSeveral?: (count: number, wellFormed: number) => void,
): string[] {
  const header = cookieHeaderOf(headers)
  if (header === undefined) return []
  const { chunks } = context
  const values = readCookies(header, context.cookie.name)
  if (chunks !== undefined) {
    if (values.length > 1) onSeveral?.(values.length, values.length)
    return values
      .slice(0, MAX_CANDIDATES)
      .map((value) => joinChunks(header, context.cookie.name, value))
  }
  if (values.length === 1) return values
  const keys = values.filter(isKey)
  if (values.length > 0) onSeveral?.(values.length, keys.length)
  return (keys.length > 0 ? keys : values).slice(0, MAX_CANDIDATES)
}

/** For a key that the manager has, and that no client may have sent yet. */
export const UNSEEN: GetOptions = { seen: false }

/** What the backend says of a key, checked: a backend that answers nonsense has failed. */
export async function readBackend<V>(
  context: ManagerContext<V>,
  key: string,
  options?: GetOptions,
): Promise<Found | Missed> {
  const start = context.tells ? operationStart() : undefined
  let answer
  try {
    const { backend, lifecycle } = context
    answer = await (lifecycle === undefined ? backend.get(key) : lifecycle.get(key, options))
    publishOperation('get', start, 'ok')
  } catch (cause) {
    publishOperation('get', start, 'fault')
    throw backendFault('get', cause)
  }
  if (answer?.ok === true && isUsable(answer)) {
    if (answer.version === undefined) context.unversioned = true
    tellRead(context, key, answer)
    return answer
  }
  if (answer?.ok === false && ['not_found', 'not_set'].includes(answer.reason)) {
    tellRead(context, key, answer)
    return answer
  }
  throw unusable('get', 'the backend gave no usable answer to get')
}

function isUsable({ value, period }: Found): boolean {
  return typeof value === 'string' && typeof period === 'number' && !Number.isNaN(period)
}

function sessionOf<V>(context: ManagerContext<V>, key: Key, found: Found, decoded: V): Session<V> {
  const { facts, touchDue, renewal, key: successor } = found as Partial<SessionFound>
  return createSession<V>({
    key: successor ?? key,
    text: found.value,
    decoded,
    expiryPeriod: found.period,
    modified: false,
    version: found.version,
    facts,
    factsAtMs: context.clock.now(),
    touchDue,
    renewal,
    decode: context.decode,
    writes: undefined,
  })
}
