import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine, Fault, RunningEngine, Wire } from './fault.ts'
import { tick } from './history.ts'
import type { Violation } from './history.ts'
import { runHttpLoad } from './http-load.ts'
import { startApplication } from './http-server.ts'
import { createLoadContext, readAll, runManagerLoad } from './load.ts'
import type { LoadContext } from './load.ts'
import { createMeter } from './meter.ts'
import type { Figures, Meter } from './meter.ts'
import { PLANTED } from './planted.ts'
import type { Planted } from './planted.ts'
import { showHistory } from './show.ts'
import { watchProcess } from './watch-process.ts'

/** What is tried. */
export interface TrialOptions {
  readonly engine: Engine
  readonly driver: string
  readonly fault: Fault
  /** How long the load runs at the least; the fault comes again and again. */
  readonly seconds: number
  /** Milliseconds that a call of the store may take. Default: 1,000. */
  readonly timeoutMs?: number | undefined
  readonly planted?: Planted | undefined
  /** Puts a proxy before the port, for faults of the connection. */
  readonly startWire: (port: number) => Promise<Wire & { port: number; stop(): Promise<void> }>
}

/** What came of it. */
export interface TrialResult extends Readonly<Figures> {
  readonly engine: string
  readonly driver: string
  readonly fault: string
  /** Why it could not be made here; then nothing else counts. */
  readonly skipped?: string | undefined
  readonly rounds: number
  /** Sessions whose history was checked. */
  readonly keys: number
  readonly operations: number
  readonly violations: Readonly<Record<Violation, number>>
  /** Acknowledged changes that a failover has undone, where the engine does not promise otherwise. */
  readonly undone: number
  readonly unhandled: readonly string[]
  /** Of all rounds the longest: milliseconds until something was answered again, and until all was. */
  readonly firstAnswerMs: number
  readonly allWellMs: number
  /** For how long the event loop was held up, all in all. */
  readonly stalledMs: number
  /** Some of the histories that cannot be explained. */
  readonly unexplained: readonly string[]
  /** What is wrong, in words; nothing when it has shown what it must. */
  readonly problems: readonly string[]
}

const GROUPS = 8
const VISITORS = 8
const WARM_UP_MS = 1200
const QUIET_MS = 700
// So many failures are more than one caller's bad luck.
const NOTICED = 20
const NO_WIRE: Wire = { cut() {}, cutOnNext: async () => {}, stall() {}, resume() {} }

/** Runs one fault on one engine under load, and checks all that was answered. */
export async function runTrial(options: TrialOptions): Promise<TrialResult> {
  const { engine, driver, fault, startWire } = options
  const watch = watchProcess()
  const running = await engine.start({ onSmallDisk: fault.onSmallDisk === true })
  try {
    const skipped = running.unable?.[fault.name]
    if (skipped !== undefined) {
      const none = { acknowledged: 0, failed: 0, unknown: 0, longestMs: 0, late: 0, untyped: [] }
      return { ...none, ...emptyResult(options), skipped }
    }
    const wire = fault.throughProxy === true ? await startWire(running.port) : undefined
    const { timeoutMs = 1000 } = options
    const connect = engine.drivers[driver]
    if (connect === undefined) throw new Error(`${engine.name} has no driver ${driver}`)
    const connection = await connect({
      port: wire?.port ?? running.port,
      timeoutMs,
      running,
      confirms: fault.failover === 'unconfirmed',
    })
    const meter = createMeter(timeoutMs)
    try {
      const { backend } = connection
      const planted = options.planted === undefined ? backend : PLANTED[options.planted](backend)
      // The lie about replicas is no backend's: whoever asks them tells it.
      const lies = options.planted === 'confirm' && connection.confirm !== undefined
      const confirm = lies ? async () => true : connection.confirm
      const context = createLoadContext(planted, meter, fault.valueBytes, confirm)
      const course = await runCourse(context, options, running, wire ?? NO_WIRE, timeoutMs)
      return judge(options, context, course, watch.seen)
    } finally {
      meter.close()
      await connection.close()
      await wire?.stop()
    }
  } finally {
    await running.stop()
    watch.close()
  }
}

interface Course {
  readonly rounds: number
  readonly firstAnswerMs: number
  readonly allWellMs: number
  readonly problems: string[]
}

