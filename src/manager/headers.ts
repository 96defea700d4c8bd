import { InvalidCookieError } from '../core/errors.ts'
import { MAX_PERIOD } from '../core/period.ts'
import { isCleared, stateOf } from '../core/session.ts'
import type { Session } from '../core/session.ts'
import { chunkName, chunksOf } from '../http/chunked-cookie.ts'
import { checkCookie } from '../http/cookie-options.ts'
import type { Cookie, CookieAttributes } from '../http/cookie-options.ts'
import { serializeSetCookie } from '../http/set-cookie.ts'
import type { ManagerContext } from './context.ts'
import type { CookieHeaderOptions, HeaderField } from './session-manager.ts'

// The response depends on the cookie, modified or not (RFC 9110 §12.5.5), and one that sets it must not be
// kept: Set-Cookie alone stops no cache (RFC 9111 §7.3).
const VARY: HeaderField = ['Vary', 'Cookie']
const NO_STORE: HeaderField = ['Cache-Control', 'no-store']

/** `SessionManager.toCookieHeaders`. */
export function toCookieHeaders<V>(
  context: ManagerContext<V>,
  session: Session<V>,
  options: CookieHeaderOptions,
): HeaderField[] {
  const state = stateOf(session)
  const { discard = false } = options
  const cookie = cookieFor(context.cookie, options)
  if (typeof discard !== 'boolean') throw new InvalidCookieError('"discard" must be true or false')
  const { renewal } = state
  if (!state.modified && renewal !== 'again') return [VARY]
  if (isCleared(state)) return evict(context, cookie)
  // Its successor is set by another response, which this one may overtake or follow.
  if (renewal !== undefined && renewal !== 'again') return [VARY]
  // A hand-written backend may report periods that are no valid Max-Age.
  const maxAge = Math.max(0, Math.min(Math.ceil(state.expiryPeriod), MAX_PERIOD))
  const lifetime = discard ? undefined : maxAge
  const { chunks } = context
  if (chunks === undefined) {
    return [['Set-Cookie', serializeSetCookie(cookie, state.key, lifetime)], NO_STORE, VARY]
  }
  const parts = chunksOf(cookie.name, state.key)
  const lines = parts.map((part, at) => chunkField(cookie, at, part, lifetime))
  // What a longer value has left behind.
  return [...lines, ...evictions(cookie, parts.length, chunks), NO_STORE, VARY]
}

/** `SessionManager.clearHeaders`. */
export function clearHeaders<V>(
  context: ManagerContext<V>,
  attributes: CookieAttributes,
): HeaderField[] {
  return evict(context, cookieWith(context.cookie, attributes))
}

function evict<V>({ chunks = 1 }: ManagerContext<V>, cookie: Cookie): HeaderField[] {
  return [...evictions(cookie, 0, chunks), NO_STORE, VARY]
}

/** Removes the cookies number `from` to below `to` of those that carry a key. */
function evictions(cookie: Cookie, from: number, to: number): HeaderField[] {
  const fields: HeaderField[] = []
  for (let at = from; at < to; at++) fields.push(chunkField(cookie, at, '', 0))
  return fields
}

function chunkField(
  cookie: Cookie,
  at: number,
  value: string,
  lifetime: number | undefined,
): HeaderField {
  const name = chunkName(cookie.name, at)
  return ['Set-Cookie', serializeSetCookie(cookie, value, lifetime, name)]
}

/** Mostly the manager's own: what else a header may have is put together only where there is any. */
function cookieFor(cookie: Cookie, options: CookieHeaderOptions): Cookie {
  for (const option in options) {
    if (option === 'discard') continue
    const { discard: _, ...attributes } = options
    return cookieWith(cookie, attributes)
  }
  return cookie
}

function cookieWith(cookie: Cookie, attributes: CookieAttributes): Cookie {
  if (Object.keys(attributes).length === 0) return cookie
  if ('name' in attributes) {
    throw new InvalidCookieError('"name" is the manager\'s and not an option of one header')
  }
  return checkCookie(attributes, cookie)
}
