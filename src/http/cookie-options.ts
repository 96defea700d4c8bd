import { InvalidCookieError } from '../core/errors.ts'

/** The attributes of a cookie (RFC 6265bis §4.1.2). Case does not matter in `sameSite` and `priority`. */
export interface CookieAttributes {
  /** Default: `/`. */
  readonly path?: string | undefined
  /** Default: none, so that the cookie goes to the host that set it and to no other. */
  readonly domain?: string | undefined
  /** Default: true. Browsers treat `http://localhost` as secure. */
  readonly secure?: boolean | undefined
  /** Default: true. */
  readonly httpOnly?: boolean | undefined
  /** Default: `Lax`. */
  readonly sameSite?: 'Strict' | 'Lax' | 'None' | 'strict' | 'lax' | 'none' | undefined
  /** Keeps the cookie apart for each top-level site (CHIPS). Default: false. */
  readonly partitioned?: boolean | undefined
  /** Which cookies Chromium evicts first. Default: not said. */
  readonly priority?: 'Low' | 'Medium' | 'High' | 'low' | 'medium' | 'high' | undefined
}

/** The session cookie: its name and the attributes of every header. */
export interface CookieOptions extends CookieAttributes {
  /** Default: `__Host-session`, which no other host and no plain-http page can set. */
  readonly name?: string | undefined
}

/** A checked cookie: all defaults filled in. */
export interface Cookie {
  readonly name: string
  readonly path: string
  readonly domain: string | undefined
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: string
  readonly partitioned: boolean
  readonly priority: string | undefined
}

const MAX_ATTRIBUTE_BYTES = 1024
// Of the 4096 bytes that browsers grant name and value together, a key takes 66.
const MAX_NAME_BYTES = 4030
// token (RFC 9110 §5.6.2).
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// path-value = *av-octet, av-octet = %x20-3A / %x3C-7E (RFC 6265bis §4.1.1).
const PATH = /^\/[\x20-\x3A\x3C-\x7E]*$/
// Labels of up to 63 letters, digits and inner hyphens (RFC 1034 §3.5); a leading dot is refused, not ignored.
const DOMAIN =
  /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/
const SAME_SITE = new Map([
  ['strict', 'Strict'],
  ['lax', 'Lax'],
  ['none', 'None'],
])
const PRIORITY = new Map([
  ['low', 'Low'],
  ['medium', 'Medium'],
  ['high', 'High'],
])
const BOOLEANS = ['secure', 'httpOnly', 'partitioned'] as const

// Browsers compare prefixes without regard to case (RFC 6265bis §5.4), so a miscased one would promise
// to readers what no browser enforces in the same words. The longest prefix comes first.
const PREFIXES = [
  { prefix: '__Host-Http-', host: true, httpOnly: true },
  { prefix: '__Host-', host: true, httpOnly: false },
  { prefix: '__Http-', host: false, httpOnly: true },
  { prefix: '__Secure-', host: false, httpOnly: false },
] as const

const KNOWN = new Set(['name', 'path', 'domain', 'sameSite', 'priority', ...BOOLEANS])

/**
 * Checks cookie options and fills in what they leave out from `base`, or from the defaults.
 *
 * @throws InvalidCookieError for an unknown option, a value outside its grammar, or a combination
 *   that browsers refuse: a prefix without what it promises, `None` or `partitioned` without `secure`.
 */
export function checkCookie(options: CookieOptions, base?: Cookie): Cookie {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidCookieError('"cookie" must be an object')
  }
  for (const option of Object.keys(options)) {
    if (!KNOWN.has(option)) {
      // Without repeating it: what stands there by mistake may be anything.
      throw new InvalidCookieError(
        `"cookie" has an unknown option, beside ${[...KNOWN].join(', ')}`,
      )
    }
  }
  // Own properties only: a polluted Object.prototype must not weaken the cookie.
  const own: CookieOptions = Object.assign(Object.create(null), options)
  for (const option of BOOLEANS) {
    const given = own[option]
    if (given !== undefined && typeof given !== 'boolean') {
      throw new InvalidCookieError(`"${option}" must be true or false`)
    }
  }
  const cookie: Cookie = {
    name: own.name ?? base?.name ?? '__Host-session',
    path: own.path ?? base?.path ?? '/',
    domain: own.domain ?? base?.domain,
    secure: own.secure ?? base?.secure ?? true,
    httpOnly: own.httpOnly ?? base?.httpOnly ?? true,
    sameSite: oneOf('sameSite', own.sameSite ?? base?.sameSite ?? 'Lax', SAME_SITE),
    partitioned: own.partitioned ?? base?.partitioned ?? false,
    priority: priorityOf(own.priority ?? base?.priority),
  }
  checkGrammar(cookie)
  checkCombination(cookie)
  checkPrefix(cookie)
  return Object.freeze(cookie)
}

function oneOf(option: string, given: unknown, allowed: ReadonlyMap<string, string>): string {
  const spelled = typeof given === 'string' ? allowed.get(given.toLowerCase()) : undefined
  if (spelled !== undefined) return spelled
  throw new InvalidCookieError(`"${option}" must be one of ${[...allowed.values()].join(', ')}`)
}

function priorityOf(given: string | undefined): string | undefined {
  return given === undefined ? undefined : oneOf('priority', given, PRIORITY)
}

function checkGrammar({ name, path, domain }: Cookie): void {
  if (typeof name !== 'string' || !TOKEN.test(name)) {
    throw new InvalidCookieError('"name" must be an HTTP token')
  }
  if (name.length > MAX_NAME_BYTES) {
    throw new InvalidCookieError(`"name" must be at most ${MAX_NAME_BYTES} bytes`)
  }
  if (typeof path !== 'string' || !PATH.test(path)) {
    throw new InvalidCookieError(
      '"path" must start with / and hold no control character or semicolon',
    )
  }
  if (path.length > MAX_ATTRIBUTE_BYTES) {
    throw new InvalidCookieError(`"path" must be at most ${MAX_ATTRIBUTE_BYTES} bytes`)
  }
  if (domain === undefined) return
  if (typeof domain !== 'string' || !DOMAIN.test(domain) || domain.length > 253) {
    throw new InvalidCookieError('"domain" must be a host name without a leading dot')
  }
}

function checkCombination({ secure, sameSite, partitioned }: Cookie): void {
  if (sameSite === 'None' && !secure) {
    throw new InvalidCookieError('"sameSite" None requires "secure"')
  }
  if (partitioned && !secure) throw new InvalidCookieError('"partitioned" requires "secure"')
}

function checkPrefix({ name, path, domain, secure, httpOnly }: Cookie): void {
  const lower = name.toLowerCase()
  const rule = PREFIXES.find(({ prefix }) => lower.startsWith(prefix.toLowerCase()))
  if (rule === undefined) return
  const { prefix } = rule
  if (!name.startsWith(prefix)) {
    throw new InvalidCookieError(`"name" must spell its prefix ${prefix}`)
  }
  if (!secure) throw new InvalidCookieError(`a name with ${prefix} requires "secure"`)
  if (rule.httpOnly && !httpOnly) {
    throw new InvalidCookieError(`a name with ${prefix} requires "httpOnly"`)
  }
  if (!rule.host) return
  if (domain !== undefined) throw new InvalidCookieError(`a name with ${prefix} allows no "domain"`)
  if (path !== '/') throw new InvalidCookieError(`a name with ${prefix} requires "path" /`)
}
