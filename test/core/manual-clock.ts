import type { Clock } from '../../src/core/clock.ts'

/** A `Clock` that shows 0 until it is moved by hand. */
export interface ManualClock extends Clock {
  /** Moves the clock by `ms`, and wakes who has slept that long. */
  readonly advance: (ms: number) => Promise<void>
  /** The spans that were asked for, in order. */
  readonly slept: number[]
  /** How many are asleep. */
  readonly waiting: () => number
}

/** Makes a clock that stands still. With `skip`, a sleep that nobody can cut short moves it on and is over at once. */
export function createManualClock({ skip = false } = {}): ManualClock {
  let nowMs = 0
  const slept: number[] = []
  const sleepers = new Map<() => void, number>()

  function wake(): void {
    for (const [sleeper, until] of sleepers) if (until <= nowMs) sleeper()
  }

  return {
    now: () => nowMs,
    slept,
    waiting: () => sleepers.size,
    sleep(ms, signal) {
      slept.push(ms)
      if (skip && signal === undefined) {
        nowMs += ms
        return Promise.resolve()
      }
      return new Promise((resolve) => {
        const sleeper = (): void => {
          sleepers.delete(sleeper)
          resolve()
        }
        sleepers.set(sleeper, nowMs + ms)
        signal?.addEventListener('abort', sleeper, { once: true })
      })
    },
    async advance(ms) {
      nowMs += ms
      wake()
      await settle()
    },
  }
}

/** Lets everything run that waits for no timer. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
