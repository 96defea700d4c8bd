// Expired sessions that are still there, in PostgreSQL and MySQL: one process sweeps what expired in the five minutes
// that are over, `sweepLimit` records at a time.
import { BUCKET_MS } from '../../src/backends/postgres/schema.ts'
import { sweepDelayMs } from '../../src/core/sweeper.ts'
import type { Random } from './random.ts'

/** The library's settings, in its own units. */
export interface Sweeping {
  readonly sweepEveryMs: number
  readonly sweepLimit: number
}

const BUCKET = BUCKET_MS / 1000
// The delay with this as its random number is its mean, and the second moment of a quarter more or less is 49/48 of that.
const MIDDLE = 0.5
const SPREAD = 49 / 48

/** Records in a second that it keeps up with, a statement taking no time. */
export function sweepCapacity({ sweepEveryMs, sweepLimit }: Sweeping): number {
  return (1000 * sweepLimit) / busyMs({ sweepEveryMs, sweepLimit })
}

/** Expired records that are there on average, when so many expire in a second; infinite beyond its capacity. */
export function expectedBacklog(sweeping: Sweeping, perSecond: number): number {
  const { sweepLimit } = sweeping
  const steps = (perSecond * BUCKET) / sweepLimit
  const idle = sweepDelayMs(sweeping, 0, () => MIDDLE) / 1000
  const busy = busyMs(sweeping) / 1000
  const first = (idle * SPREAD) / 2
  if (first + steps * busy > BUCKET) return Infinity
  // A record waits for its five minutes to end, for the next step, and for the full ones before its own.
  const full = Math.floor(steps)
  const before = (full * (full - 1)) / 2 + full * (steps - full)
  const turn = steps === 0 ? 0 : (before / steps) * busy
  return perSecond * (BUCKET / 2 + first + turn)
}

/** The same, step by step, over `seconds`. */
export function simulatedBacklog(
  sweeping: Sweeping,
  perSecond: number,
  seconds: number,
  random: Random,
): number {
  let [open, closed, area, removed] = [0, 0, 0, 0]
  let now = 0
  while (now < seconds) {
    const step = now + sweepDelayMs(sweeping, removed, () => random.next()) / 1000
    while (now < step) {
      const end = Math.min(step, (Math.floor(now / BUCKET) + 1) * BUCKET)
      const fresh = random.count(perSecond * (end - now))
      area += (open + closed + fresh / 2) * (end - now)
      open += fresh
      if (end % BUCKET === 0) [closed, open] = [closed + open, 0]
      now = end
    }
    removed = Math.min(closed, sweeping.sweepLimit)
    closed -= removed
  }
  return area / now
}

function busyMs(sweeping: Sweeping): number {
  return sweepDelayMs(sweeping, sweeping.sweepLimit, () => MIDDLE)
}
