import { assert, check } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createNearCache } from '../../src/core/near-cache.ts'
import type { Store } from '../../src/core/store.ts'
import { memoryEngine } from './engines.ts'
import type { Planted } from './run.ts'
import { behavesAsModelled } from './run.ts'

const RUNS = { numRuns: 60, seed: 20_260_101 }

/** A manager whose store is behind a cache; some of its writes go past the cache. */
function cached(...past: readonly (keyof Store)[]): Planted {
  return {
    store(right, now) {
      const clocks = { monotonicMs: now, wallMs: now }
      const { store } = createNearCache(right, { maxStaleness: 60 }, clocks)
      return { ...store, ...Object.fromEntries(past.map((name) => [name, right[name]])) }
    },
  }
}

// What goes through one process must look as if there were no cache.
describe('a manager behind a near cache', () => {
  it('does what the model does, alone and at once', async () => {
    const tally = { commands: 0, atOnce: 0 }
    await assert(behavesAsModelled(memoryEngine, tally, cached()), RUNS)
    expect(tally.atOnce).toBeGreaterThan(10 * RUNS.numRuns)
  })

  it.each(['update', 'updateSecurity', 'delete'] as const)(
    'would be found out if its %s went past the cache',
    async (name) => {
      const property = behavesAsModelled(memoryEngine, { commands: 0, atOnce: 0 }, cached(name))
      expect((await check(property, { ...RUNS, endOnFailure: true })).failed).toBe(true)
    },
  )
})
