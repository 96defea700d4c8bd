import { assert, check } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellEngine, memoryEngine, sealedEngine, sqliteEngine } from './engines.ts'
import { planted } from './planted.ts'
import { behavesAsModelled } from './run.ts'

const RUNS = { numRuns: 300, seed: 20_260_101 }

describe.each([
  { engine: memoryEngine, numRuns: 300 },
  { engine: cellEngine, numRuns: 100 },
  { engine: sealedEngine, numRuns: 60 },
  { engine: sqliteEngine, numRuns: 300 },
])('a manager on $engine.name', ({ engine, numRuns }) => {
  it('does what the model does, alone and at once', async () => {
    const tally = { commands: 0, atOnce: 0 }
    await assert(behavesAsModelled(engine, tally), { ...RUNS, numRuns })
    expect(tally.commands).toBeGreaterThan(16 * numRuns)
    expect(tally.atOnce).toBeGreaterThan(10 * numRuns)
  })
})

describe('the model', () => {
  it.each(Object.entries(planted))('finds out that %s', async (_name, fault) => {
    const property = behavesAsModelled(memoryEngine, { commands: 0, atOnce: 0 }, fault)
    const result = await check(property, { ...RUNS, endOnFailure: true })
    expect(result.failed).toBe(true)
  })
})
