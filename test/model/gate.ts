import type { Scheduler } from 'fast-check'
import type { Store } from '../../src/core/store.ts'
import { OPERATIONS } from '../core/spy-store.ts'

/** What decides in which order the calls of a store get through while several commands are under way. */
export interface Gate {
  /** The store behind the gate. */
  readonly guard: (store: Store) => Store
  /** Lets the calls that `started` waits for through, one after the other, as the scheduler draws them. */
  readonly run: <T>(started: () => Promise<T>) => Promise<T>
}

/** Makes a gate of a scheduler; without one everything goes through at once, and a real server decides. */
export function createGate(scheduler: Scheduler | undefined): Gate {
  let closed = false

  function turn(): Promise<void> | undefined {
    return closed ? scheduler?.schedule(Promise.resolve()) : undefined
  }

  function guarded<Args extends unknown[], T>(run: (...args: Args) => T) {
    return async (...args: Args): Promise<Awaited<T>> => {
      // Before it takes place, and once more before its answer arrives.
      await turn()
      const answer = await run(...args)
      await turn()
      return answer
    }
  }

  return {
    guard(store) {
      if (scheduler === undefined) return store
      const entries = OPERATIONS.map((name) => [name, guarded(store[name] as () => unknown)])
      return Object.fromEntries(entries) as Store
    },

    async run(started) {
      closed = scheduler !== undefined
      try {
        const done = started()
        return await (scheduler === undefined ? done : scheduler.waitFor(done))
      } finally {
        closed = false
      }
    },
  }
}
