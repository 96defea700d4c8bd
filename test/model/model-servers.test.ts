import { assert } from 'fast-check'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { behavesAsModelled } from './run.ts'
import { openPostgresEngine, openRedisEngine } from './server-engines.ts'

const engines = [
  await openPostgresEngine(inject('postgresUrl')),
  openRedisEngine(inject('redisUrl')),
]
afterAll(async () => void (await Promise.all(engines.map(async (engine) => engine.end()))))

describe.each(engines)('a manager on $name', (engine) => {
  it('does what the model does, alone and at once', async () => {
    const tally = { commands: 0, atOnce: 0 }
    await assert(behavesAsModelled(engine, tally), { numRuns: 60, seed: 20_260_101 })
    expect(tally.commands).toBeGreaterThan(1500)
    expect(tally.atOnce).toBeGreaterThan(800)
  })
})
