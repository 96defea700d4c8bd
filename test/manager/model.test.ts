import { assert, asyncModelRun, asyncProperty, commands } from 'fast-check'
import { describe, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/index.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { steps } from './model-steps.ts'
import type { Real } from './model-steps.ts'
import { ABSOLUTE, createModel, PERIOD } from './model.ts'

describe('createSessionManager', () => {
  it('behaves as its model does, whatever is done to it in whatever order', async () => {
    const property = asyncProperty(
      commands([...steps, ...steps.slice(1, 8)], { maxCommands: 60, size: 'max' }),
      async (sequence) => {
        const clock = createTestClock()
        const backend = createMemoryBackend({
          period: PERIOD,
          absolute: ABSOLUTE,
          now: clock.now,
          sweepEveryMs: 0,
        })
        const sessions = createSessionManager<number>({ backend })
        const real: Real = { sessions, clock, objects: [], keys: [] }
        await asyncModelRun(() => ({ model: createModel(), real }), sequence)
      },
    )
    await assert(property, { numRuns: 150 })
  })
})