/** The load, with the fault in it as often as there is time for, and the look at everything when it is over. */
async function runCourse(
  context: LoadContext,
  { fault, seconds }: TrialOptions,
  running: RunningEngine,
  wire: Wire,
  timeoutMs: number,
): Promise<Course> {
  const { meter } = context
  const problems: string[] = []
  const endMs = performance.now() + seconds * 1000
  const application = await startApplication(context)
  const load = Promise.all([
    runManagerLoad(context, GROUPS),
    runHttpLoad(context, application.url, VISITORS),
  ])
  let [rounds, firstAnswerMs, allWellMs] = [0, 0, 0]
  await sleep(WARM_UP_MS)
  do {
    rounds++
    const beganAt = tick()
    await fault.run({ engine: running, wire, timeoutMs, noticed: failures(meter) })
    meter.cleared()
    const well = await recover(meter, fault.recoversWithinMs ?? 15_000)
    if (fault.failover !== undefined) {
      for (const history of context.histories) history.failover(beganAt, tick())
    }
    const { firstMs = Infinity, lastMs } = meter.recovery()
    firstAnswerMs = Math.max(firstAnswerMs, firstMs)
    allWellMs = Math.max(allWellMs, lastMs)
    if (!well) problems.push('the client did not recover')
    // A failover leaves no replica behind for another one.
  } while (performance.now() < endMs && fault.failover === undefined && problems.length === 0)
  await sleep(QUIET_MS)
  context.stopping = true
  const stopped = await Promise.race([load.then(() => true), sleep(15_000, false)])
  if (!stopped) problems.push('an operation never ended')
  await application.close()
  const failedBefore = meter.figures.failed
  await readAll(context)
  if (meter.figures.failed > failedBefore) problems.push('the engine fails long after the fault')
  return { rounds, firstAnswerMs, allWellMs, problems }
}

/** Waits for operations to fail, from now on. */
function failures({ figures }: Meter): (withinMs: number) => Promise<void> {
  const before = figures.failed
  return async (withinMs) => {
    const endMs = performance.now() + withinMs
    while (figures.failed < before + NOTICED && performance.now() < endMs) await sleep(50)
  }
}

/** Waits until something is answered and nothing fails for a while; false when that takes too long. */
async function recover(meter: Meter, withinMs: number): Promise<boolean> {
  const startedMs = performance.now()
  while (performance.now() - startedMs < withinMs) {
    await sleep(50)
    const wellMs = Math.min(meter.quietMs(), performance.now() - startedMs)
    if (meter.recovery().firstMs !== undefined && wellMs > QUIET_MS) return true
  }
  return false
}

function emptyResult({ engine, driver, fault }: TrialOptions) {
  return {
    engine: engine.name,
    driver,
    fault: fault.name,
    rounds: 0,
    keys: 0,
    operations: 0,
    violations: { lost: 0, revived: 0, anonymous: 0, torn: 0, order: 0, undecided: 0 },
    undone: 0,
    unhandled: [],
    firstAnswerMs: 0,
    allWellMs: 0,
    stalledMs: 0,
    unexplained: [],
    problems: [],
  }
}

function judge(
  options: TrialOptions,
  context: LoadContext,
  course: Course,
  unhandled: readonly string[],
): TrialResult {
  const { meter, histories } = context
  const { figures } = meter
  const stalledMs = meter.stalledMs()
  const empty = emptyResult(options)
  const violations = { ...empty.violations }
  const unexplained: string[] = []
  let [undone, operations] = [0, 0]
  for (const history of histories) {
    operations += history.operations.length
    const verdict = history.check()
    if (verdict.ok) undone += verdict.lost
    const violation = history.violation(verdict)
    if (violation === undefined) continue
    violations[violation]++
    if (unexplained.length < 3) unexplained.push(showHistory(history.operations, verdict))
  }
  const problems = [...course.problems]
  for (const [kind, count] of Object.entries(violations)) {
    if (count > 0) problems.push(`${count} ${kind}`)
  }
  if (figures.late > 0) problems.push(`${figures.late} late`)
  if (figures.untyped.length > 0) problems.push(`untyped: ${summary(figures.untyped)}`)
  if (unhandled.length > 0) problems.push(`unhandled: ${summary(unhandled)}`)
  if (undone > 0 && options.fault.failover === 'none') problems.push(`${undone} undone`)
  const noticed = options.fault.unnoticedBy?.includes(options.driver) !== true
  if (noticed && figures.failed === 0) problems.push('the fault had no effect')
  return {
    ...figures,
    ...empty,
    ...course,
    keys: histories.length,
    operations,
    violations,
    undone,
    unhandled,
    stalledMs,
    unexplained,
    problems,
  }
}

function summary(names: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, count]) => `${count} x ${name}`).join(', ')
}
