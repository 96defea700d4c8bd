import { compare } from './compare.ts'
import type { Comparison } from './compare.ts'
import { ENGINES, SEALED } from './engines.ts'
import type { EngineName } from './engines.ts'
import { USUAL } from './inputs.ts'
import { planOf, singlesOf } from './plan.ts'
import type { Plan } from './plan.ts'
import { expectedLife } from './session-life.ts'
import { expectedImbalance } from './slots.ts'

type Cell = string | number

/** Two policies: the library's defaults, and a short one as of a shop with payment. */
const POLICIES = [
  { period: 604_800, absolute: 2_592_000 },
  { period: 1800, absolute: 43_200 },
] as const
const SIZES = [1e7, 1e9] as const
const SERVERS: readonly EngineName[] = ['redis', 'postgres', 'mariadb']
const EMPTY = '–'
// Seconds for which an end is remembered beyond the life of what was ended (docs/stateless.md).
const REVOCATION_MARGIN = 3600
// What Redis Cluster is made for, replicas included (Redis Cluster specification, "Redis Cluster goals").
const CLUSTER_NODES = 1000

/** A number that a reader can take in: three figures, and a unit of thousands. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return 'without end'
  const units = ['', ' thousand', ' million', ' billion']
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, value * 1.0005)) / 3)))
  if (power === 1) return Math.round(value).toLocaleString('en-US')
  const scaled = value / 1000 ** power
  const text = scaled >= 100 ? scaled.toFixed(0) : scaled.toPrecision(3)
  return `${text.includes('.') ? text.replace(/\.?0+$/, '') : text}${units[power]}`
}

/** Bytes, in decimal units. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${short(bytes / 1000 ** power)} ${units[power]}`
}

/** Seconds, in the longest unit that they fill. */
export function timeText(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const
  const [size, unit] = units.find(([each]) => seconds >= 1.5 * each) ?? [1, 's']
  return `${short(seconds / size)} ${unit}`
}

