import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Store } from '../../src/index.ts'
import { created, draft } from '../../src/testing/store-contract/draft.ts'

const ROUNDS = 150
const LIMIT = { maxPerSubject: 2, atLimit: 'evict_oldest' } as const

/**
 * Two logins of a subject whose only record so far leaves it meanwhile, by a logout or for another: whatever comes first,
 * both stay. One that counts the three and then chooses the oldest of those that are left ends one too many.
 */
export async function expectNoneTooManyEvicted(store: Store): Promise<void> {
  const kept: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const subject = `user ${round}`
    const { recordId } = await created(store, { subject })
    // Of records of one millisecond, any may be the oldest.
    await pause(2)
    const leave = async (): Promise<unknown> =>
      round % 2 === 0
        ? store.delete(recordId)
        : store.updateSecurity(recordId, { subject: 'another' }, 1)
    await Promise.all([
      store.create(draft({ subject }), LIMIT),
      store.create(draft({ subject }), LIMIT),
      leave(),
    ])
    kept.push((await store.list(subject)).length)
  }
  expect(kept).toEqual(Array(ROUNDS).fill(2))
}
