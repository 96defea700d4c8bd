import type { Backend } from '../core/backend.ts'
import { lifetimeCases } from './backend-contract/lifetime-cases.ts'
import { originalCases } from './backend-contract/original-cases.ts'
import { writeCases } from './backend-contract/write-cases.ts'
import { casesOf } from './contract-case.ts'
import type { ContractCase, ContractOptions } from './contract-case.ts'

/** Options of `backendContract`. */
export type BackendContractOptions = ContractOptions<Backend>

/**
 * The contract of `Backend` as cases for any runner: the fifteen assertions of the original's own suite, and what
 * they leave out – time, conditional writes, races, awkward values. A backend without versions skips the
 * cases about them, by name and with that reason.
 *
 * @throws TypeError when `skip` names no case, or gives no reason.
 * @example
 * ```ts
 * import { createTestClock, backendContract } from 'sojourn/testing'
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 * import { it } from 'vitest'
 *
 * const clock = createTestClock()
 * const create = () => createMemoryBackend({ now: clock.now })
 * for (const { name, run } of backendContract({ create, advance: clock.advance })) it(name, run)
 * ```
 */
export function backendContract(options: BackendContractOptions): readonly ContractCase[] {
  return casesOf({ ...originalCases, ...writeCases, ...lifetimeCases }, options)
}
