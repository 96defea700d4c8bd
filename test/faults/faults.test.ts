// The short form of `npm run proof:faults`: each engine is harmed once or twice, under load.
import { describe, expect, it } from 'vitest'
import { startProxy } from '../servers/proxy.ts'
import { ENGINES } from './engines.ts'
import { FAULTS } from './faults.ts'
import { flakyMemory, outage } from './flaky-memory.ts'
import type { Planted } from './planted.ts'
import { runTrial } from './trial.ts'
import type { TrialOptions, TrialResult } from './trial.ts'

async function harm(
  engineName: string,
  driver: string,
  faultName: string,
  planted?: Planted,
): Promise<TrialResult> {
  const engine = [...ENGINES, flakyMemory].find(({ name }) => name === engineName)
  const fault = [...FAULTS, outage].find(({ name }) => name === faultName)
  if (engine === undefined || fault === undefined) throw new Error('there is no such trial')
  // On the memory store, where it costs nothing, more than one round: what a planted fault meets is a matter of chance.
  const seconds = engine === flakyMemory ? 10 : 2
  const options: TrialOptions = {
    engine,
    driver,
    fault,
    seconds,
    timeoutMs: 1000,
    planted,
    startWire: startProxy,
  }
  return runTrial(options)
}

describe('under load, the backend on', () => {
  it.each([
    ['postgres', 'pg', 'kill -9'],
    ['postgres', 'postgres.js', 'cut'],
    ['redis', 'node-redis', 'kill -9'],
    ['redis', 'ioredis', 'hang'],
    ['redis', 'node-redis', 'maxmemory'],
    ['mariadb', 'mariadb', 'kill -9'],
    ['mariadb', 'mysql2', 'stall'],
    ['sentinel', 'node-redis', 'failover'],
  ])('%s by %s gets over a fault: %s', async (...trial) => {
    const { problems, keys, acknowledged } = await harm(...trial)
    expect(problems).toEqual([])
    expect(keys).toBeGreaterThan(8)
    expect(acknowledged).toBeGreaterThan(100)
  })

  it.for([
    ['postgres', 'pg'],
    ['mariadb', 'mariadb'],
  ] as const)('%s by %s gets over a full disk', async ([engine, driver], { skip }) => {
    const { skipped, problems } = await harm(engine, driver, 'full disk')
    if (skipped !== undefined) {
      console.warn(`skipped: full disk, ${skipped}`)
      skip(skipped)
    }
    expect(problems).toEqual([])
  })
})

describe('a fault planted in the backend is found out:', () => {
  // By which name is a matter of what else was going on: the names are tested on the memory store, below.
  it.each<[Planted, string, RegExp]>([
    ['early-ack', 'kill -9', /lost|revived|order/],
    // A server that is gone fails few reads, since the driver keeps them until it is back.
    ['anonymous', 'hang', /anonymous|lost|order/],
  ])('%s, on redis by node-redis with %s', async (planted, fault, found) => {
    const { problems } = await harm('redis', 'node-redis', fault, planted)
    expect(problems.join('; ')).toMatch(found)
  })

  it('confirm, where a failover loses what no replica has', async () => {
    const { problems } = await harm('sentinel', 'ioredis', 'failover, WAIT', 'confirm')
    expect(problems.join('; ')).toMatch(/lost|revived|order/)
  })
})

// These need no server, and hardly a processor.
describe.concurrent('a fault planted in a store that fails now and then is found out:', () => {
  it.each<[Planted, RegExp]>([
    ['early-ack', /lost|revived|order/],
    ['revive', /revived/],
    ['anonymous', /anonymous/],
    ['resend', /order/],
    ['late', /late/],
    ['untyped', /untyped/],
  ])('%s', async (planted, found) => {
    const { problems } = await harm('memory', 'none', 'outage', planted)
    expect(problems.join('; ')).toMatch(found)
  })

  it('none, where none is planted', async () => {
    const { problems } = await harm('memory', 'none', 'outage')
    expect(problems).toEqual([])
  })
})
