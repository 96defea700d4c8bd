/** A clock that stands still until it is told to move. */
export interface TestClock {
  /** Epoch milliseconds: the `now` that the memory and SQLite backends take. */
  readonly now: () => number
  /** Moves the clock forward by `seconds`, or by a part of a second. */
  readonly advance: (seconds: number) => void
}

/**
 * Makes a clock that shows `startMs` until it is advanced.
 *
 * @example
 * ```ts
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 * import { createTestClock } from 'sojourn/testing'
 *
 * const clock = createTestClock()
 * const backend = createMemoryBackend({ period: 10, now: clock.now })
 * clock.advance(10)
 * ```
 */
export function createTestClock(startMs: number = Date.UTC(2026, 0, 1)): TestClock {
  let nowMs = startMs
  return {
    now: () => nowMs,
    advance: (seconds) => {
      if (!(seconds >= 0)) throw new RangeError('"seconds" must be a number of at least 0')
      nowMs += Math.round(seconds * 1000)
    },
  }
}
