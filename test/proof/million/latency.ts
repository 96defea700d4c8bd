import { setTimeout as sleep } from 'node:timers/promises'
import type { Filled } from './engines.ts'

/** Milliseconds of reads, the median over windows of each window's own figures, and how the p99 compares. */
export interface Latency {
  readonly p50: string
  readonly p99: string
  /** Of this one's p99 to the first one's in windows side by side: the median, and the middle 80 %. */
  readonly ratio: string
}

/** What a sweep did to the reads beside it. */
export interface Swept {
  readonly quiet: string
  readonly beside: string
  readonly ratio: string
  /** How long it took, or how much of it was done when nobody waited any longer. */
  readonly done: string
}

// Well below what any engine here can serve, so that what is measured is waiting and not a queue of our own making.
const READS_PER_SECOND = 500
const WINDOW_MS = 2000
const TURNS = 10
// Redis keeps up to a tenth of its keys expired, and takes its time with those.
const MOST_WINDOWS = 30

/** Reads from all in turns, window by window, so that a slow moment of the machine meets all of them. */
export async function readLatencies(filled: readonly Filled[]): Promise<Latency[]> {
  for (const each of filled) await windowOf(each)
  const windows: number[][][] = filled.map(() => [])
  for (let turn = 0; turn < TURNS; turn++) {
    const order = turn % 2 === 0 ? [...filled.keys()] : [...filled.keys()].toReversed()
    for (const at of order) windows[at]!.push(await windowOf(filled[at]!))
  }
  const p99s = windows.map((each) => each.map((times) => quantile(times, 0.99)))
  return windows.map((each, at) => ({
    p50: median(each.map((times) => quantile(times, 0.5))).toFixed(2),
    p99: median(p99s[at]!).toFixed(2),
    ratio: spreadOf(p99s[at]!.map((p99, turn) => p99 / p99s[0]![turn]!)),
  }))
}

/**
 * Lets a part of the sessions expire and sweeps it with the backend's own timer while reads go on; compares the windows
 * during the sweep with as many quiet ones before and after it.
 */
export async function sweptWhileReading(
  filled: Filled,
  expire: () => Promise<void>,
): Promise<Swept> {
  const quiet: number[] = []
  const beside: number[] = []
  for (let turn = 0; turn < TURNS; turn++) quiet.push(quantile(await windowOf(filled), 0.99))
  await expire()
  // What changing a tenth of the rows at once has stirred up is not the sweep's doing.
  await filled.settle()
  await sleep(1000)
  for (let turn = 0; turn < TURNS; turn++) quiet.push(quantile(await windowOf(filled), 0.99))
  const stop = await filled.sweep()
  const started = performance.now()
  const all = await filled.expired()
  let left = all
  while (left > 0 && beside.length < MOST_WINDOWS) {
    beside.push(quantile(await windowOf(filled), 0.99))
    left = await filled.expired()
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  stop()
  for (let turn = 0; turn < TURNS; turn++) quiet.push(quantile(await windowOf(filled), 0.99))
  const [before, during] = [median(quiet), median(beside)]
  return {
    quiet: before.toFixed(2),
    beside: during.toFixed(2),
    ratio: (during / before).toFixed(2),
    done: `${all - left} of ${all} in ${seconds} s`,
  }
}

/** The milliseconds of each read of one window, begun at a steady rate whatever the others take. */
async function windowOf(filled: Filled): Promise<number[]> {
  const reads: Promise<number>[] = []
  const started = performance.now()
  for (;;) {
    const elapsedMs = performance.now() - started
    if (elapsedMs >= WINDOW_MS) break
    while (reads.length < (elapsedMs * READS_PER_SECOND) / 1000)
      reads.push(timed(() => filled.read()))
    await sleep(1)
  }
  return Promise.all(reads)
}

async function timed(read: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await read()
  return performance.now() - started
}

function quantile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!
}

function spreadOf(ratios: readonly number[]): string {
  const [low, high] = [quantile(ratios, 0.1), quantile(ratios, 0.9)]
  return `${median(ratios).toFixed(2)} (${low.toFixed(2)} – ${high.toFixed(2)})`
}

function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5)
}
