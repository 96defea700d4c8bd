/**
 * Sessions without a store: the value is sealed into the cookie itself.
 *
 * @module `sojourn/backends/cookie`
 */
import { createKeyRing } from './cookie/key-ring.ts'
import type { Secret } from './cookie/key-ring.ts'
import { createRevocations } from './cookie/revocations.ts'
import type { RevocationStore } from './cookie/revocations.ts'
import { createStatelessBackend } from './cookie/stateless.ts'
import type { LifecyclePolicy } from '../core/lifecycle.ts'
import { assertFunction, assertOptions } from '../core/options.ts'
import { timeoutsOf } from '../core/profile.ts'
import type { StatelessBackend } from '../core/session-backend.ts'
import { assertTimeLimit } from '../core/time-limit.ts'

export type { Secret } from './cookie/key-ring.ts'
export { createMemoryRevocations } from './cookie/revocations.ts'
export type { RevocationStore } from './cookie/revocations.ts'

/** Options of `createCookieBackend`. */
export interface CookieBackendOptions extends Pick<
  LifecyclePolicy,
  'profile' | 'period' | 'absolute'
> {
  /**
   * The newest first: it seals, and all of them open. Each is random text of at least 32 characters, or at least 32
   * random bytes. To rotate, put a new one in front, and take the last one out when `absolute` has passed.
   */
  readonly secrets: readonly Secret[]
  /**
   * Whose cookies these are: a name of the application and of the cookie's purpose, such as `shop session`. What was
   * sealed for another audience does not open, even under the same secret.
   */
  readonly audience: string
  /**
   * How long a sealed session may be: 512 to 12,288 characters, which make one to four cookies. About three quarters
   * of it, less 250, are left for the value. A larger value is refused with `InvalidValueError`. Default: 7,168, since
   * many proxies accept no more than 8 KiB of cookies.
   */
  readonly maxBytes?: number | undefined
  /** Where ended sessions are remembered. Default: nowhere, and then nothing but time ends a stolen cookie. */
  readonly revocations?: RevocationStore | undefined
  /** Milliseconds that a call of `revocations` may take. Default: 5,000. */
  readonly timeoutMs?: number | undefined
  /** The clock that sessions are judged by: epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** Options with somewhere to remember ended sessions. */
export interface RevocableOptions extends CookieBackendOptions {
  readonly revocations: RevocationStore
}

/** Options without. */
export interface IrrevocableOptions extends CookieBackendOptions {
  readonly revocations?: undefined
}

/** A cookie backend. What it cannot do is in its type. */
export interface CookieBackend<
  R extends 'none' | 'store' = 'none' | 'store',
> extends StatelessBackend {
  /** Nothing is compared with what another request has written: of two answers at once, the last to arrive wins. */
  readonly conditionalWrites: 'none'
  /**
   * What ends a session before its time. `store`: what `clear`, `clearHandle`, `clearSubject` and `rotate` have ended
   * is dead everywhere. `none`: `clear` and `rotate` only change the browser's own cookie, **and a copy of it is good
   * until it expires** (ASVS 7.4.1 is not met); `clearHandle` and `clearSubject` reject with `UnsupportedOperationError`.
   */
  readonly revocation: R
}

const OPTIONS = [
  'secrets',
  'audience',
  'maxBytes',
  'revocations',
  'timeoutMs',
  'now',
  'profile',
  'period',
  'absolute',
]
const MAX_BYTES = 12_288
const LEAST_BYTES = 512

/**
 * Makes a backend that keeps sessions in their cookies, sealed by AES-256-GCM under keys derived from `secrets`, and
 * judged by this server's clock. It makes no call to anything, but for `revocations` where they are given.
 *
 * It cannot tell conflicts: `update` needs `{ unversioned: true }`, and of two requests at once the one whose answer
 * arrives last wins. It cannot list sessions: `list` and `clearAll` reject with `UnsupportedOperationError`, and so does
 * `clearSubject` with `except`; without it, the count it resolves to is `NaN`.
 *
 * @throws TypeError or RangeError when an option is not as described.
 * @throws InvalidPeriodError when a period is out of range.
 * @example
 * ```ts
 * import { createSessionManager } from 'sojourn'
 * import { createCookieBackend } from 'sojourn/backends/cookie'
 *
 * const backend = createCookieBackend({
 *   secrets: [process.env['SESSION_SECRET'] ?? ''],
 *   audience: 'shop session',
 * })
 * export const sessions = createSessionManager<{ cart: string[] }>({ backend })
 * ```
 */
export function createCookieBackend(options: RevocableOptions): CookieBackend<'store'>
export function createCookieBackend(options: IrrevocableOptions): CookieBackend<'none'>
export function createCookieBackend(options: CookieBackendOptions): CookieBackend
export function createCookieBackend(options: CookieBackendOptions): CookieBackend {
  assertOptions('createCookieBackend', options, OPTIONS)
  const { secrets, audience, revocations, timeoutMs = 5000, now = Date.now } = options
  const { maxBytes = 7168 } = options
  if (typeof audience !== 'string' || audience === '' || !audience.isWellFormed()) {
    throw new TypeError('"audience" must be a non-empty string without lone surrogates')
  }
  if (!Number.isInteger(maxBytes) || maxBytes < LEAST_BYTES || maxBytes > MAX_BYTES) {
    throw new RangeError(`"maxBytes" must be a whole number from ${LEAST_BYTES} to ${MAX_BYTES}`)
  }
  assertFunction('now', now)
  const timeouts = timeoutsOf(options)
  assertTimeLimit('timeoutMs', timeoutMs)
  assertRevocations(revocations)
  const absoluteMs = timeouts.absolute * 1000
  const backend = createStatelessBackend({
    ring: createKeyRing(secrets, audience),
    timeouts,
    maxBytes,
    longest: MAX_BYTES,
    now,
    revocations: revocations && createRevocations(revocations, absoluteMs, timeoutMs),
  })
  const revocation = revocations === undefined ? ('none' as const) : ('store' as const)
  return Object.assign(backend, { conditionalWrites: 'none' as const, revocation })
}

function assertRevocations(revocations: RevocationStore | undefined): void {
  if (revocations === undefined) return
  const methods = ['notBefore', 'setNotBefore'] as const
  if (methods.some((method) => typeof revocations?.[method] !== 'function')) {
    throw new TypeError('"revocations" must have the functions notBefore and setNotBefore')
  }
}
