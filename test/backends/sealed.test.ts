import { describe, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { backendContract, createTestClock } from '../../src/testing/index.ts'
import { valuesSuite } from './values-suite.ts'

const clock = createTestClock()
const create = () => createMemoryBackend({ now: clock.now, sweepEveryMs: 0, sealed: true })

describe('a backend that seals its values', () => {
  for (const { name, run } of backendContract({ create, advance: clock.advance })) it(name, run)
  valuesSuite(create)
})
