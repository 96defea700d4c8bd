import { InvalidCookieError } from '../core/errors.ts'

/** Options of the cookie, as in express-session: times in milliseconds. */
export interface CookieOptions {
  readonly path?: string | undefined
  readonly domain?: string | undefined
  readonly httpOnly?: boolean | undefined
  /** `'auto'`: on connections that are secure. */
  readonly secure?: boolean | 'auto' | undefined
  /** `'auto'`: `none` on connections that are secure, else `lax`. */
  readonly sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined
  readonly partitioned?: boolean | undefined
  readonly priority?: 'low' | 'medium' | 'high' | undefined
  /** Milliseconds; `null` for a cookie that ends with the browser session. */
  readonly maxAge?: number | null | undefined
  readonly expires?: Date | null | false | undefined
}

/** A cookie as it stands in a stored session. */
export interface CookieData extends Omit<CookieOptions, 'expires' | 'maxAge'> {
  readonly originalMaxAge?: number | null | undefined
  readonly expires?: Date | string | null | false | undefined
}

// token (RFC 9110 §5.6.2); path-value and domain-value without ";" and controls (RFC 6265bis §4.1.1).
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const ATTRIBUTE = /^[\x20-\x3A\x3C-\x7E]*$/
const SAME_SITE = new Map<unknown, string>([
  [true, 'Strict'],
  ['strict', 'Strict'],
  ['lax', 'Lax'],
  ['none', 'None'],
])
const PRIORITY = new Map<unknown, string>([
  ['low', 'Low'],
  ['medium', 'Medium'],
  ['high', 'High'],
])

/** The cookie of one session, which the application may change. */
export class Cookie {
  path: string | undefined = '/'
  httpOnly: boolean | undefined = true
  domain?: string | undefined
  secure?: boolean | 'auto' | undefined
  sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined
  partitioned?: boolean | undefined
  priority?: 'low' | 'medium' | 'high' | undefined
  /** The `maxAge` that each use of the session starts anew, in milliseconds. */
  originalMaxAge: number | null = null
  _expires: Date | null | false | undefined = null

  /** @throws TypeError when `options` is no object, or its `maxAge` is no number. */
  constructor(options?: CookieOptions | CookieData) {
    if (options === undefined || options === null) return
    if (typeof options !== 'object') throw new TypeError('"cookie" must be an object')
    // In their order: of `expires` and `maxAge`, the last one counts.
    for (const [key, value] of Object.entries(options)) {
      if (key !== 'data' && key !== 'originalMaxAge') Object.assign(this, { [key]: value })
    }
    const { originalMaxAge } = options as CookieData
    if (originalMaxAge !== undefined && originalMaxAge !== null) {
      this.originalMaxAge = originalMaxAge
    }
  }

  get expires(): Date | null | false | undefined {
    return this._expires
  }

  set expires(date: Date | null | false | undefined) {
    this._expires = date
    this.originalMaxAge = date instanceof Date ? date.getTime() - Date.now() : null
  }

  /** Milliseconds left; `null` for a cookie that ends with the browser session. */
  get maxAge(): number | null | false | undefined {
    return this._expires instanceof Date ? this._expires.getTime() - Date.now() : this._expires
  }

  set maxAge(ms: number | Date | null | false | undefined) {
    if (typeof ms === 'number') {
      this._expires = new Date(Date.now() + ms)
      this.originalMaxAge = ms
      return
    }
    if (ms && !(ms instanceof Date)) throw new TypeError('"maxAge" must be a number')
    this.expires = ms
  }

  /** What a store keeps. */
  get data(): CookieData {
    return {
      originalMaxAge: this.originalMaxAge,
      partitioned: this.partitioned,
      priority: this.priority,
      expires: this._expires,
      secure: this.secure,
      httpOnly: this.httpOnly,
      domain: this.domain,
      path: this.path,
      sameSite: this.sameSite,
    }
  }

  /** The value of a `Set-Cookie` header. @throws InvalidCookieError for what no cookie may hold. */
  serialize(name: string, value: string): string {
    return serialize(this, name, value)
  }

  toJSON(): CookieData {
    return this.data
  }
}

/** The cookie of a stored session. */
export function cookieOf(data: unknown): Cookie {
  if (typeof data !== 'object' || data === null) return new Cookie()
  const { expires, originalMaxAge = null, ...others } = data as CookieData
  const cookie = new Cookie(others)
  cookie._expires = typeof expires === 'string' ? new Date(expires) : expires
  cookie.originalMaxAge = originalMaxAge
  return cookie
}

/** What of a cookie the application sets, as text: all of it but `expires`, which moves with each use. */
export function settingsOf(cookie: Cookie): string {
  return JSON.stringify({ ...cookie.data, expires: undefined })
}

/** The header that removes the cookie. */
export function evictionOf(cookie: Cookie, name: string): string {
  return serialize(Object.assign(new Cookie(cookie.data), { expires: new Date(0) }), name, '')
}

function serialize(cookie: Cookie, name: string, value: string): string {
  const { domain, path, expires, httpOnly, secure, partitioned, priority, sameSite } = cookie
  if (!TOKEN.test(name)) throw new InvalidCookieError('"name" must be an HTTP token')
  const parts = [`${name}=${encodeURIComponent(value)}`]
  if (domain) parts.push(`Domain=${attribute('domain', domain)}`)
  if (path) parts.push(`Path=${attribute('path', path)}`)
  if (expires) parts.push(`Expires=${dateText(expires)}`)
  if (httpOnly) parts.push('HttpOnly')
  if (secure) parts.push('Secure')
  if (partitioned) parts.push('Partitioned')
  if (priority) parts.push(`Priority=${oneOf('priority', priority, PRIORITY)}`)
  if (sameSite) parts.push(`SameSite=${oneOf('sameSite', sameSite, SAME_SITE)}`)
  return parts.join('; ')
}

function attribute(option: string, text: unknown): string {
  if (typeof text === 'string' && ATTRIBUTE.test(text)) return text
  throw new InvalidCookieError(`"${option}" must hold no control character or semicolon`)
}

function dateText(expires: unknown): string {
  if (expires instanceof Date && !Number.isNaN(expires.getTime())) return expires.toUTCString()
  throw new InvalidCookieError('"expires" must be a date')
}

function oneOf(option: string, given: unknown, allowed: ReadonlyMap<unknown, string>): string {
  const spelled = allowed.get(typeof given === 'string' ? given.toLowerCase() : given)
  if (spelled !== undefined) return spelled
  throw new InvalidCookieError(`"${option}" has a value that no cookie has`)
}
