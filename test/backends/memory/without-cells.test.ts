import { setImmediate } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { createTieredStore } from '../../../src/backends/memory/store.ts'
import { created } from '../../../src/testing/store-contract/draft.ts'

const asked = vi.hoisted(() => vi.fn<() => void>())

vi.mock('../../../src/backends/memory/cells.ts', () => {
  asked()
  throw new Error('there is no such chunk')
})

it('a memory store whose code for cells does not come serves on from the heap, and asks once', async () => {
  const store = createTieredStore(Date.now, 5)
  const records = []
  for (let n = 0; n < 20; n++) {
    records.push(await created(store))
    await setImmediate()
  }
  expect(asked).toHaveBeenCalledTimes(1)
  for (const { recordId } of records) expect(await store.read(recordId)).toBeDefined()
  expect(await store.deleteAll()).toBe(20)
})
