import type { Awaitable } from './backend.ts'
import { BackendError } from './errors.ts'

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
 * The answer, if it comes within `ms` milliseconds, and a `BackendError` otherwise. What comes later is dropped, a
 * rejection too. An answer that had arrived while the event loop was busy counts as in time.
 */
export function withTimeLimit<T>(answer: Awaitable<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(new BackendError(`the backend gave no answer within ${ms} ms`))
    }
    // Timers run before sockets are read, so one that fires late must let them be read first.
    const timer = setTimeout(() => setImmediate(giveUp), Math.min(ms, LONGEST_MS))
    Promise.resolve(answer).then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
