import { isPromise } from './awaitable.ts'
import type { Awaitable } from './backend.ts'
import { BackendError } from './errors.ts'

/** Gives the answer, at once where it is there; or rejects with `BackendError` when it takes too long. */
export interface TimeLimit {
  <T>(answer: Promise<T>): Promise<T>
  <T>(answer: Awaitable<T>): Awaitable<T>
  /** How long that is, in milliseconds. */
  readonly ms: number
  /** The same without a promise: `giveUp` is called when the time is over, unless `leave` is called first. */
  join(giveUp: () => void): Waiting
  leave(waiting: Waiting): void
}

/** An answer that is waited for. */
export interface Waiting {
  /** Until when, by `performance.now()`. */
  readonly untilMs: number
  readonly giveUp: () => void
}

// What a timer of Node can wait for.
const LONGEST_MS = 2 ** 31 - 1

/**
 * Accepts a time limit.
 *
 * @throws RangeError when it is not a whole number of milliseconds from 1 to 2,147,483,647.
 */
export function assertTimeLimit(option: string, ms: number): void {
  if (!Number.isInteger(ms) || ms < 1 || ms > LONGEST_MS) {
    throw new RangeError(`"${option}" must be a whole number of milliseconds of at least 1`)
  }
}

/**
 * Makes a limit of `ms` milliseconds. An answer that comes too late is dropped, a rejection too; one that had arrived
 * while the event loop was busy counts as in time.
 *
 * A timer for each call costs half a microsecond, a tenth of a read from Redis. All wait equally long, so one timer
 * waits for the first of them.
 */
export function createTimeLimit(ms: number): TimeLimit {
  // In the order in which they were asked for, which is that of their ends.
  const line = new Set<Waiting>()
  let timer: NodeJS.Timeout | undefined

  function join(giveUp: () => void): Waiting {
    const waiting: Waiting = { untilMs: performance.now() + ms, giveUp }
    if (timer === undefined) start(ms)
    else if (line.size === 0) timer.ref()
    line.add(waiting)
    return waiting
  }

  function leave(waiting: Waiting): void {
    // The timer runs on for the next call, but keeps no process alive for it.
    if (line.delete(waiting) && line.size === 0) timer?.unref()
  }

  function start(delayMs: number): void {
    timer = setTimeout(check, Math.min(Math.ceil(delayMs), LONGEST_MS))
  }

  function check(): void {
    timer = undefined
    const nowMs = performance.now()
    for (const waiting of line) {
      if (waiting.untilMs > nowMs) return start(waiting.untilMs - nowMs)
      // Timers run before sockets are read, so one that fires late must let them be read first.
      setImmediate(waiting.giveUp)
      line.delete(waiting)
    }
  }

  function within<T>(answer: Promise<T>): Promise<T>
  function within<T>(answer: Awaitable<T>): Awaitable<T>
  function within<T>(answer: Awaitable<T>): Awaitable<T> {
    if (!isPromise(answer)) return answer
    return new Promise((resolve, reject) => {
      const waiting = join(() => {
        reject(tooLate(ms))
      })
      answer.then(
        (value) => {
          leave(waiting)
          resolve(value)
        },
        (error: unknown) => {
          leave(waiting)
          reject(error)
        },
      )
    })
  }
  return Object.assign(within, { ms, join, leave })
}

/** What is said where there is no answer in `ms` milliseconds. */
export function tooLate(ms: number): BackendError {
  return new BackendError(`the backend gave no answer within ${ms} ms`)
}
