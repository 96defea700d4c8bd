import { describe, it } from 'vitest'
import type { PostgresBackend } from '../../../src/backends/postgres.ts'
import { backendContract } from '../../../src/testing/index.ts'

/** The contract of a backend. Each case has a table of its own, so those that wait for the clock wait together. */
export function describeContract(create: () => Promise<PostgresBackend>): void {
  describe.concurrent('backendContract', () => {
    for (const { name, run } of backendContract({ create })) it(name, run)
  })
}
