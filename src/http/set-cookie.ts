import { InvalidCookieError, InvalidPeriodError } from '../core/errors.ts'
import { MAX_PERIOD } from '../core/period.ts'
import type { Cookie } from './cookie-options.ts'

// Browsers drop a cookie whose name and value together exceed 4096 octets (RFC 6265bis §5.6).
const MAX_COOKIE_BYTES = 4096
// cookie-octet = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E (RFC 6265bis §4.1.1).
const NO_COOKIE_OCTET = /[^\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]/

/** The longest-past moment every HTTP date parser knows. */
const LONG_AGO = 'Thu, 01 Jan 1970 00:00:00 GMT'

/** Tells whether `value` holds only what the value of a cookie may. */
export function isCookieOctets(value: string): boolean {
  return !NO_COOKIE_OCTET.test(value)
}

/** Tells whether `value` may stand in a cookie: only cookie-octets, and not too long for the name. */
export function isCookieValue(name: string, value: string): boolean {
  return name.length + value.length <= MAX_COOKIE_BYTES && isCookieOctets(value)
}

/**
 * The value of a `Set-Cookie` header (RFC 6265bis §4.1). `maxAge` is in seconds: left out, the cookie ends
 * with the browser session; 0 removes it, and then `Expires` says so too. The `=` is always there, even
 * for an empty value: a bare name would be read as a nameless cookie.
 *
 * @throws InvalidCookieError when the value has anything but cookie-octets, or name and value
 *   together exceed 4096 bytes.
 * @throws InvalidPeriodError when `maxAge` is not a whole number of seconds from 0 to 400 days.
 */
export function serializeSetCookie(
  cookie: Cookie,
  value: string,
  maxAge?: number,
  name: string = cookie.name,
): string {
  if (!isCookieValue(name, value)) {
    throw new InvalidCookieError(
      isCookieOctets(value)
        ? `name and value must be at most ${MAX_COOKIE_BYTES} bytes together`
        : '"value" must hold only cookie-octets',
    )
  }
  return `${name}=${value}${lifetime(maxAge)}${attributesOf(cookie)}`
}

function lifetime(maxAge: number | undefined): string {
  if (maxAge === undefined) return ''
  if (!Number.isInteger(maxAge) || maxAge < 0 || maxAge > MAX_PERIOD) {
    throw new InvalidPeriodError(
      `"maxAge" must be a whole number of seconds from 0 to ${MAX_PERIOD}`,
    )
  }
  return maxAge === 0 ? `; Max-Age=0; Expires=${LONG_AGO}` : `; Max-Age=${maxAge}`
}

// Of the few cookies that an application has: each is frozen, and its attributes are always the same text.
const texts = new WeakMap<Cookie, string>()

function attributesOf(cookie: Cookie): string {
  let text = texts.get(cookie)
  if (text === undefined) {
    text = attributes(cookie)
    texts.set(cookie, text)
  }
  return text
}

function attributes(cookie: Cookie): string {
  let text = cookie.domain === undefined ? '' : `; Domain=${cookie.domain}`
  text += `; Path=${cookie.path}`
  if (cookie.secure) text += '; Secure'
  if (cookie.httpOnly) text += '; HttpOnly'
  text += `; SameSite=${cookie.sameSite}`
  if (cookie.partitioned) text += '; Partitioned'
  if (cookie.priority !== undefined) text += `; Priority=${cookie.priority}`
  return text
}
