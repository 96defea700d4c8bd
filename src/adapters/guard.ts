/**
 * The guard against requests that other sites make with a user's session (CSRF).
 *
 * @module `sojourn/adapters/guard`
 */
import { CrossSiteRequestError } from '../core/errors.ts'
import type { RefusalReason } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import { isExempt, isUnsafe, originEvidence, readRefusal } from './guard/evidence.ts'
import { checkGuardOptions } from './guard/options.ts'
import type { GuardOptions, GuardRules } from './guard/options.ts'
import { headerOf } from './guard/request.ts'
import type { GuardedRequest } from './guard/request.ts'
import { isTokenOf, tokenOf } from './guard/token.ts'

export type { GuardOptions } from './guard/options.ts'
export type { GuardedRequest } from './guard/request.ts'

/**
 * Why a request may go on. `user`: typed, bookmarked, or made by the browser itself; `no_cookie`: nothing says where it
 * comes from, and it carries no cookie that could be misused.
 */
export type PassReason =
  | 'exempt'
  | 'safe'
  | 'same_origin'
  | 'same_site'
  | 'trusted_origin'
  | 'user'
  | 'token'
  | 'no_cookie'

/** What a guard makes of a request. */
export type Verdict =
  | { readonly ok: true; readonly reason: PassReason }
  | { readonly ok: false; readonly reason: RefusalReason }

/** What the application knows of a request and the guard does not read itself. */
export interface Claim {
  /** The request's session, which is loaded only where a token is to be checked; or a session that is loaded already. */
  readonly session?: { load(): Promise<Session | undefined> } | Session | undefined
  /** The token, where a form has brought it. Default: the header's. */
  readonly token?: string | undefined
}

/** The part of `ServerResponse` and `Http2ServerResponse` that a guard writes its refusal to. */
export interface RefusedResponse {
  writeHead(status: number, headers: Record<string, string>): unknown
  end(text: string): unknown
}

/**
 * Judges requests. None of its answers depends on anything that a page of another site can write, and what a client
 * sends makes none of them reject. Where a token is checked, a session that cannot be loaded does, as `load` rejects.
 */
export interface Guard {
  /** Whether the request may go on, and why. */
  check(request: GuardedRequest, claim?: Claim): Promise<Verdict>

  /** Resolves if the request may go on. @throws CrossSiteRequestError with the reason, when it may not. */
  assert(request: GuardedRequest, claim?: Claim): Promise<void>

  /** For `node:http`: true if the request may go on; otherwise answers it with status 403. */
  node(request: GuardedRequest, response: RefusedResponse, claim?: Claim): Promise<boolean>

  /** For fetch: `undefined` if the request may go on; otherwise the answer to it, with status 403. */
  fetch(request: GuardedRequest, claim?: Claim): Promise<Response | undefined>

  /**
   * A token of the session, for a form's hidden field or a page's script: 86 characters, other ones at each call.
   * Good as long as the session's key is (or, with `secrets`, until the session ends), and dead at login and logout.
   */
  token(session: Session): string

  /** What answers depend on: to append to `Vary` on cacheable ones, where `allowedDestinations` is set. */
  readonly vary: string
}

const VARY = 'Sec-Fetch-Site, Sec-Fetch-Mode, Sec-Fetch-Dest, Origin'
const REFUSAL = { 'Cache-Control': 'no-store', 'Content-Type': 'text/plain', Vary: VARY }

/**
 * Makes a guard. A request by another method than GET, HEAD, OPTIONS or TRACE, or a WebSocket's handshake, goes on if:
 * `Sec-Fetch-Site` says that it comes from this origin or from the user; or without that header, `Origin`, or else
 * `Referer`, does; or where all are silent, it has a token of its session, or no cookie at all. All else is refused.
 *
 * @throws TypeError for an option that is unknown or not as described.
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import type { SessionManager } from 'sojourn'
 * import { createGuard } from 'sojourn/adapters/guard'
 * import { createNodeAdapter } from 'sojourn/adapters/node'
 *
 * declare const sessions: SessionManager<number>
 * const session = createNodeAdapter(sessions)
 * const guard = createGuard({ origin: 'https://app.example' })
 *
 * createServer(async (request, response) => {
 *   if (!(await guard.node(request, response, { session: session(request, response) }))) return
 *   response.end('done')
 * }).listen(3000)
 * ```
 */
