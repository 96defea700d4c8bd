import type { Awaitable } from './backend.ts'

/** Tells a promise from what is there already. */
export function isPromise<T>(result: Awaitable<T>): result is PromiseLike<T> {
  return typeof (result as PromiseLike<T> | undefined | null)?.then === 'function'
}

/** What `next` makes of a result: at once where that is there. A promise on the way of every request costs more than a store in memory. */
export function whenDone<T, R>(
  result: Awaitable<T>,
  next: (result: T) => Awaitable<R>,
): Awaitable<R> {
  return isPromise(result) ? Promise.resolve(result).then(next) : next(result)
}

const AT_ONCE = Symbol('at once')

type Method = (...args: never[]) => unknown

interface Promised {
  readonly [AT_ONCE]?: { readonly always: Method; readonly run: Method }
}

/** A function that always gives a promise of what `run` gives; `callAtOnce` knows the way around the promise. */
export function promised<A extends readonly unknown[], T>(
  run: (...args: A) => Awaitable<T>,
): (...args: A) => Promise<T> {
  // Not an async function: one that returns a promise has waited for it by three turns of the microtask queue.
  const always = (...args: A): Promise<T> => {
    try {
      return Promise.resolve(run(...args))
    } catch (error) {
      return Promise.reject(error)
    }
  }
  return Object.assign(always, { [AT_ONCE]: { always, run } })
}

/**
 * Calls a method. One that `promised` has made answers, and throws, at once where it can. A function that wraps such a
 * one is another, and is not passed over, even if it has taken over its properties.
 */
export function callAtOnce<Name extends string, O extends { readonly [K in Name]: Method }>(
  of: O,
  name: Name,
  ...args: Parameters<O[Name]>
): Awaitable<Awaited<ReturnType<O[Name]>>> {
  const method: Method & Promised = of[name]
  const around = method[AT_ONCE]
  const answer = (around?.always === method ? around.run : method).apply(of, args as never[])
  return answer as Awaitable<Awaited<ReturnType<O[Name]>>>
}
