import { parseArgs } from 'node:util'
import { ENGINES } from './engines.ts'
import type { EngineName } from './engines.ts'
import { touchIntervalOf } from './traffic.ts'

/** One number that a reader may change. */
interface Definition {
  readonly usual: number
  readonly least: number
  readonly most: number
  readonly whole?: true
  readonly is: string
  /** Where `usual` is from. What is nobody's measurement is an assumption, and says so. */
  readonly source: string
}

const ASSUMED = 'an assumption: yours will differ'
const LIBRARY = 'the library’s default'

/** Every input, in the order in which `--help` shows them. */
export const DEFINITIONS = {
  sessions: input(1e7, 1, 1e12, 'live sessions', 'as many as you like', true),
  period: input(604_800, 60, 34_560_000, 'idle timeout, seconds', LIBRARY),
  absolute: input(2_592_000, 60, 34_560_000, 'absolute timeout, seconds', LIBRARY),
  pages: input(10, 1, 10_000, 'requests of a visit that use the session, on average', ASSUMED),
  pageGap: input(30, 0.1, 86_400, 'seconds between two requests of a visit, on average', ASSUMED),
  away: input(86_400, 1, 31_536_000, 'seconds between two visits, on average', ASSUMED),
  logout: input(0.05, 0, 1, 'share of visits that end by a logout', ASSUMED),
  leave: input(0.2, 0, 1, 'share of visits after which nobody comes back', ASSUMED),
  write: input(0.1, 0, 1, 'share of requests that write a value', ASSUMED),
  peak: input(3, 1, 100, 'the busiest hour’s traffic, in averages', ASSUMED),
  valueBytes: input(280, 0, 2000, 'bytes of a value’s JSON', 'docs/proofs.md, `proof:million`'),
  shardMemory: input(32e9, 1e6, 1e14, 'bytes of memory of one store server', ASSUMED),
  fill: input(0.5, 0.01, 1, 'share of that memory for sessions', ASSUMED),
  load: input(0.5, 0.01, 1, 'share of the measured rates to use at the peak', ASSUMED),
  speed: input(
    1,
    0.01,
    1000,
    'how many times as fast as ours a store server is',
    'docs/scaling.md',
  ),
  replicas: input(1, 0, 10, 'replicas of each store server', ASSUMED, true),
  lag: input(
    0.7,
    0,
    3600,
    'seconds by which a replica lags at a failover',
    'test/faults/sentinel.ts',
  ),
  sweepEvery: input(10, 0.01, 2e6, 'seconds between two steps of a sweep', LIBRARY),
  sweepLimit: input(1000, 1, 1e6, 'records of one step', LIBRARY, true),
  burst: input(1, 1, 1000, 'reads of the session at once for each such request', ASSUMED, true),
  processes: input(
    8,
    1,
    100_000,
    'server processes that a page’s requests spread over',
    ASSUMED,
    true,
  ),
  staleness: input(0, 0, 60, 'seconds of the near cache; 0 for none', LIBRARY),
  regions: input(3, 1, 100, 'regions, each with the sessions that began in it', ASSUMED, true),
  abroad: input(0.02, 0, 1, 'share of requests that arrive at another region', ASSUMED),
  rtt: input(100, 0, 1000, 'milliseconds from there to the session’s own region and back', ASSUMED),
  simulated: input(2000, 10, 1e6, 'live sessions of the simulation', 'this script', true),
  seed: input(1, 0, 2 ** 31 - 1, 'seed of the simulation', 'this script', true),
} as const

export type InputName = keyof typeof DEFINITIONS
export type Inputs = Readonly<Record<InputName, number>> & { readonly engine: EngineName }

/** What the script was asked for. */
export interface Asked {
  readonly inputs: Inputs
  readonly help: boolean
  readonly tables: boolean
}

const NAMES = Object.keys(DEFINITIONS) as InputName[]
// So that a model takes seconds, and a simulation too.
const MOST_TOUCHES_IN_A_LIFE = 20_000

/** The inputs as nobody has changed them. */
export const USUAL: Inputs = {
  ...numbersOf((name) => DEFINITIONS[name].usual),
  engine: 'redis',
}

/**
 * The inputs that the arguments of the command line give.
 *
 * @throws RangeError or TypeError with a sentence for the reader.
 */
export function inputsFrom(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    allowPositionals: false,
    options: {
      ...Object.fromEntries(NAMES.map((name) => [flagOf(name), { type: 'string' as const }])),
      engine: { type: 'string' },
      help: { type: 'boolean' },
      tables: { type: 'boolean' },
    },
  })
  const given: Readonly<Record<string, string | boolean | undefined>> = values
  const { engine = USUAL.engine } = given
  const known = Object.keys(ENGINES)
  if (typeof engine !== 'string' || !known.includes(engine)) {
    throw new RangeError(`--engine must be one of ${known.join(', ')}`)
  }
  const inputs = { ...numbersOf((name) => numberOf(name, given)), engine: engine as EngineName }
  checkTogether(inputs)
  return { inputs, help: given['help'] === true, tables: given['tables'] === true }
}

/** The name of an input on the command line. */
export function flagOf(name: InputName): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Every input with its default, its range and its source. */
export function helpText(): string {
  const lines = NAMES.map((name) => {
    const { usual, least, most, is, source } = DEFINITIONS[name]
    return `  --${flagOf(name).padEnd(13)} ${is} (${usual}; ${least} to ${most}) – ${source}`
  })
  return [
    'npm run scaling -- [--engine redis] [--sessions 1e9] …',
    '',
    `  --engine        ${Object.keys(ENGINES).join(', ')} (redis)`,
    ...lines,
    '  --tables        write the tables of docs/scaling.md, which take no other input',
    '',
    'What was measured of each engine, with its source, is in bench/scaling/engines.ts.',
  ].join('\n')
}

function numbersOf(of: (name: InputName) => number): Record<InputName, number> {
  return Object.fromEntries(NAMES.map((name) => [name, of(name)])) as Record<InputName, number>
}

function numberOf(name: InputName, given: Readonly<Record<string, unknown>>): number {
  const { usual, least, most, whole } = DEFINITIONS[name]
  const text = given[flagOf(name)]
  if (text === undefined) return usual
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN
  if (!(value >= least && value <= most) || (whole === true && !Number.isInteger(value))) {
    const kind = whole === true ? 'a whole number' : 'a number'
    throw new RangeError(`--${flagOf(name)} must be ${kind} from ${least} to ${most}`)
  }
  return value
}

function checkTogether({ logout, leave, period, absolute }: Inputs): void {
  if (logout + leave > 1) throw new RangeError('--logout and --leave must not exceed 1 together')
  if (absolute / touchIntervalOf(period) > MOST_TOUCHES_IN_A_LIFE) {
    throw new RangeError(
      `--absolute must have room for at most ${MOST_TOUCHES_IN_A_LIFE} touches: give a longer --period or a shorter --absolute`,
    )
  }
}

function input(
  usual: number,
  least: number,
  most: number,
  is: string,
  source: string,
  whole?: true,
): Definition {
  return { usual, least, most, is, source, ...(whole === undefined ? {} : { whole }) }
}
