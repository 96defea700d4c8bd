// Stands in for Vitest where the suite is bundled for another runtime: it collects cases and runs them in order.

/** What came of the cases. */
export interface Report {
  readonly passed: number
  /** By name, with what went wrong. */
  readonly failed: readonly string[]
}

type Run = (...row: unknown[]) => unknown

const LIMIT_MS = 10_000

let titles: readonly string[] = []
const cases: { readonly name: string; readonly run: () => unknown }[] = []
let finishes: (() => unknown)[] = []

export { expect } from './expect.ts'

/** Puts a title in front of the names of what `collect` adds. */
export function describe(title: string, collect: () => void): void {
  const before = titles
  titles = [...titles, title]
  collect()
  titles = before
}

/** Adds a case. */
export function it(name: string, run: Run): void {
  cases.push({ name: [...titles, name].join(': '), run })
}

/** Adds a case for each row, with the row's values for each `%s`. */
it.each =
  (rows: readonly (readonly unknown[])[]) =>
  (name: string, run: Run): void => {
    for (const row of rows) {
      const values = row.values()
      it(
        name.replaceAll('%s', () => String(values.next().value)),
        () => run(...row),
      )
    }
  }

/** Calls `finish` at the end of the case that runs. */
export function onTestFinished(finish: () => unknown): void {
  finishes.push(finish)
}

/** Runs every case, each to its end. */
export async function runCases(): Promise<Report> {
  const failed: string[] = []
  for (const { name, run } of cases) {
    try {
      await within(run)
      for (const finish of finishes) await within(finish)
    } catch (error) {
      failed.push(`${name}: ${(error as Error).stack ?? String(error)}`)
    }
    finishes = []
  }
  return { passed: cases.length - failed.length, failed }
}

async function within(run: () => unknown): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${LIMIT_MS} ms`)), LIMIT_MS)
  })
  try {
    await Promise.race([run(), late])
  } finally {
    clearTimeout(timer)
  }
}
