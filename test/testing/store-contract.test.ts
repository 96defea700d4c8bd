import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { prepareFile } from '../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../src/backends/sqlite/store.ts'
import type { Store } from '../../src/core/store.ts'
import { createTestClock, storeContract } from '../../src/testing/index.ts'
import type { Fault } from './faults/fault.ts'
import { recordFaults } from './faults/record-faults.ts'
import { securityFaults } from './faults/security-faults.ts'
import { subjectFaults } from './faults/subject-faults.ts'
import { updateFaults } from './faults/update-faults.ts'

const faults = { ...recordFaults, ...updateFaults, ...securityFaults, ...subjectFaults }

function sqliteStore(now: () => number, fault?: Fault): Store {
  const db = new DatabaseSync(':memory:')
  prepareFile(db, 't')
  const right = createSqliteStore(db, 't', now)
  const sql = (text: string, ...parameters: readonly (string | number | null)[]): void => {
    db.prepare(text).run(...parameters)
  }
  return fault === undefined ? right : { ...right, ...fault.make({ right, sql, now }) }
}

async function failuresOf(fault: Fault): Promise<string[]> {
  const clock = createTestClock()
  const create = (): Store => sqliteStore(clock.now, fault)
  const failed: string[] = []
  for (const { name, run } of storeContract({ create, advance: clock.advance })) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

describe('storeContract on memory', () => {
  const clock = createTestClock()
  const create = (): Store => createMemoryStore(clock.now)
  for (const { name, run } of storeContract({ create, advance: clock.advance })) it(name, run)
})

describe('storeContract on SQLite', () => {
  const clock = createTestClock()
  const create = (): Store => sqliteStore(clock.now)
  for (const { name, run } of storeContract({ create, advance: clock.advance })) it(name, run)
})

describe('storeContract bites', () => {
  it('has at least fifty faulty stores to tell apart', () => {
    expect(Object.keys(faults).length).toBeGreaterThanOrEqual(50)
  })

  for (const [name, fault] of Object.entries(faults)) {
    it(`${name}: fails exactly "${fault.fails}"`, async () => {
      expect(await failuresOf(fault)).toEqual([fault.fails])
    })
  }
})
