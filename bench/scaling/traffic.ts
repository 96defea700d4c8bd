import { touchDueOf } from '../../src/core/stored-record.ts'

/** How a session is used, and for how long it may be. Times in seconds. */
export interface Traffic {
  /** The idle timeout and the absolute one. */
  readonly period: number
  readonly absolute: number
  /** Requests of a visit that use the session, on average; each may be the last one. */
  readonly pages: number
  /** Between two of them, and between two visits, on average. */
  readonly pageGap: number
  readonly away: number
  /** Shares of visits that end by a logout, and after which nobody comes back. */
  readonly logout: number
  readonly leave: number
  /** Share of requests that write a value. */
  readonly write: number
}

/** What happens in one session, or in all of them in a second. */
export interface Tally {
  /** Seconds that one session lives; sessions that are live at once. */
  readonly live: number
  /** Requests that find the session: each is a read of the store. */
  readonly reads: number
  readonly touches: number
  readonly values: number
  readonly logouts: number
  readonly expiries: number
}

/**
 * Seconds from one extension of a session until a request makes a touch, as the library's own rule has it: the first
 * moment at which that says yes.
 */
export function touchIntervalOf(period: number): number {
  const idleMs = period * 1000
  const isDueAfter = (ms: number): boolean =>
    touchDueOf({ idleMs, expiresAtMs: idleMs, deadlineMs: Infinity, nowMs: ms }) !== undefined
  let [early, late] = [0, idleMs]
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2)
    if (isDueAfter(middle)) late = middle
    else early = middle
  }
  return late / 1000
}
