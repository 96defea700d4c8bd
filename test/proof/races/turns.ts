import type { Clock, Store } from '../../../src/index.ts'

/** Which of the waiting operations goes next. */
export type Order = 'delete first' | 'delete last' | 'random'

/** Lets the operations of a store happen one at a time, in an order of its own choosing. */
export interface Turns {
  /** The store, each of whose operations waits for its turn before it commits and again before it answers. */
  readonly over: (store: Store) => Store
  /** A clock whose sleeps are turns too, and which never shows a deadline. */
  readonly clock: Clock
  /** Starts `race`, and gives turns until it is over. Outside it nothing waits. */
  readonly run: (race: () => Promise<void>, order: Order) => Promise<void>
}

interface Waiting {
  readonly operation: string
  readonly go: () => void
}

/** A random number below `bound`, the same sequence for the same seed (mulberry32). */
export type Draw = (bound: number) => number

export function createDraw(seed: number): Draw {
  let state = seed | 0
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

export function createTurns(draw: Draw): Turns {
  const waiting: Waiting[] = []
  let open = true

  function turn(operation: string): Promise<void> {
    return open ? Promise.resolve() : new Promise((go) => waiting.push({ operation, go }))
  }

  function next(order: Order): Waiting | undefined {
    const wanted = waiting.filter(({ operation }) => {
      if (order === 'random') return true
      return operation.startsWith('delete') === (order === 'delete first')
    })
    const from = wanted.length > 0 ? wanted : waiting
    const chosen = from[draw(Math.max(1, from.length))]
    if (chosen !== undefined) waiting.splice(waiting.indexOf(chosen), 1)
    return chosen
  }

  return {
    clock: { now: () => 0, sleep: () => turn('sleep') },

    over(store) {
      const operations = Object.entries(store).map(([name, run]) => {
        const inTurn = async (...args: never[]): Promise<unknown> => {
          await turn(name)
          const result = await (run as (...args: never[]) => unknown)(...args)
          await turn(name)
          return result
        }
        return [name, inTurn] as const
      })
      return Object.fromEntries(operations) as unknown as Store
    },

    async run(race, order) {
      open = false
      const state = { over: false }
      const done = race().finally(() => (state.over = true))
      done.catch(() => {})
      while (!state.over) {
        next(order)?.go()
        // Everything that needs no turn runs on until it needs one.
        await new Promise((resolve) => setImmediate(resolve))
      }
      open = true
      await done
    },
  }
}
