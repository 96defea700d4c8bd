import { assertBoolean, assertFunction, assertOneOf, assertOptions } from '../../core/options.ts'
import type { GuardedRequest } from './request.ts'

/** Options of `createGuard`. */
export interface GuardOptions {
  /**
   * The origin, or origins, at which users see this application, as `https://app.example`: scheme, host, and the
   * port unless it is the scheme's own. It is what `Origin` and `Referer` are compared with. Name it behind a proxy,
   * which may rewrite `Host`, and against pages of the same host over plain HTTP. Default: whatever has the host
   * that the request asked for.
   */
  readonly origin?: string | readonly string[] | undefined
  /** Origins of others whose pages may write here, with the user's session. Default: none. */
  readonly trustedOrigins?: readonly string[] | undefined
  /**
   * Whether other origins of the same site may write here: sibling subdomains, and other ports of the host. `allow`
   * only where all of them are yours. Default: refuse.
   */
  readonly sameSite?: 'refuse' | 'allow' | undefined
  /**
   * Requests that are not judged: exact paths, letter by letter and without the query, or a function. For what others
   * call without a browser and sign in their own way, such as webhooks. Default: none.
   */
  readonly exempt?: readonly string[] | ((request: GuardedRequest) => boolean) | undefined
  /** Requests to judge although their method is safe, such as a GET that logs out. Default: none. */
  readonly unsafe?: ((request: GuardedRequest) => boolean) | undefined
  /**
   * What pages of other sites may load by GET and HEAD, as `Sec-Fetch-Dest` names it (ASVS 3.5.8): with `['document']`
   * links and redirects to here work, and images, frames, scripts and `fetch` do not. Browsers that send no `Sec-Fetch-*`
   * are not judged. Default: everything.
   */
  readonly allowedDestinations?: readonly string[] | undefined
  /**
   * A header that every judged request must have (ASVS 3.5.2), such as `x-requested-with`: one that no page of another
   * origin can send without asking first (CORS). For applications whose pages write by `fetch` alone, since forms send
   * no headers. Default: none.
   */
  readonly requiredHeader?: string | undefined
  /** Also asks for the token where a request has a session. Default: false, the headers of the browser decide. */
  readonly requireToken?: boolean | undefined
  /** The header that brings the token. Default: `x-csrf-token`. */
  readonly tokenHeader?: string | undefined
  /**
   * Secrets of the server, 32 characters or more, to make tokens of instead of the session's own secret: the first makes
   * them, all are accepted. A token then outlives renewals of the key. Default: the session's secret, nothing to keep.
   */
  readonly secrets?: readonly string[] | undefined
  /**
   * Refuses a request without any evidence even if it carries no cookie. For applications that know users by what
   * browsers send by themselves and is no cookie: client certificates, HTTP authentication, addresses. Default: false.
   */
  readonly strict?: boolean | undefined
}

/** What a guard goes by: its options, checked. */
export interface GuardRules {
  readonly origins: ReadonlySet<string> | undefined
  readonly trusted: ReadonlySet<string>
  readonly allowSameSite: boolean
  readonly exempt: ReadonlySet<string> | ((request: GuardedRequest) => boolean)
  readonly unsafe: ((request: GuardedRequest) => boolean) | undefined
  readonly destinations: ReadonlySet<string> | undefined
  readonly requiredHeader: string | undefined
  readonly requireToken: boolean
  readonly tokenHeader: string
  readonly secrets: readonly string[] | undefined
  readonly strict: boolean
}

const OPTIONS = [
  'origin',
  'trustedOrigins',
  'sameSite',
  'exempt',
  'unsafe',
  'allowedDestinations',
  'requiredHeader',
  'requireToken',
  'tokenHeader',
  'secrets',
  'strict',
]
// RFC 9110 §5.6.2. Headers are looked up in lower case.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
// CORS-safelisted (Fetch §2.2.2) or written by browsers themselves: any page can make a request that has them.
const SENT_ANYWAY =
  /^(accept|access-control|content|if|ping|proxy|sec|service-worker|upgrade|x-forwarded)(-.*)?$/
