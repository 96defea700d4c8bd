import { InvalidPeriodError } from './errors.ts'

/** A span of time in whole seconds, as in the original. Anything else carries its unit in its name. */
export type Period = number

/** One week: the default idle period, as in the original. */
export const ONE_WEEK: Period = 604_800

/** Thirty days: the default absolute lifetime (NIST SP 800-63B-4 §2.1.3: at most 30 days at AAL1). */
export const THIRTY_DAYS: Period = 2_592_000

/** 400 days, the longest lifetime a browser grants a cookie (RFC 6265bis §5.5). */
export const MAX_PERIOD: Period = 34_560_000

/**
 * Accepts a period of 1 second to 400 days.
 *
 * @throws InvalidPeriodError when `period` is anything but a whole number in that range.
 */
export function assertPeriod(name: string, period: unknown): asserts period is Period {
  if (!Number.isInteger(period) || (period as number) < 1 || (period as number) > MAX_PERIOD) {
    throw new InvalidPeriodError(
      `"${name}" must be a whole number of seconds from 1 to ${MAX_PERIOD}`,
    )
  }
}

/**
 * Accepts what a backend accepts as expiry: the same range, and 0 or less, which means born expired.
 *
 * @throws InvalidPeriodError when `expiry` is not a whole number, or is longer than 400 days.
 */
export function assertExpiry(name: string, expiry: unknown): asserts expiry is Period {
  if (!Number.isSafeInteger(expiry) || (expiry as number) > MAX_PERIOD) {
    throw new InvalidPeriodError(`"${name}" must be a whole number of seconds up to ${MAX_PERIOD}`)
  }
}

/**
 * The period that an option gives, which may vary: one that does is checked each time, any other here and now.
 *
 * @throws InvalidPeriodError when the period is out of range; the returned function too.
 */
export function periodOf(name: string, period: Period | (() => Period)): () => Period {
  if (typeof period !== 'function') {
    assertPeriod(name, period)
    return () => period
  }
  return () => {
    const now = period()
    assertPeriod(name, now)
    return now
  }
}

/** The whole seconds left at `nowMs` until `expiresAtMs`, rounded up, so that a live session never shows 0. */
export function periodLeft(expiresAtMs: number, nowMs: number): Period {
  return Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1000))
}
