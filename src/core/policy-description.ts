import type { Period } from './period.ts'
import type { Profile, Timeout, Timeouts } from './profile.ts'

/**
 * What a backend's policy is, as plain data for a log or a review (ASVS 7.1.1, 7.1.2). All times are in seconds but for
 * `timeoutMs`. What a backend does not have, or has no bound for, is left out.
 */
export interface PolicyDescription {
  /** The idle timeout now. */
  readonly period: Period
  /** The absolute lifetime. */
  readonly absolute: Period
  readonly profile?: Profile | undefined
  /** The timeouts that are longer than the profile has them. */
  readonly exceeding: readonly Timeout[]
  readonly maxPerSubject?: number | undefined
  readonly atLimit?: 'refuse' | 'evict_oldest' | undefined
  readonly renewGrace?: Period | undefined
  readonly renewAfter?: Period | undefined
  readonly onReuse?: 'report' | 'end' | undefined
  /** Whether values are sealed under keys that the store does not have. */
  readonly sealed?: boolean | undefined
  /** Milliseconds that one call of the store may take. */
  readonly timeoutMs?: number | undefined
  /** Where there is a near cache: after how many seconds what another process has done is seen at the latest. */
  readonly maxStaleness?: number | undefined
}

/** The part of a description that every backend has. */
export function describeTimeouts({
  defaultPeriod,
  absolute,
  profile,
  exceeding,
}: Timeouts): PolicyDescription {
  const timeouts = { period: defaultPeriod(), absolute, exceeding: exceeding() }
  return profile === undefined ? timeouts : { profile, ...timeouts }
}
