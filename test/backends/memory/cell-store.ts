import { setImmediate } from 'node:timers/promises'
import { createTieredStore } from '../../../src/backends/memory/store.ts'
import type { Store } from '../../../src/core/store.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'

/** Waits until the code of the cells, if a store has asked for it, has come there. */
export async function settled(): Promise<void> {
  await import('../../../src/backends/memory/cells.ts')
  await setImmediate()
}

/** Makes an empty memory store that keeps all its records in cells. */
export async function createCellStore(now: () => number): Promise<Store> {
  const store = createTieredStore(now, -1)
  const record = draft()
  await store.create(record)
  await settled()
  await store.delete(record.recordId)
  return store
}
