import type { Store } from '../core/store.ts'
import { casesOf } from './contract-case.ts'
import type { ContractCase, ContractOptions } from './contract-case.ts'
import { recordCases } from './store-contract/record-cases.ts'
import { securityCases } from './store-contract/security-cases.ts'
import { subjectCases } from './store-contract/subject-cases.ts'
import { updateCases } from './store-contract/update-cases.ts'

/** Options of `storeContract`. */
export type StoreContractOptions = ContractOptions<Store>

/**
 * The contract of `Store` as cases for any runner, races included.
 *
 * @throws TypeError when `skip` names no case, or gives no reason.
 * @example
 * ```ts
 * import { createTestClock, storeContract } from 'sojourn/testing'
 * import { createMemoryStore } from 'sojourn/backends/memory'
 * import { it } from 'vitest'
 *
 * const clock = createTestClock()
 * const create = () => createMemoryStore(clock.now)
 * for (const { name, run } of storeContract({ create, advance: clock.advance })) it(name, run)
 * ```
 */
export function storeContract(options: StoreContractOptions): readonly ContractCase[] {
  const table = { ...recordCases, ...updateCases, ...securityCases, ...subjectCases }
  return casesOf(table, options)
}
