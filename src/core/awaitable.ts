import type { Awaitable } from './backend.ts'

/** Tells a promise from what is there already. */
export function isPromise<T>(result: Awaitable<T>): result is PromiseLike<T> {
  return typeof (result as PromiseLike<T> | undefined | null)?.then === 'function'
}
