import { assertAssurance } from './assurance.ts'
import type { Assurance } from './assurance.ts'
import { InvalidValueError } from './errors.ts'
import type { Extra } from './extra.ts'
import { encodeLabels } from './labels.ts'
import { assertFunction, assertOptions } from './options.ts'
import { assertPeriod } from './period.ts'
import type { Period } from './period.ts'
import type { Labels, RotateOptions } from './session-backend.ts'

/** What the application says of an authentication. */
export interface Authentication {
  /**
   * What it was worth: the session's level from now on, higher or lower than before. A session that has a level is not
   * authenticated again without one. Default: none.
   */
  readonly assurance?: Assurance | undefined
  /**
   * Seconds that the session lives from now at the most, 1 to 400 days; the policy's `absolute` where that is shorter. For
   * an identity provider that wants its users back sooner. Default: as at the authentication before, else the policy's.
   */
  readonly absolute?: Period | undefined
}

/**
 * Accepts what is said of an authentication.
 *
 * @throws TypeError when it names no level, or a level where nobody has `authenticated`.
 * @throws InvalidPeriodError when `absolute` is out of range.
 */
export function assertAuthentication(
  { assurance, absolute }: Authentication,
  authenticated: boolean,
): void {
  if (absolute !== undefined) assertPeriod('absolute', absolute)
  if (assurance === undefined) return
  assertAssurance(assurance)
  if (!authenticated) throw new TypeError('"assurance" is that of an authentication')
}

/**
 * Accepts the options of a login, so that a wrong one is refused before anything has changed. A misspelt `carryOver`
 * that nobody notices would leave the visitor's whole value to the user.
 *
 * @throws TypeError when one is not known, no level or no function.
 * @throws InvalidPeriodError when `absolute` is out of range.
 * @throws InvalidValueError when `labels` are none.
 */
export function assertBinding(
  options: Authentication & { readonly labels?: Labels | undefined; readonly carryOver?: unknown },
): void {
  assertOptions('bind', options, ['assurance', 'absolute', 'labels', 'carryOver'])
  const { labels, carryOver } = options
  assertAuthentication(options, true)
  encodeLabels(labels)
  if (carryOver !== undefined) assertFunction('carryOver', carryOver)
}

/** `assertAuthentication` for a rotation, which moves the end of the session only if it is one. */
export function assertRotation(options: RotateOptions): void {
  const { authenticated = false, absolute } = options
  assertAuthentication(options, authenticated)
  if (absolute !== undefined && !authenticated) {
    throw new TypeError('"absolute" is counted from an authentication')
  }
}

/**
 * The parts of a session after an authentication.
 *
 * @throws InvalidValueError when the session has a level and the authentication none: neither must the session count
 *   for more than the event (NIST SP 800-63B-4 §5.1), nor lose its level without a word.
 */
export function authenticatedExtra(
  extra: Extra,
  { assurance, absolute = extra.absolute }: Authentication,
): Extra {
  if (assurance === undefined && extra.assurance !== undefined) {
    throw new InvalidValueError('"assurance" must be given where the session has a level already')
  }
  if (assurance === extra.assurance && absolute === extra.absolute) return extra
  return { ...extra, assurance, absolute }
}

/** The milliseconds that a session lives at the most, by its own bound and the policy's. */
export function absoluteMsOf(policy: Period, own: Period | undefined): number {
  return Math.min(policy, own ?? policy) * 1000
}
