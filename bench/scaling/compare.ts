// The arithmetic beside the simulation: both of the same traffic, the latter of fewer sessions.
import type { Inputs } from './inputs.ts'
import { ratesOf } from './plan.ts'
import type { Plan } from './plan.ts'
import { createRandom } from './random.ts'
import { simulate } from './simulate.ts'
import { expectedImbalance, simulatedImbalance } from './slots.ts'
import { expectedBacklog, simulatedBacklog, sweepCapacity } from './sweep.ts'
import type { Tally } from './traffic.ts'

/** One quantity, computed and simulated. */
export interface Comparison {
  readonly what: string
  readonly computed: number
  readonly simulated: number
  /** How far they may be apart by chance, and by the grid of the computation. */
  readonly bound: number
  readonly agree: boolean
}

// One in fifteen thousand is further off than this by chance.
const DEVIATIONS = 4
const GRID = 0.01
// Lives that the counted time is as long as.
const LIVES = 2
const MOST_READS = 2e7
// Of a sweep: as many rounds of five minutes.
const SWEEP_SECONDS = 60 * 300
// The most that imbalance of a simulation may differ: its largest part varies by about this, for tens of thousands.
const IMBALANCE = 0.03
const MOST_MASTERS = 64

/**
 * Simulates so many of a plan's sessions as its inputs say, and compares.
 *
 * @throws RangeError when that would take too long.
 */
export function compare(plan: Plan): Comparison[] {
  const { inputs } = plan
  return [
    ...compareLives(inputs, plan.life),
    compareSweep(inputs, plan),
    compareSlots(inputs, plan),
  ]
}

function compareLives(inputs: Inputs, life: Tally): Comparison[] {
  const { simulated, seed, absolute } = inputs
  const rates = ratesOf(simulated, life)
  const seconds = LIVES * life.live
  if (rates.reads * (absolute + seconds) > MOST_READS) {
    throw new RangeError('--simulated must be smaller, or the simulation takes minutes')
  }
  const { mean, error } = simulate(inputs, createRandom(seed), rates.created, seconds)
  const computed: Tally = { ...rates, live: simulated }
  const names = {
    live: 'live sessions',
    reads: 'reads, per second',
    touches: 'touches, per second',
    values: 'values written, per second',
    logouts: 'logouts, per second',
    expiries: 'expiries, per second',
  } as const satisfies Readonly<Record<keyof Tally, string>>
  return Object.entries(names).map(([key, what]) => {
    const name = key as keyof Tally
    // Of few events none may have come: their number says how far they scatter, and no less than one.
    const rare = Math.sqrt(Math.max(computed[name] * seconds, 1)) / seconds
    const deviation = name === 'live' ? error[name] : Math.max(error[name], rare)
    return judged(what, computed[name], mean[name], DEVIATIONS * deviation)
  })
}

/** At the rate of one server, or at half of what its sweep could do where the engine does not sweep so. */
function compareSweep({ sweepEvery, sweepLimit, seed }: Inputs, { sweep }: Plan): Comparison {
  const sweeping = { sweepEveryMs: sweepEvery * 1000, sweepLimit }
  const most = sweepCapacity(sweeping) / 2
  const perSecond = Math.min(sweep.perSecond, most)
  const computed = expectedBacklog(sweeping, perSecond)
  const seconds = Math.max(SWEEP_SECONDS, sweepEvery * 1000)
  const simulated = simulatedBacklog(sweeping, perSecond, seconds, createRandom(seed))
  // Each wait for a step is up to a quarter off; each five minutes have their own number of records.
  const noise = DEVIATIONS * Math.sqrt((perSecond * 300) / (seconds / 300))
  return judged(`expired and unswept, at ${perSecond.toPrecision(3)}/s`, computed, simulated, noise)
}

function compareSlots({ simulated, seed }: Inputs, { servers }: Plan): Comparison {
  const masters = Math.min(MOST_MASTERS, Math.max(3, servers.count))
  const ids = Math.max(20_000, simulated)
  const computed = expectedImbalance(masters, ids)
  const drawn = simulatedImbalance(masters, ids, createRandom(seed))
  return judged(`fullest of ${masters} masters, in averages`, computed, drawn, IMBALANCE)
}

function judged(what: string, computed: number, simulated: number, noise: number): Comparison {
  const bound = noise + GRID * Math.abs(computed)
  return { what, computed, simulated, bound, agree: Math.abs(simulated - computed) <= bound }
}
