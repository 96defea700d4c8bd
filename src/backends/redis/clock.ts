/** The server's clock, as seen from here. */
export interface ServerClock {
  /** Takes in a time that the server told in answer to something sent at `sentAt` (of `performance.now`). */
  learn(serverMs: number, sentAt: number): void
  /** Whether it has been learned lately enough to go by. */
  readonly fresh: boolean
  /** The server's epoch milliseconds now, give or take half a round trip. */
  now(): number
  /** The earliest that it can be on the server now. */
  earliest(): number
}

const FRESH_MS = 30_000
// What two clocks may drift apart in a millisecond, ten times what quartz does.
const DRIFT = 1e-4
// Further than this the machine's two clocks part only when it has slept or one was set.
const JUMP_MS = 500

/**
 * Makes a clock of the server's answers. Where this machine's monotonic clock was when a question left and when its
 * answer came bounds the difference to the server's clock from both sides; later answers narrow the bounds, until
 * one that contradicts them – the server's clock was set, or another server took over – replaces them.
 */
export function createServerClock(): ServerClock {
  // Server time minus `performance.now()` lies between these.
  let low = -Infinity
  let high = Infinity
  let learnedAt = -Infinity
  let wallOffset = 0

  /** The monotonic clock stands still while the machine sleeps; the wall clock does not. */
  function jumped(at: number): boolean {
    return Math.abs(Date.now() - at - wallOffset) > JUMP_MS
  }

  return {
    learn(serverMs, sentAt) {
      const at = performance.now()
      const [newLow, newHigh] = [serverMs - at, serverMs + 1 - sentAt]
      const drift = (at - learnedAt) * DRIFT
      const contradicted = newLow > high + drift || newHigh < low - drift
      const starts = learnedAt === -Infinity || contradicted || jumped(at)
      low = starts ? newLow : Math.max(low - drift, newLow)
      high = starts ? newHigh : Math.min(high + drift, newHigh)
      learnedAt = at
      wallOffset = Date.now() - at
    },

    get fresh() {
      const at = performance.now()
      return at - learnedAt < FRESH_MS && !jumped(at)
    },

    now() {
      return Math.floor((low + high) / 2 + performance.now())
    },

    earliest() {
      return Math.floor(low + performance.now())
    },
  }
}
