import { assertOneOf } from './options.ts'
import { assertPeriod, ONE_WEEK, periodOf, THIRTY_DAYS } from './period.ts'
import type { Period } from './period.ts'

/** The timeouts of an assurance level of NIST SP 800-63B-4: §2.1.3, §2.2.3, §2.3.3. */
export type Profile = 'nist-aal1' | 'nist-aal2' | 'nist-aal3'

/** A timeout that a profile has a figure for. */
export type Timeout = 'period' | 'absolute'

/** The timeouts of a policy, checked and filled in. */
export interface Timeouts {
  /** The idle timeout now. */
  readonly defaultPeriod: () => Period
  readonly absolute: Period
  readonly profile: Profile | undefined
  /** Those that are longer than the profile has them now. */
  readonly exceeding: () => readonly Timeout[]
}

/** The code of the warning that a timeout is longer than its profile has it. */
export const PROFILE_WARNING = 'SOJOURN_PROFILE_EXCEEDED'

// AAL1 leaves the idle timeout open: the usual one, then, and no warning whatever it is.
const LIMITS: Readonly<Record<Profile, { readonly [Name in Timeout]?: Period }>> = {
  'nist-aal1': { absolute: 2_592_000 },
  'nist-aal2': { period: 3600, absolute: 86_400 },
  'nist-aal3': { period: 900, absolute: 43_200 },
}

/**
 * The timeouts that a policy asks for: its own, else those of its profile, else a week and thirty days. One that is
 * longer than its profile has it counts, and is the process's warning, once for each backend.
 *
 * @throws InvalidPeriodError when one of them is out of range.
 * @throws TypeError when there is no such profile.
 */
export function timeoutsOf(policy: {
  readonly profile?: Profile | undefined
  readonly period?: Period | (() => Period) | undefined
  readonly absolute?: Period | undefined
}): Timeouts {
  const { profile } = policy
  const limits = profile === undefined ? {} : limitsOf(profile)
  const { period = limits.period ?? ONE_WEEK, absolute = limits.absolute ?? THIRTY_DAYS } = policy
  const periodNow = periodOf('period', period)
  assertPeriod('absolute', absolute)
  const warned = new Set<Timeout>()

  function exceeds(name: Timeout, seconds: Period): boolean {
    const limit = limits[name]
    if (limit === undefined || seconds <= limit) return false
    if (!warned.has(name)) {
      warned.add(name)
      process.emitWarning(`"${name}" is longer than the ${limit} seconds of "${profile}"`, {
        code: PROFILE_WARNING,
      })
    }
    return true
  }

  /** A period that varies is judged whenever it is asked for. */
  function defaultPeriod(): Period {
    const seconds = periodNow()
    exceeds('period', seconds)
    return seconds
  }

  const exceeding = (): Timeout[] => {
    const now = { period: periodNow(), absolute }
    return (['period', 'absolute'] as const).filter((name) => exceeds(name, now[name]))
  }
  exceeds('absolute', absolute)
  if (typeof period === 'number') exceeds('period', period)
  return { defaultPeriod, absolute, profile, exceeding }
}

function limitsOf(profile: Profile): (typeof LIMITS)[Profile] {
  assertOneOf('profile', profile, Object.keys(LIMITS))
  return LIMITS[profile]
}
