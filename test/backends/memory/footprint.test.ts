import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/backends/memory.ts'
import { createTestClock } from '../../../src/testing/index.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'
import { settled } from './cell-store.ts'

const MANY = 50_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function inUse() {
  collectGarbage()
  // What the one has found free is free after the other.
  collectGarbage()
  return process.memoryUsage()
}

describe('createMemoryStore', () => {
  it('takes at most 240 bytes for each of 50,000 sessions of 100, and gives them back', async () => {
    const clock = createTestClock()
    const store = createMemoryStore(clock.now)
    const before = inUse()
    for (let n = 0; n < MANY; n++) {
      await store.create(draft({ value: 'x'.repeat(100) }))
      if (n === 20_000) await settled()
    }
    const filled = inUse()
    const buffers = (filled.arrayBuffers - before.arrayBuffers) / MANY
    expect(buffers).toBeGreaterThan(220)
    expect(buffers).toBeLessThan(240)
    // Nothing of a record is there: what is counted is what the runtime does meanwhile.
    expect((filled.heapUsed - before.heapUsed) / MANY).toBeLessThan(60)

    clock.advance(3600)
    while ((await store.sweep(1000)) > 0);
    expect(inUse().arrayBuffers - before.arrayBuffers).toBeLessThan(500_000)
  })
})
