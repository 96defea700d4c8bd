import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import type { SqliteBackend } from '../../src/backends/sqlite.ts'
import type { Backend } from '../../src/core/backend.ts'
import { backendContract, createTestClock } from '../../src/testing/index.ts'
import { backendFaults } from './faults/backend-faults.ts'
import { createPlainBackend } from './faults/plain-backend.ts'

describe('backendContract on memory', () => {
  const clock = createTestClock()
  const create = () => createMemoryBackend({ now: clock.now, sweepEveryMs: 0 })
  for (const { name, run } of backendContract({ create, advance: clock.advance })) it(name, run)
})

describe('backendContract on SQLite', () => {
  const clock = createTestClock()
  const cases = backendContract({
    create: () => createSqliteBackend(':memory:', { now: clock.now, sweepEveryMs: 0 }),
    advance: clock.advance,
    destroy: (backend) => (backend as SqliteBackend).close(),
  })
  for (const { name, run } of cases) it(name, run)
})

describe('backendContract on a hand-written backend with five operations', () => {
  const clock = createTestClock()
  const create = () => createPlainBackend(clock.now)
  for (const { name, run } of backendContract({ create, advance: clock.advance })) it(name, run)
})

describe('backendContract bites', () => {
  it('has at least twelve faulty backends to tell apart', () => {
    expect(Object.keys(backendFaults).length).toBeGreaterThanOrEqual(12)
  })

  for (const [name, fault] of Object.entries(backendFaults)) {
    it(`${name}: fails exactly "${fault.fails}"`, async () => {
      const clock = createTestClock()
      const create = (): Backend => createPlainBackend(clock.now, fault.change)
      const failed: string[] = []
      for (const each of backendContract({ create, advance: clock.advance })) {
        await each.run().catch(() => failed.push(each.name))
      }
      expect(failed).toEqual([fault.fails])
    })
  }
})
