import type { RefusalReason } from '../../core/errors.ts'
import type { GuardRules } from './options.ts'
import { headerOf, hostOf, pathOf, urlOf } from './request.ts'
import type { GuardedRequest } from './request.ts'

/** What browsers say of where a request comes from. `unknown`: nothing that decides. */
export type Evidence =
  | { readonly ok: true; readonly reason: 'same_origin' | 'same_site' | 'trusted_origin' | 'user' }
  | {
      readonly ok: false
      readonly reason: 'cross_site' | 'same_site' | 'cross_origin' | 'navigation'
    }
  | { readonly ok: 'unknown'; readonly reason: 'opaque_origin' | 'no_evidence' }

// RFC 9110 §9.2.1. A method in other letters is another method, and not safe.
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
const READS = new Set(['GET', 'HEAD'])

/** Whether the rules leave the request alone. */
export function isExempt({ exempt }: GuardRules, request: GuardedRequest): boolean {
  if (typeof exempt === 'function') return asked('exempt', exempt, request)
  const path = exempt.size === 0 ? undefined : pathOf(request)
  return path !== undefined && exempt.has(path)
}

/**
 * Whether the request may change something. The handshake of a WebSocket is a GET that no preflight asks for, and
 * opens a channel for writing (RFC 6455 §10.2).
 */
export function isUnsafe({ unsafe }: GuardRules, request: GuardedRequest): boolean {
  if (request.method === undefined || !SAFE.has(request.method)) return true
  if (/\bwebsocket\b/i.test(headerOf(request, 'upgrade') ?? '')) return true
  return unsafe !== undefined && asked('unsafe', unsafe, request)
}

/** A promise is true too: a function that is async by mistake must not exempt everything. */
function asked(
  option: string,
  ask: (request: GuardedRequest) => boolean,
  request: GuardedRequest,
): boolean {
  const answer: unknown = ask(request)
  if (typeof answer !== 'boolean') throw new TypeError(`"${option}" must return true or false`)
  return answer
}

/**
 * The origin of a request that may change something. `Sec-Fetch-Site` decides where it is there, whatever else is:
 * the browser has compared the origins itself, redirects included. A value of later standards says nothing.
 */
export function originEvidence(rules: GuardRules, request: GuardedRequest): Evidence {
  const origin = headerOf(request, 'origin')
  switch (headerOf(request, 'sec-fetch-site') ?? '') {
    case 'same-origin':
      return { ok: true, reason: 'same_origin' }
    case 'none':
      // A link in a mail, or a page that the user opened and that redirects to here, is a GET of the user's own.
      if (READS.has(request.method ?? '')) return { ok: false, reason: 'navigation' }
      return { ok: true, reason: 'user' }
    case 'same-site':
      if (rules.allowSameSite) return { ok: true, reason: 'same_site' }
      return trustedOr(rules, origin, 'same_site')
    case 'cross-site':
      return trustedOr(rules, origin, 'cross_site')
    default:
      return namedOrigin(rules, request, origin)
  }
}

function trustedOr(
  { trusted }: GuardRules,
  origin: string | undefined,
  reason: 'same_site' | 'cross_site',
): Evidence {
  if (origin !== undefined && trusted.has(origin)) return { ok: true, reason: 'trusted_origin' }
  return { ok: false, reason }
}

/** What `Origin` says, or without one `Referer`, which a page may leave out but not falsify. */
function namedOrigin(
  rules: GuardRules,
  request: GuardedRequest,
  origin: string | undefined,
): Evidence {
  if (origin === 'null') return { ok: 'unknown', reason: 'opaque_origin' }
  const named = origin ?? refererOf(request)
  if (named === undefined) return { ok: 'unknown', reason: 'no_evidence' }
  if (isOwn(rules, request, named)) return { ok: true, reason: 'same_origin' }
  if (rules.trusted.has(named)) return { ok: true, reason: 'trusted_origin' }
  return { ok: false, reason: 'cross_origin' }
}

function refererOf(request: GuardedRequest): string | undefined {
  const url = urlOf(headerOf(request, 'referer'))
  return url !== undefined && /^https?:$/.test(url.protocol) ? url.origin : undefined
}

function isOwn({ origins }: GuardRules, request: GuardedRequest, named: string): boolean {
  if (origins !== undefined) return origins.has(named)
  const page = urlOf(named)
  if (page === undefined || page.origin !== named) return false
  // The scheme is the page's, so that its default port may be left out or not. Host says none itself.
  const host = urlOf(`${page.protocol}//${hostOf(request) ?? ''}`)
  return host?.origin === named
}

/** Why a page of another site may not load this, or `undefined` when it may (ASVS 3.5.8). */
export function readRefusal(rules: GuardRules, request: GuardedRequest): RefusalReason | undefined {
  const { destinations } = rules
  if (destinations === undefined || !READS.has(request.method ?? '')) return undefined
  const site = headerOf(request, 'sec-fetch-site')
  if (site !== 'cross-site' && (site !== 'same-site' || rules.allowSameSite)) return undefined
  if (rules.trusted.has(headerOf(request, 'origin') ?? '')) return undefined
  const destination = headerOf(request, 'sec-fetch-dest') ?? ''
  if (!destinations.has(destination)) return 'destination'
  // A document that is not navigated to would be one that somebody reads.
  const navigates = headerOf(request, 'sec-fetch-mode') === 'navigate'
  return destination === 'document' && !navigates ? 'destination' : undefined
}