const SENT_ALONE = new Set(
  `authorization cache-control connection cookie date device-memory dnt downlink dpr early-data ect expect forwarded
  from host keep-alive last-event-id origin pragma priority purpose range referer rtt save-data te trailer
  transfer-encoding user-agent via viewport-width width x-moz x-purpose`.split(/\s+/),
)
const LEAST_SECRET = 32

/**
 * Checks the options of a guard.
 *
 * @throws TypeError for one that is unknown or not as described.
 */
export function checkGuardOptions(options: GuardOptions): GuardRules {
  assertOptions('createGuard', options, OPTIONS)
  const { origin, trustedOrigins = [], sameSite = 'refuse', exempt = [], unsafe } = options
  const { allowedDestinations, requiredHeader, tokenHeader = 'x-csrf-token', secrets } = options
  const { requireToken = false, strict = false } = options
  assertBoolean('requireToken', requireToken)
  assertBoolean('strict', strict)
  assertOneOf('sameSite', sameSite, ['refuse', 'allow'])
  if (unsafe !== undefined) assertFunction('unsafe', unsafe)
  return {
    origins: origin === undefined ? undefined : ownOrigins(origin),
    trusted: originsOf('trustedOrigins', trustedOrigins),
    allowSameSite: sameSite === 'allow',
    exempt: typeof exempt === 'function' ? exempt : new Set(pathsOf(exempt)),
    unsafe,
    destinations:
      allowedDestinations === undefined ? undefined : destinationsOf(allowedDestinations),
    requiredHeader: requiredHeader === undefined ? undefined : requiredHeaderOf(requiredHeader),
    requireToken,
    tokenHeader: headerName('tokenHeader', tokenHeader),
    secrets: secrets === undefined ? undefined : secretsOf(secrets),
    strict,
  }
}

function ownOrigins(origin: string | readonly string[]): ReadonlySet<string> {
  const origins = originsOf('origin', typeof origin === 'string' ? [origin] : origin)
  if (origins.size === 0) throw new TypeError('"origin" must name an origin at least')
  return origins
}

function originsOf(option: string, origins: readonly string[]): ReadonlySet<string> {
  if (Array.isArray(origins) && origins.every(isOrigin)) return new Set(origins)
  throw new TypeError(`"${option}" must be origins such as "https://app.example"`)
}

/** As browsers write it, so that texts can be compared. Applications in a shell have schemes of their own. */
function isOrigin(origin: unknown): boolean {
  if (typeof origin !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+$/.test(origin))
    return false
  if (!URL.canParse(origin)) return false
  return !/^https?:/.test(origin) || new URL(origin).origin === origin
}

function pathsOf(exempt: unknown): readonly string[] {
  const isPath = (path: unknown): boolean => typeof path === 'string' && /^\/[^?#*]*$/.test(path)
  if (Array.isArray(exempt) && exempt.every(isPath)) return exempt
  throw new TypeError('"exempt" must be exact paths such as "/hooks/payment", or a function')
}

function destinationsOf(destinations: readonly string[]): ReadonlySet<string> {
  const isName = (name: unknown): boolean => typeof name === 'string' && /^[a-z]+$/.test(name)
  if (Array.isArray(destinations) && destinations.every(isName)) return new Set(destinations)
  throw new TypeError('"allowedDestinations" must be names of Sec-Fetch-Dest such as "document"')
}

function headerName(option: string, name: unknown): string {
  const lower = typeof name === 'string' ? name.toLowerCase() : ''
  if (TOKEN.test(lower)) return lower
  throw new TypeError(`"${option}" must be the name of a header`)
}

function requiredHeaderOf(name: unknown): string {
  const lower = headerName('requiredHeader', name)
  if (!SENT_ANYWAY.test(lower) && !SENT_ALONE.has(lower)) return lower
  throw new TypeError('"requiredHeader" must be a header that browsers do not send by themselves')
}

function secretsOf(secrets: readonly string[]): readonly string[] {
  const isSecret = (secret: unknown): boolean =>
    typeof secret === 'string' && secret.length >= LEAST_SECRET
  if (Array.isArray(secrets) && secrets.length > 0 && secrets.every(isSecret)) return [...secrets]
  throw new TypeError(`"secrets" must be texts of at least ${LEAST_SECRET} characters`)
}
