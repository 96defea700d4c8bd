import { describe, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { createNearCache } from '../../src/core/near-cache.ts'
import { backendContract, createTestClock, storeContract } from '../../src/testing/index.ts'

const clock = createTestClock()
const { now, advance } = clock

// What goes through one process must be as fresh as if there were no cache, whatever the bound.
function create() {
  const clocks = { monotonicMs: now, wallMs: now }
  return createNearCache(createMemoryStore(now), { maxStaleness: 60 }, clocks).store
}

describe('a store behind a near cache', () => {
  for (const { name, run } of storeContract({ create, advance })) it(name, run)
})

describe('a backend behind a near cache', () => {
  const createCached = () => createBackend(create(), { period: 60 })
  for (const { name, run } of backendContract({ create: createCached, advance })) it(name, run)
})
