import { isPromise } from './awaitable.ts'
import type { Awaitable } from './backend.ts'
import { BackendError } from './errors.ts'

/** Gives the answer, at once where it is there; or rejects with `BackendError` when it takes too long. */
export interface TimeLimit {
  <T>(answer: Promise<T>): Promise<T>
  <T>(answer: Awaitable<T>): Awaitable<T>
}

/** An answer that is waited for, in the line of those that were asked for before and after it. */
interface Waiting {
  readonly untilMs: number
  readonly giveUp: () => void
  before: Waiting | undefined
  after: Waiting | undefined
  inLine: boolean
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
 * A timer for each call costs half a microsecond, a tenth of a read from Redis. All wait equally long, so they stand
 * in a line, and one timer waits for its head.
 */
export function createTimeLimit(ms: number): TimeLimit {
  let first: Waiting | undefined
  let last: Waiting | undefined
  let timer: NodeJS.Timeout | undefined

  function join(giveUp: () => void): Waiting {
    const untilMs = performance.now() + ms
    const waiting: Waiting = { untilMs, giveUp, before: last, after: undefined, inLine: true }
    if (last === undefined) first = waiting
    else last.after = waiting
    last = waiting
    if (timer === undefined) start(ms)
    else if (first === waiting) timer.ref()
    return waiting
  }

  function leave(waiting: Waiting): void {
    if (!waiting.inLine) return
    waiting.inLine = false
    const { before, after } = waiting
    if (before === undefined) first = after
    else before.after = after
    if (after === undefined) last = before
    else after.before = before
    // The timer runs on for the next call, but keeps no process alive for it.
    if (first === undefined) timer?.unref()
  }

  function start(delayMs: number): void {
    timer = setTimeout(check, Math.min(Math.ceil(delayMs), LONGEST_MS))
  }

  function check(): void {
    timer = undefined
    const nowMs = performance.now()
    while (first !== undefined && first.untilMs <= nowMs) {
      // Timers run before sockets are read, so one that fires late must let them be read first.
      setImmediate(first.giveUp)
      leave(first)
    }
    if (first !== undefined) start(first.untilMs - nowMs)
  }

  function within<T>(answer: Promise<T>): Promise<T>
  function within<T>(answer: Awaitable<T>): Awaitable<T>
  function within<T>(answer: Awaitable<T>): Awaitable<T> {
    if (!isPromise(answer)) return answer
    return new Promise((resolve, reject) => {
      const waiting = join(() => {
        reject(new BackendError(`the backend gave no answer within ${ms} ms`))
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
  return within
}
