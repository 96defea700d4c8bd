import type { Awaitable } from '../core/backend.ts'

/** One case of a contract. Give `name` and `run` to any runner: `it(name, run)`, `test(name, run)`. */
export interface ContractCase {
  /** What must hold. Names are public API: a case is added in a minor release and changed in a major one. */
  readonly name: string
  /** Why the case is skipped, if it is. */
  readonly skip: string | undefined
  /**
   * Resolves when the case holds, and rejects with an `AssertionError` when it does not. A skipped case is
   * reported as skipped to Vitest and `node:test` (whose context it gets as argument), and printed elsewhere.
   */
  readonly run: (...context: readonly unknown[]) => Promise<void>
}

/** Options of both contracts. */
export interface ContractOptions<T> {
  /** Makes what a case works on: a new one for each case, empty, or on a namespace of its own. */
  readonly create: () => Awaitable<T>
  /**
   * Moves the clock that it goes by. Default: waits for that long, and skips, saying so, the cases about exact
   * moments; give one wherever a clock can be injected.
   */
  readonly advance?: ((seconds: number) => Awaitable<void>) | undefined
  /** Takes away what `create` made. It is called after each case, failed or not. */
  readonly destroy?: ((made: T) => Awaitable<void>) | undefined
  /** Cases that cannot hold, each with the reason. An unknown name is a `TypeError`. */
  readonly skip?: Readonly<Record<string, string>> | undefined
}

/** What a case has to work with beside its subject. */
export interface CaseTools {
  /** Lets at least `seconds` pass. */
  readonly advance: (seconds: number) => Awaitable<void>
}

/** The body of a case. */
export type CaseBody<T> = (made: T, tools: CaseTools) => Promise<void>

/** Cases by name. `exact` ones depend on a clock that stands still. */
export interface CaseTable<T> {
  readonly [name: string]: CaseBody<T> | { readonly exact: CaseBody<T> }
}

const NO_EXACT_TIME = 'needs a clock that can be moved: give "advance"'
// Real clocks are read a little early and a little late.
const MARGIN_SECONDS = 0.05

/**
 * Makes the cases of a table.
 *
 * @throws TypeError when `skip` names no case, or gives no reason.
 */
export function casesOf<T>(table: CaseTable<T>, options: ContractOptions<T>): ContractCase[] {
  const { skip = {}, advance } = options
  for (const [name, reason] of Object.entries(skip)) {
    if (!Object.hasOwn(table, name)) throw new TypeError(`"skip" names no case: ${name}`)
    if (typeof reason !== 'string' || reason === '') {
      throw new TypeError(`"skip" gives no reason for the case: ${name}`)
    }
  }
  const tools: CaseTools = { advance: advance ?? waitSeconds }
  return Object.entries(table).map(([name, entry]) => {
    const exact = typeof entry !== 'function'
    const body = exact ? entry.exact : entry
    const given = Object.hasOwn(skip, name) ? skip[name] : undefined
    const reason = given ?? (exact && advance === undefined ? NO_EXACT_TIME : undefined)
    const run: ContractCase['run'] =
      reason === undefined
        ? async () => runCase(body, options, tools)
        : async (...context) => reportSkip(name, reason, context[0])
    return { name, skip: reason, run }
  })
}

async function runCase<T>(
  body: CaseBody<T>,
  { create, destroy }: ContractOptions<T>,
  tools: CaseTools,
): Promise<void> {
  const made = await create()
  try {
    await body(made, tools)
  } finally {
    await destroy?.(made)
  }
}

function reportSkip(name: string, reason: string, context: unknown): void {
  const { skip } = Object(context) as { readonly skip?: unknown }
  // On the context itself: Vitest's is a function, whose `skip` may want it as `this`.
  if (typeof skip === 'function') skip.call(context, reason)
  else process.emitWarning(`skipped: ${name}: ${reason}`)
}

function waitSeconds(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, (seconds + MARGIN_SECONDS) * 1000))
}