/** A Markdown table. */
function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |`
  const rule = head.map((_, n) => (n === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

function lifeTable(plans: readonly Plan[]): string {
  const rows = plans.map(({ inputs, touchAfter, life }) => [
    `${timeText(inputs.period)}, ${timeText(inputs.absolute)}`,
    timeText(touchAfter),
    timeText(life.live),
    short(life.reads),
    short(life.touches),
    short(life.values),
    `${short(life.logouts * 100)} %`,
  ])
  return table(
    [
      'idle, absolute',
      'a touch after',
      'a session lives',
      'reads',
      'touches',
      'values',
      'ends by logout',
    ],
    rows,
  )
}

function rateTable(plans: readonly Plan[]): string {
  const rows = plans.map(({ inputs, rates, touchAfter }) => [
    short(inputs.sessions),
    timeText(inputs.period),
    ...[rates.created, rates.reads, rates.touches].map(short),
    short(inputs.sessions / touchAfter),
    ...[rates.values, rates.logouts, rates.expiries].map(short),
  ])
  return table(
    [
      'live',
      'idle',
      'created/s',
      'reads/s',
      'touches/s',
      'touches/s at most',
      'values/s',
      'logouts/s',
      'expiries/s',
    ],
    rows,
  )
}

function serverTable(plans: readonly Plan[]): string {
  const rows = plans.map(({ inputs, engine, servers }) => [
    `${engine.title}, ${short(inputs.sessions)}, ${timeText(inputs.period)}`,
    servers.bytesEach,
    bytesText(servers.bytes),
    short(servers.forBytes),
    short(servers.forWork),
    short(servers.count),
    reachOf({ inputs, engine, servers }),
  ])
  return table(
    [
      'engine, live, idle',
      'bytes each',
      'all',
      'servers for bytes',
      'for work',
      'servers',
      'can it',
    ],
    rows,
  )
}

/** Whether the backend can use so many servers. */
function reachOf({ inputs, engine, servers }: Pick<Plan, 'inputs' | 'engine' | 'servers'>): string {
  if (servers.count === 1) return 'yes'
  if (engine.shards === 'none') return 'no: one server'
  return servers.count * (1 + inputs.replicas) <= CLUSTER_NODES
    ? 'yes: a Cluster'
    : 'no: too many nodes'
}

function failoverTable(plans: readonly Plan[]): string {
  const rows = plans.map(({ inputs, engine, failover, servers }) => [
    `${engine.title}, ${short(inputs.sessions)}, ${timeText(inputs.period)}`,
    short(servers.count),
    short(failover.changes),
    short(failover.logouts),
    failover.reload === undefined ? EMPTY : timeText(failover.reload),
  ])
  return table(
    ['engine, live, idle', 'servers', 'changes at risk', 'logouts among them', 'loading one again'],
    rows,
  )
}

function sweepTable(plans: readonly Plan[]): string {
  const rows = plans.map(({ inputs, engine, sweep }) => [
    `${engine.title}, ${short(inputs.sessions)}, ${timeText(inputs.period)}`,
    short(sweep.perSecond),
    engine.sweep === 'own' ? EMPTY : short(sweep.capacity),
    sweep.backlog === undefined ? 'Redis’ own' : short(sweep.backlog),
  ])
  return table(
    ['engine, live, idle', 'expire/s at one server', 'its sweep’s most/s', 'expired and there'],
    rows,
  )
}

function imbalanceTable(masters: readonly number[]): string {
  const rows = masters.map((count) => [
    count,
    ...SIZES.map((sessions) => expectedImbalance(count, sessions).toFixed(4)),
  ])
  return table(['masters', ...SIZES.map((size) => `fullest, of ${short(size)}`)], rows)
}

function sealedTable(plans: readonly Plan[]): string {
  const rows = plans.map(({ inputs, rates }) => [
    `${short(inputs.sessions)}, ${timeText(inputs.period)}`,
    short((rates.reads * SEALED.read.is) / 1e6),
    short(((rates.values + singlesOf(rates)) * SEALED.write.is) / 1e6),
    short(rates.logouts * (inputs.absolute + REVOCATION_MARGIN)),
  ])
  return table(['live, idle', 'cores that open', 'cores that seal', 'revocations kept'], rows)
}

function regionTable({ inputs, region, rates }: Plan): string {
  return table(
    ['region', ''],
    [
      ['sessions in each', short(region.sessions)],
      ['reads/s that arrive elsewhere', short(rates.reads * inputs.abroad)],
      ['added to those', `${short(inputs.rtt)} ms`],
      ['added to a request on average', `${short(region.addedMs)} ms`],
      [
        'until a logout is seen everywhere, at most',
        region.revocation === 0 ? 'the next read' : timeText(region.revocation),
      ],
    ],
  )
}

/** What was computed beside what was simulated. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ what, computed, simulated, bound, agree }) => [
    what,
    short(computed),
    short(simulated),
    computed === 0 ? EMPTY : `${((simulated / computed - 1) * 100).toFixed(1)} %`,
    computed === 0 ? EMPTY : `${((bound / computed) * 100).toFixed(1)} %`,
    agree ? 'agree' : 'DIFFER',
  ])
  return table(['', 'computed', 'simulated', 'difference', 'bound', ''], rows)
}

/** The plan of one engine, as the script prints it. */
export function planText(plan: Plan): string {
  const { engine, inputs, storeReads } = plan
  const { bytes, reads, values, singles, reload } = engine
  const figures = [bytes, reads, values, singles, ...(reload === undefined ? [] : [reload])]
  return [
    `${short(inputs.sessions)} live sessions on ${engine.title}; ${short(storeReads)} reads/s reach it`,
    ...[lifeTable, rateTable, serverTable, failoverTable, sweepTable].map((each) => each([plan])),
    regionTable(plan),
    ['measured:', ...figures.map(({ is, source }) => `  ${short(is)} – ${source}`)].join('\n'),
  ].join('\n\n')
}

/** The tables of `docs/scaling.md` by their names. */
export function documentTables(): Readonly<Record<string, string>> {
  const plans = POLICIES.flatMap((policy) => {
    const life = expectedLife({ ...USUAL, ...policy })
    return SIZES.flatMap((sessions) =>
      SERVERS.map((engine) => planOf({ ...USUAL, ...policy, sessions, engine }, life)),
    )
  })
  const ofRedis = plans.filter(({ engine }) => engine === ENGINES.redis)
  const swept = plans.filter(({ engine }) => engine.sweep === 'buckets')
  const { life } = plans[0]!
  const inMemory = planOf({ ...USUAL, engine: 'memory', sweepEvery: 1 }, life)
  const masters = new Set(ofRedis.map(({ servers }) => Math.max(3, servers.count)))
  return {
    life: lifeTable(ofRedis.filter(({ inputs }) => inputs.sessions === SIZES[0])),
    rates: rateTable(ofRedis),
    servers: serverTable([...plans, inMemory]),
    imbalance: imbalanceTable([...masters].sort((a, b) => a - b)),
    failover: failoverTable(plans),
    sweep: sweepTable([...swept, inMemory]),
    region: regionTable(planOf({ ...USUAL, sessions: 1e9 }, life)),
    sealed: sealedTable(ofRedis),
    simulation: comparisonTable(compare(planOf({ ...USUAL, engine: 'postgres' }, life))),
  }
}