export function createGuard(options: GuardOptions = {}): Guard {
  const rules = checkGuardOptions(options)
  const judge = (request: GuardedRequest, claim: Claim = {}): Promise<Verdict> =>
    check(rules, request, claim)
  return {
    check: judge,

    async assert(request, claim) {
      const { ok, reason } = await judge(request, claim)
      if (!ok) throw new CrossSiteRequestError(`the request was refused: ${reason}`, { reason })
    },

    async node(request, response, claim) {
      const { ok, reason } = await judge(request, claim)
      if (ok) return true
      response.writeHead(403, REFUSAL)
      response.end(textOf(reason))
      return false
    },

    async fetch(request, claim) {
      const { ok, reason } = await judge(request, claim)
      return ok ? undefined : new Response(textOf(reason), { status: 403, headers: REFUSAL })
    },

    token: (session) => tokenOf(session, rules.secrets),

    vary: VARY,
  }
}

function textOf(reason: string): string {
  return `Forbidden: ${reason}\n`
}

async function check(rules: GuardRules, request: GuardedRequest, claim: Claim): Promise<Verdict> {
  if (isExempt(rules, request)) return { ok: true, reason: 'exempt' }
  const refusal = readRefusal(rules, request)
  if (refusal !== undefined) return { ok: false, reason: refusal }
  if (!isUnsafe(rules, request)) return { ok: true, reason: 'safe' }
  const { requiredHeader, requireToken } = rules
  if (requiredHeader !== undefined && headerOf(request, requiredHeader) === undefined) {
    return { ok: false, reason: 'header_missing' }
  }
  const evidence = originEvidence(rules, request)
  if (evidence.ok === 'unknown') return checkUnknown(rules, request, claim, evidence.reason)
  if (!evidence.ok || !requireToken) return evidence
  const proof = await checkToken(rules, request, claim)
  return proof === 'no_session' || proof.ok ? evidence : proof
}

/** The request of a client that says nothing of where it comes from. */
async function checkUnknown(
  rules: GuardRules,
  request: GuardedRequest,
  claim: Claim,
  reason: 'opaque_origin' | 'no_evidence',
): Promise<Verdict> {
  const harmless = (headerOf(request, 'cookie') ?? '') === '' && !rules.strict
  // An opaque origin is a page's, and a page may want to log its visitor in as somebody else.
  if (harmless && reason === 'no_evidence') return { ok: true, reason: 'no_cookie' }
  if (tokenIn(rules, request, claim) === undefined) return { ok: false, reason }
  const proof = await checkToken(rules, request, claim)
  return proof === 'no_session' ? { ok: false, reason } : proof
}

async function checkToken(
  rules: GuardRules,
  request: GuardedRequest,
  claim: Claim,
): Promise<Verdict | 'no_session'> {
  if (rules.requireToken && !('session' in claim)) {
    throw new TypeError('"session" must be given where tokens are required')
  }
  const { session: given } = claim
  const session = given !== undefined && 'load' in given ? await given.load() : given
  if (session === undefined) return 'no_session'
  const token = tokenIn(rules, request, claim)
  if (token === undefined) return { ok: false, reason: 'token_missing' }
  if (isTokenOf(session, rules.secrets, token)) return { ok: true, reason: 'token' }
  return { ok: false, reason: 'token_invalid' }
}

function tokenIn(
  { tokenHeader }: GuardRules,
  request: GuardedRequest,
  { token }: Claim,
): string | undefined {
  const text: unknown = token ?? headerOf(request, tokenHeader)
  // Parsers of forms make arrays and objects of fields that are named twice.
  return typeof text === 'string' ? text : undefined
}
