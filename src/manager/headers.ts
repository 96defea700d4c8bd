import { InvalidCookieError } from '../core/errors.ts'
import { MAX_PERIOD } from '../core/period.ts'
import { isCleared, stateOf } from '../core/session.ts'
import type { Session } from '../core/session.ts'
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
  { discard = false, ...attributes }: CookieHeaderOptions,
): HeaderField[] {
  const state = stateOf(session)
  const cookie = cookieWith(context.cookie, attributes)
  if (typeof discard !== 'boolean') throw new InvalidCookieError('"discard" must be true or false')
  if (!state.modified) return [VARY]
  if (isCleared(state)) return evict(cookie)
  // A hand-written backend may report periods that are no valid Max-Age.
  const maxAge = Math.max(0, Math.min(Math.ceil(state.expiryPeriod), MAX_PERIOD))
  const line = serializeSetCookie(cookie, state.key, discard ? undefined : maxAge)
  return [['Set-Cookie', line], NO_STORE, VARY]
}

/** `SessionManager.clearHeaders`. */
export function clearHeaders<V>(
  context: ManagerContext<V>,
  attributes: CookieAttributes,
): HeaderField[] {
  return evict(cookieWith(context.cookie, attributes))
}

function evict(cookie: Cookie): HeaderField[] {
  return [['Set-Cookie', serializeSetCookie(cookie, '', 0)], NO_STORE, VARY]
}

function cookieWith(cookie: Cookie, attributes: CookieAttributes): Cookie {
  if (Object.keys(attributes).length === 0) return cookie
  if ('name' in attributes) {
    throw new InvalidCookieError('"name" is the manager\'s and not an option of one header')
  }
  return checkCookie(attributes, cookie)
}
