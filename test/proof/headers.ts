// A session look-up stands before every request, so its header comes from anyone. This gives the manager a
// million generated `Cookie` headers and the worst known ones, and fails if one throws, if anything but a
// well-formed record id reaches the store, or if the time grows faster than the header.
import * as fc from 'fast-check'
import { createMemoryStore } from '../../src/backends/memory.ts'
import type { Store } from '../../src/core/store.ts'
import { readCookies } from '../../src/http/cookie-header.ts'
import type { HeaderSource, Key } from '../../src/index.ts'
import { createBackend, createSessionManager, generateKey } from '../../src/index.ts'
import { cookieHeaders, hostileHeaders, LONG } from '../http/hostile-headers.ts'

const RUNS = Number(process.env['HEADERS'] ?? 1_000_000)
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const NAME = '__Host-session'
const RECORD_ID = /^[A-Za-z0-9_-]{22}$/
const MOST_READS = 4
// Eight times the header may cost eight times the time, and as much again for a noisy machine.
const TIMES_SIZE = 8
const MOST_TIMES_TIME = 16
const SAMPLES = 31

type Run = (header: string) => void | Promise<void>

interface Growth {
  readonly times: number
  readonly kind: string
  readonly slowestMs: number
  readonly slowestKind: string
}

const reads = { count: 0, malformed: 0 }
const outcomes = new Map<string, number>()

/** A memory store in which each read is checked, and nothing but reading is allowed. */
function watchReads(store: Store): Store {
  const refuse = (): never => {
    throw new Error('a look-up wrote to the store')
  }
  return {
    ...store,
    read(recordId) {
      reads.count++
      if (typeof recordId !== 'string' || !RECORD_ID.test(recordId)) reads.malformed++
      return store.read(recordId)
    },
    update: refuse,
    touch: refuse,
    updateSecurity: refuse,
    delete: refuse,
  }
}

const sessions = createSessionManager({ backend: createBackend(watchReads(createMemoryStore())) })

async function lookUp(headers: HeaderSource): Promise<void> {
  const before = reads.count
  const found = await sessions.fromHeaders(headers)
  const outcome = found.ok ? 'found' : found.reason
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  if (reads.count - before > MOST_READS) throw new Error('one header made too many reads')
}

/** The header in each of the forms that servers hand on. */
function sources(headers: fc.Arbitrary<string>): fc.Arbitrary<HeaderSource> {
  return fc.oneof(
    { weight: 4, arbitrary: headers },
    headers.map((cookie) => ({ cookie })),
    headers.map((cookie) => ({ get: () => cookie })),
    fc.array(headers, { maxLength: 3 }).map((cookie) => ({ cookie })),
  )
}

async function lookUpGenerated(live: Key): Promise<void> {
  const values = [live, generateKey(), live.slice(0, -1), `${live}x`, live.replace('.', '_'), '']
  const generated = sources(cookieHeaders(NAME, values))
  await fc.assert(fc.asyncProperty(generated, lookUp), { numRuns: RUNS, seed: SEED })
}

async function lookUpHostile(live: Key): Promise<void> {
  for (const header of hostileHeaders(NAME, live, LONG).values()) {
    await lookUp(header)
    await lookUp(`${header}; ${NAME}=${live}`)
    await lookUp({ cookie: [header, header, `${NAME}=${live}`] })
  }
  const many = Array.from({ length: 10_000 }, (_, n) => `cookie${n}=${n}`).join('; ')
  await lookUp(`${many}; ${NAME}=${live}`)
}

function median(samples: number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? Number.NaN
}

/** Milliseconds for one run on `header`, over enough runs for the clock to tell. */
async function timeOf(run: Run, header: string, runs: number): Promise<number> {
  const start = performance.now()
  for (let n = 0; n < runs; n++) await run(header)
  return (performance.now() - start) / runs
}

/** Medians of `run` on `short` and on `long`, taken in turn so that a slow moment meets both. */
async function timeBoth(run: Run, short: string, long: string): Promise<[number, number]> {
  await timeOf(run, short, 100)
  await timeOf(run, long, 20)
  const shortMs: number[] = []
  const longMs: number[] = []
  for (let n = 0; n < SAMPLES; n++) {
    shortMs.push(await timeOf(run, short, 40))
    longMs.push(await timeOf(run, long, 5))
  }
  return [median(shortMs), median(longMs)]
}

/** By how much the worst kind of hostile header grows with its length, and how long the slowest takes. */
async function measureGrowth(live: Key, run: Run): Promise<Growth> {
  const growth = { times: 0, kind: '', slowestMs: 0, slowestKind: '' }
  const longs = hostileHeaders(NAME, live, LONG)
  for (const [kind, short] of hostileHeaders(NAME, live, LONG / TIMES_SIZE)) {
    const [shortMs, longMs] = await timeBoth(run, short, longs.get(kind) ?? '')
    const times = longMs / shortMs
    if (times > growth.times) Object.assign(growth, { times, kind })
    if (longMs > growth.slowestMs) Object.assign(growth, { slowestMs: longMs, slowestKind: kind })
  }
  return growth
}

async function proveLinear(what: string, live: Key, run: Run): Promise<boolean> {
  const { times, kind, slowestMs, slowestKind } = await measureGrowth(live, run)
  const slowest = `${slowestMs.toFixed(3)} ms for ${LONG} characters (${slowestKind})`
  console.log(
    `${what}: ${TIMES_SIZE} times the header takes at most ${times.toFixed(1)} times the time ` +
      `(${kind}); the slowest takes ${slowest}`,
  )
  return times <= MOST_TIMES_TIME
}

const { key: live } = await sessions.generate({ user: 'somebody' })
console.log(`seed ${SEED}`)
const start = performance.now()
await lookUpGenerated(live)
const seconds = (performance.now() - start) / 1000
console.log(`${RUNS} generated headers in ${seconds.toFixed(1)} s, none threw`)
await lookUpHostile(live)
console.log(`hostile headers of ${LONG} characters and more: none threw`)
console.log(`outcomes: ${JSON.stringify(Object.fromEntries(outcomes))}`)
console.log(`reads of the store: ${reads.count}, with a malformed record id: ${reads.malformed}`)
const linear = [
  await proveLinear('parser', live, (header) => void readCookies(header, NAME)),
  await proveLinear('look-up', live, (header) => sessions.fromHeaders(header).then(() => {})),
]
if (reads.malformed > 0 || reads.count === 0 || linear.includes(false)) {
  console.error('the proof has failed')
  process.exitCode = 1
}
