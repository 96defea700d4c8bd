import { isSessionError } from '../../src/index.ts'
import type { SessionBackend } from '../../src/index.ts'

/** What the load has come to, in numbers. */
export interface Figures {
  /** Operations of callers that were answered, with a refusal too. */
  acknowledged: number
  /** Operations of callers that ended in a `BackendError`. */
  failed: number
  /** Those of them that may have taken effect. */
  unknown: number
  /** The longest call of the backend, in milliseconds. */
  longestMs: number
  /** Calls of the backend that took longer than the limit and the margin. */
  late: number
  /** Errors that are none of those which an operation may end in, by name. */
  untyped: string[]
}

/** Watches the backend's calls and the callers' operations. */
export interface Meter {
  readonly figures: Figures
  /** The backend, watched. A call makes as many calls of the store as its own contract says. */
  watch<B extends SessionBackend>(backend: B): B
  succeeded(): void
  /** Counts a failed operation; `invokedAtMs` is when it began. */
  failed(invokedAtMs: number, mayHaveTakenEffect: boolean): void
  untyped(error: unknown): void
  /** From now on the engine is well again. */
  cleared(): void
  /** Milliseconds since the last failure of an operation that began after the engine was well; `Infinity` without one. */
  quietMs(): number
  /** Milliseconds from `cleared` to the first answer and to the last failure of what began after it. */
  recovery(): { readonly firstMs: number | undefined; readonly lastMs: number }
  /** For how long the event loop was held up, all in all. */
  stalledMs(): number
  close(): void
}

// What a timer may be late on a machine with other work, beside what the event loop was held up, which is measured.
const MARGIN_MS = 250
// A rotation that meets another one reads the record again.
const STORE_CALLS = { generate: 1, get: 1, set: 1, clear: 1, touch: 1, rotate: 2 } as const

/** Makes the meter of one trial on a backend whose calls may take `timeoutMs`. */
export function createMeter(timeoutMs: number): Meter {
  const figures: Figures = {
    acknowledged: 0,
    failed: 0,
    unknown: 0,
    longestMs: 0,
    late: 0,
    untyped: [],
  }
  const stalls = watchStalls()
  let clearedAtMs = Infinity
  let firstMs: number | undefined
  let lastFailureMs: number | undefined

  function untyped(error: unknown): void {
    const { name, code } = Object(error) as { name?: unknown; code?: unknown }
    figures.untyped.push(`${String(name)} ${String(code)}`)
  }

  async function measured<T>(calls: number, run: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now()
    const stalledMs = stalls.totalMs()
    try {
      return await run()
    } catch (error) {
      if (!isSessionError(error)) untyped(error)
      throw error
    } finally {
      const tookMs = performance.now() - startedAtMs
      figures.longestMs = Math.max(figures.longestMs, tookMs)
      const heldUpMs = stalls.totalMs() - stalledMs
      if (tookMs > calls * (timeoutMs + MARGIN_MS) + heldUpMs) figures.late++
    }
  }

  return {
    figures,
    watch(backend) {
      const watched = Object.create(backend) as typeof backend
      for (const [name, calls] of Object.entries(STORE_CALLS)) {
        const run = backend[name as keyof typeof STORE_CALLS] as (
          ...args: unknown[]
        ) => Promise<unknown>
        Object.assign(watched, {
          [name]: (...args: unknown[]) => measured(calls, async () => run(...args)),
        })
      }
      return watched
    },
    succeeded() {
      figures.acknowledged++
      const nowMs = performance.now()
      if (nowMs >= clearedAtMs) firstMs ??= nowMs - clearedAtMs
    },
    failed(invokedAtMs, mayHaveTakenEffect) {
      figures.failed++
      if (mayHaveTakenEffect) figures.unknown++
      if (invokedAtMs >= clearedAtMs) lastFailureMs = performance.now()
    },
    untyped,
    cleared() {
      clearedAtMs = performance.now()
      firstMs = undefined
      lastFailureMs = undefined
    },
    quietMs: () => performance.now() - (lastFailureMs ?? -Infinity),
    recovery: () => ({
      firstMs,
      lastMs: lastFailureMs === undefined ? 0 : lastFailureMs - clearedAtMs,
    }),
    stalledMs: stalls.totalMs,
    close: stalls.close,
  }
}

const LOOK_EVERY_MS = 20

/** Adds up how long the event loop has been held up: no limit can be kept meanwhile. */
function watchStalls(): { readonly totalMs: () => number; readonly close: () => void } {
  let lookedAtMs = performance.now()
  let stalledMs = 0
  const since = (): number => Math.max(0, performance.now() - lookedAtMs - LOOK_EVERY_MS)
  const timer = setInterval(() => {
    stalledMs += since()
    lookedAtMs = performance.now()
  }, LOOK_EVERY_MS)
  return { totalMs: () => stalledMs + since(), close: () => clearInterval(timer) }
}
