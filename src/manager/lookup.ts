import { callAtOnce, isPromise } from '../core/awaitable.ts'
import type { Awaitable, Found, Missed } from '../core/backend.ts'
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

/** What a look-up by a key found. */
export type KeyLookup<V> =
  | { readonly ok: true; readonly session: Session<V> }
  | { readonly ok: false; readonly reason: LookupReason; readonly key: string }

/** What a look-up by headers found, with the key that settled it. */
export type HeaderLookup<V> = KeyLookup<V> | { readonly ok: false; readonly reason: 'no_cookie' }

/** The session of one key. Throws nothing but the backend's faults. */
export function lookUpKey<V>(context: ManagerContext<V>, key: string): Awaitable<KeyLookup<V>> {
  return readBackend(context, key, undefined, (answer) => lookUpAnswer(context, key, answer))
}

function lookUpAnswer<V>(
  context: ManagerContext<V>,
  key: string,
  answer: Found | Missed,
): Awaitable<KeyLookup<V>> {
  if (!answer.ok) return { ok: false, reason: answer.reason, key }
  const answeredAtMs = context.clock.now()
  if (context.schema !== undefined) return lookUpChecked(context, key, answer, answeredAtMs)
  try {
    const decoded = context.decode(answer.value)
    return { ok: true, session: sessionOf(context, key, answer, decoded, answeredAtMs) }
  } catch (error) {
    return invalidOf(key, answer, error)
  }
}

async function lookUpChecked<V>(
  context: ManagerContext<V>,
  key: string,
  answer: Found,
  answeredAtMs: number,
): Promise<KeyLookup<V>> {
  try {
    const decoded = await restoreValue(context, answer.value)
    return { ok: true, session: sessionOf(context, key, answer, decoded, answeredAtMs) }
  } catch (error) {
    return invalidOf(key, answer, error)
  }
}

function invalidOf<V>(key: string, answer: Found, error: unknown): KeyLookup<V> {
  if (!(error instanceof InvalidValueError)) throw error
  const { facts } = answer as Partial<SessionFound>
  publishInvalid(publicHandleOf(key, facts), facts?.subject)
  return { ok: false, reason: 'invalid', key }
}

/** The session of the first of the request's cookies that is not `not_found`. */
export function lookUpHeaders<V>(
  context: ManagerContext<V>,
  headers: HeaderSource,
): Awaitable<HeaderLookup<V>> {
  const keys = candidatesOf(context, headers, publishDuplicated)
  const key = keys[0]
  if (key === undefined) return { ok: false, reason: 'no_cookie' }
  const first = lookUpKey(context, key)
  return keys.length === 1 ? first : lookUpOthers(context, first, keys.slice(1))
}

async function lookUpOthers<V>(
  context: ManagerContext<V>,
  first: Awaitable<KeyLookup<V>>,
  others: readonly string[],
): Promise<KeyLookup<V>> {
  let last = await first
  for (const key of others) {
    if (last.ok || last.reason !== 'not_found') return last
    last = await lookUpKey(context, key)
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

/** What `next` makes of what the backend says of a key, checked: a backend that answers nonsense has failed. */
export function readBackend<V, R>(
  context: ManagerContext<V>,
  key: string,
  options: GetOptions | undefined,
  next: (answer: Found | Missed) => Awaitable<R>,
): Awaitable<R> {
  const start = context.tells ? operationStart() : undefined
  let answer
  try {
    answer = askFor(context, key, options)
  } catch (cause) {
    throw faultOf(start, cause)
  }
  if (!isPromise(answer)) return next(usable(context, key, start, answer))
  return Promise.resolve(answer).then(
    (result) => next(usable(context, key, start, result)),
    (cause: unknown) => {
      throw faultOf(start, cause)
    },
  )
}

function askFor<V>(
  { backend, lifecycle }: ManagerContext<V>,
  key: string,
  options: GetOptions | undefined,
): Awaitable<Found | Missed> {
  return lifecycle === undefined ? backend.get(key) : callAtOnce(lifecycle, 'get', key, options)
}

function faultOf(start: number | undefined, cause: unknown): Error {
  publishOperation('get', start, 'fault')
  return backendFault('get', cause)
}

function usable<V>(
  context: ManagerContext<V>,
  key: string,
  start: number | undefined,
  answer: Partial<Found> | Missed | undefined,
): Found | Missed {
  publishOperation('get', start, 'ok')
  if (answer?.ok === true && isUsable(answer)) {
    if (answer.version === undefined) context.unversioned = true
    tellRead(context, key, answer)
    return answer
  }
  if (answer?.ok === false && (answer.reason === 'not_found' || answer.reason === 'not_set')) {
    tellRead(context, key, answer)
    return answer
  }
  throw unusable('get', 'the backend gave no usable answer to get')
}

function isUsable(answer: Partial<Found>): answer is Found {
  const { value, period } = answer
  return typeof value === 'string' && typeof period === 'number' && !Number.isNaN(period)
}

function sessionOf<V>(
  context: ManagerContext<V>,
  key: string,
  found: Found,
  decoded: V,
  factsAtMs: number,
): Session<V> {
  const { facts, touchDue, renewal, key: successor } = found as Partial<SessionFound>
  return createSession<V>({
    key: successor ?? (key as Key),
    text: found.value,
    decoded,
    expiryPeriod: found.period,
    modified: false,
    version: found.version,
    facts,
    factsAtMs,
    touchDue,
    renewal,
    decode: context.decode,
    shown: false,
    lastWrite: undefined,
  })
}
