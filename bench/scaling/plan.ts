// What so many live sessions take: arithmetic on what was measured.
import { ENGINES } from './engines.ts'
import type { Engine } from './engines.ts'
import type { Inputs } from './inputs.ts'
import { expectedLife } from './session-life.ts'
import { expectedBacklog, sweepCapacity } from './sweep.ts'
import { touchIntervalOf } from './traffic.ts'
import type { Tally } from './traffic.ts'

/** Events in a second, on average over the day, for all sessions. */
export interface Rates extends Omit<Tally, 'live'> {
  readonly created: number
}

/** The servers of one engine. */
export interface Servers {
  readonly bytesEach: number
  /** Of all sessions, without replicas and without room to spare. */
  readonly bytes: number
  readonly forBytes: number
  readonly forWork: number
  /** The greater of the two, without replicas. */
  readonly count: number
}

/** What a failover loses where replication is asynchronous, when one server fails at the peak. */
export interface Failover {
  readonly changes: number
  readonly logouts: number
  /** Seconds to load a restarted server, if it loads all that it has. */
  readonly reload: number | undefined
}

/** All that is computed for one engine. */
export interface Plan {
  readonly inputs: Inputs
  readonly engine: Engine
  readonly touchAfter: number
  /** One session; its `live` is seconds. */
  readonly life: Tally
  readonly rates: Rates
  /** Reads that reach the store, in a second. */
  readonly storeReads: number
  readonly servers: Servers
  readonly failover: Failover
  /** Of one server: what expires, what its sweep keeps up with, and what is there that has expired. */
  readonly sweep: {
    readonly perSecond: number
    readonly capacity: number
    readonly backlog: number | undefined
  }
  readonly region: {
    readonly sessions: number
    /** Milliseconds that the way to the session's region adds to a request, on average. */
    readonly addedMs: number
    /** Seconds until every process has seen a logout, at most. */
    readonly revocation: number
  }
}

// A step looks at so many at each creation, beside those at its ticks.
const SWEPT_PER_CREATION = 2

/**
 * Makes the plan of `inputs`, whose sessions live this life.
 *
 * @throws RangeError when sessions end as soon as they begin.
 */
export function planOf(inputs: Inputs, life: Tally = expectedLife(inputs)): Plan {
  const engine: Engine = ENGINES[inputs.engine]
  if (!(life.live > 0)) throw new RangeError('--pages and --logout leave no session alive')
  const rates = ratesOf(inputs.sessions, life)
  const storeReads = rates.reads * readsPerRequest(inputs)
  const servers = serversOf(inputs, engine, rates, storeReads)
  const { count } = servers
  const changes = singlesOf(rates) + rates.values
  const atRisk = (inputs.peak * inputs.lag) / count
  const reload = engine.reload && servers.bytes / count / engine.reload.is
  return {
    inputs,
    engine,
    touchAfter: touchIntervalOf(inputs.period),
    life,
    rates,
    storeReads,
    servers,
    failover: { changes: changes * atRisk, logouts: rates.logouts * atRisk, reload },
    sweep: sweepOf(inputs, engine, rates, count),
    region: {
      sessions: inputs.sessions / inputs.regions,
      addedMs: inputs.abroad * inputs.rtt,
      revocation: inputs.staleness,
    },
  }
}

/** Little's law: what is live is what begins in a second, times the seconds that each lives. */
export function ratesOf(sessions: number, life: Tally): Rates {
  const created = sessions / life.live
  const { reads, touches, values, logouts, expiries } = life
  return {
    created,
    reads: created * reads,
    touches: created * touches,
    values: created * values,
    logouts: created * logouts,
    expiries: created * expiries,
  }
}

/** What goes to the store one by one. */
export function singlesOf({ created, touches, logouts }: Rates): number {
  return created + touches + logouts
}

/**
 * With a near cache, the reads of one request go to the store once for each process that any of them is at. What an
 * earlier request has left there is not counted on.
 */
function readsPerRequest({ burst, processes, staleness }: Inputs): number {
  return staleness === 0 ? burst : processes * (1 - (1 - 1 / processes) ** burst)
}

function serversOf(inputs: Inputs, engine: Engine, rates: Rates, storeReads: number): Servers {
  const { sessions, valueBytes, shardMemory, fill, peak, load, speed } = inputs
  const bytesEach = engine.bytes.is - engine.valueBytes + valueBytes
  const bytes = sessions * bytesEach
  const forBytes = Math.ceil(bytes / (shardMemory * fill))
  const busy =
    storeReads / engine.reads.is +
    rates.values / engine.values.is +
    singlesOf(rates) / engine.singles.is
  const forWork = Math.ceil((busy * peak) / (load * speed))
  return { bytesEach, bytes, forBytes, forWork, count: Math.max(1, forBytes, forWork) }
}

function sweepOf(inputs: Inputs, { sweep }: Engine, rates: Rates, count: number): Plan['sweep'] {
  const sweeping = { sweepEveryMs: inputs.sweepEvery * 1000, sweepLimit: inputs.sweepLimit }
  const perSecond = rates.expiries / count
  if (sweep === 'own') return { perSecond, capacity: Infinity, backlog: undefined }
  if (sweep === 'buckets') {
    const backlog = expectedBacklog(sweeping, perSecond)
    return { perSecond, capacity: sweepCapacity(sweeping), backlog }
  }
  // A walk sees each record once in a round, so an expired one waits for half of that on average.
  const looked =
    inputs.sweepLimit / inputs.sweepEvery + (SWEPT_PER_CREATION * rates.created) / count
  return {
    perSecond,
    capacity: looked,
    backlog: (perSecond * inputs.sessions) / count / looked / 2,
  }
}
