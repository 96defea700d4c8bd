/**
 * The two contracts as test cases for any runner, and a clock to move by hand.
 *
 * @module `sojourn/testing`
 */
export { backendContract } from './backend-contract.ts'
export type { BackendContractOptions } from './backend-contract.ts'
export { createTestClock } from './clock.ts'
export type { TestClock } from './clock.ts'
export type { ContractCase, ContractOptions } from './contract-case.ts'
export { storeContract } from './store-contract.ts'
export type { StoreContractOptions } from './store-contract.ts'
