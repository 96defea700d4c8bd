// Harms each engine under load, through each of its drivers, and checks every answer that was given.
//
// `npm run proof:faults` runs everything; `npm run proof:faults -- postgres kill 20` the kills of PostgreSQL for 20
// seconds each. `all` stands for any engine or fault; an engine may name a driver, as in `redis/ioredis`.
// `--show` prints some of the histories that cannot be explained, in tokens that stand for keys and values.
// `--planted early-ack` (or another of `planted.ts`) plants a fault in the backend: the run must then fail.
import { parseArgs } from 'node:util'
import { startProxy } from '../servers/proxy.ts'
import { ENGINES } from './engines.ts'
import { FAULTS } from './faults.ts'
import { flakyMemory, outage } from './flaky-memory.ts'
import { PLANTED } from './planted.ts'
import type { Planted } from './planted.ts'
import { lineOf, tableOf } from './report.ts'
import { runTrial } from './trial.ts'
import type { TrialOptions, TrialResult } from './trial.ts'

const { values, positionals } = parseArgs({
  options: { planted: { type: 'string' }, show: { type: 'boolean' } },
  allowPositionals: true,
})
const [engines = 'all', faults = 'all', seconds = '6'] = positionals
const { planted } = values
if (planted !== undefined && !(planted in PLANTED)) {
  throw new Error(`"--planted" must be one of ${Object.keys(PLANTED).join(', ')}`)
}

/** The trials that the arguments ask for. */
function* chosen(): Generator<Pick<TrialOptions, 'engine' | 'driver' | 'fault'>> {
  for (const engine of [...ENGINES, flakyMemory]) {
    for (const driver of Object.keys(engine.drivers)) {
      // The memory is there to try the run itself.
      const named = `${engine.name}/${driver}`.includes(engines)
      if (engines === 'all' ? engine === flakyMemory : !named) continue
      for (const fault of [...FAULTS, outage]) {
        if (!fault.engines.includes(engine.name)) continue
        if (faults === 'all' || fault.name.includes(faults)) yield { engine, driver, fault }
      }
    }
  }
}

const results: TrialResult[] = []
let failed = false
for (const trial of chosen()) {
  try {
    const result = await runTrial({
      ...trial,
      seconds: Number(seconds),
      planted: planted as Planted | undefined,
      startWire: startProxy,
    })
    console.log(lineOf(result))
    if (values.show === true) console.log(result.unexplained.join('\n\n'))
    results.push(result)
    if (result.problems.length > 0) failed = true
  } catch (error) {
    console.log(`${trial.engine.name} / ${trial.driver} / ${trial.fault.name}: not made:`, error)
    failed = true
  }
}
console.log(tableOf(results))
const skipped = results.filter((result) => result.skipped !== undefined)
if (skipped.length > 0) console.log(`${skipped.length} skipped: ${skipped.map(lineOf).join('; ')}`)
if (results.length === skipped.length) console.error('nothing was tried')
if (failed || results.length === skipped.length) process.exitCode = 1
