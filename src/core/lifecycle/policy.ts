import { assertBoolean, assertCount, assertOneOf } from '../options.ts'
import { assertPeriod } from '../period.ts'
import type { Period } from '../period.ts'
import { describeTimeouts } from '../policy-description.ts'
import type { PolicyDescription } from '../policy-description.ts'
import { timeoutsOf } from '../profile.ts'
import type { Profile, Timeouts } from '../profile.ts'
import type { SubjectLimit } from '../store.ts'
import { assertTimeLimit } from '../time-limit.ts'
import type { Engine } from './engine.ts'

/** How long sessions live. */
export interface LifecyclePolicy {
  /**
   * Timeouts for what the logins are worth, as NIST SP 800-63B-4 has them: 30 days at AAL1; 24 hours, and one without
   * use, at AAL2; 12 hours, and 15 minutes without use, at AAL3. A longer `period` or `absolute` beside it counts, and is
   * a warning of the process. Default: none.
   */
  readonly profile?: Profile | undefined
  /** Idle timeout in seconds, moved by use. A function may vary it over time. Default: the profile's, else one week. */
  readonly period?: Period | (() => Period) | undefined
  /** Absolute lifetime in seconds, from creation or the last authentication. Default: the profile's, else 30 days. */
  readonly absolute?: Period | undefined
  /** How many live sessions a subject may have, at least 1. Default: no bound. */
  readonly maxPerSubject?: number | undefined
  /** Beyond that, refuse the login with `SubjectLimitError`, or end the subject's oldest session. Default: refuse. */
  readonly atLimit?: 'refuse' | 'evict_oldest' | undefined
  /**
   * Seconds for which the old key stays good once the new key of a `renew` has been seen. It covers requests under
   * way, and no more than that. Default: 60.
   */
  readonly renewGrace?: Period | undefined
  /**
   * Seconds after which a request's session is given a new key by `renew`, on its first use in a request; longer than
   * `renewGrace`. In the last `renewGrace` seconds before, no response sets the old key again. Default: never.
   */
  readonly renewAfter?: Period | undefined
  /**
   * What to do when the key before the current one comes back after its grace, as a stolen copy would: publish
   * `sojourn:key.reused` and find nothing, or end the session too. Default: report.
   */
  readonly onReuse?: 'report' | 'end' | undefined
  /**
   * Seals each value under a key that only the session's own key leads to, so that the store holds no value in clear.
   * A record that is not sealed, or not as it was sealed, is then a `BackendError`; without it, one that is sealed.
   * `docs/sealed-values.md` says what that costs and what it does not hide. Default: false.
   */
  readonly sealed?: boolean | undefined
  /**
   * Milliseconds that one call of the store may take; `clearAll`, which touches every record, has sixty times as long.
   * Beyond it, the operation rejects with `BackendError`; whether it was done is then unknown, as with any fault of
   * a store. The memory and SQLite backends answer within the call, so none of theirs is given up. Default: no limit; a
   * backend on a server states its own.
   */
  readonly timeoutMs?: number | undefined
}

/** A policy whose options have been checked and filled in. */
export interface CheckedPolicy extends Timeouts {
  readonly limit: SubjectLimit | undefined
  readonly renewGrace: Period
  readonly renewAfter: Period | undefined
  readonly onReuse: 'report' | 'end'
  readonly sealed: boolean
  /** The time that a call of the store has, or `undefined` for all the time there is. */
  readonly timeoutMs: number | undefined
}

const ONE_MINUTE: Period = 60

/**
 * Checks a policy.
 *
 * @throws InvalidPeriodError when a period is out of range.
 * @throws TypeError or RangeError when another of its options is not as described.
 */
export function checkPolicy(policy: LifecyclePolicy): CheckedPolicy {
  const { sealed = false, timeoutMs } = policy
  const limit = limitOf(policy)
  const timeouts = timeoutsOf(policy)
  assertBoolean('sealed', sealed)
  if (timeoutMs !== undefined) assertTimeLimit('timeoutMs', timeoutMs)
  return {
    ...timeouts,
    limit,
    ...renewalOf(policy),
    sealed,
    timeoutMs,
  }
}

function renewalOf({ renewGrace = ONE_MINUTE, renewAfter, onReuse = 'report' }: LifecyclePolicy) {
  assertPeriod('renewGrace', renewGrace)
  if (renewAfter !== undefined) {
    assertPeriod('renewAfter', renewAfter)
    if (renewAfter <= renewGrace) {
      throw new RangeError('"renewAfter" must be longer than "renewGrace"')
    }
  }
  assertOneOf('onReuse', onReuse, ['report', 'end'])
  return { renewGrace, renewAfter, onReuse }
}

function limitOf({ maxPerSubject, atLimit = 'refuse' }: LifecyclePolicy): SubjectLimit | undefined {
  assertOneOf('atLimit', atLimit, ['refuse', 'evict_oldest'])
  if (maxPerSubject === undefined) return undefined
  assertCount('maxPerSubject', maxPerSubject)
  return { maxPerSubject, atLimit }
}

/** `SessionBackend.describePolicy`. */
export function describePolicy({ policy, times }: Engine): PolicyDescription {
  const { limit, renewGrace, renewAfter, onReuse, sealed } = policy
  return {
    ...describeTimeouts(policy),
    ...limit,
    renewGrace,
    ...(renewAfter === undefined ? {} : { renewAfter }),
    onReuse,
    sealed,
    ...(times === undefined ? {} : { timeoutMs: times.call.ms }),
  }
}
