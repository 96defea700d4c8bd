import { backendFault } from './errors.ts'
import { publishSwept } from './events.ts'
import { assertCount } from './options.ts'
import type { Store } from './store.ts'

/** How a backend removes expired records by itself. */
export interface SweeperOptions {
  /** Milliseconds between two steps, give or take a quarter; 0 turns it off. Default: 1,000. */
  readonly sweepEveryMs?: number | undefined
  /** Records that one step looks at. Default: 1,000, well under a millisecond in memory. */
  readonly sweepLimit?: number | undefined
  /** Ends the sweeping when it is aborted, as closing the backend does. A step under way ends by itself. */
  readonly signal?: AbortSignal | undefined
}

const LONGEST_MS = 2 ** 31 - 1
// A step that removed as much as it may has left work behind.
const BUSY_FACTOR = 0.1

/**
 * Milliseconds to the next step after one that removed `removed`: the interval give or take a quarter, or a tenth of it
 * after a step that removed all it may. `random` is as `Math.random`.
 */
export function sweepDelayMs(
  { sweepEveryMs, sweepLimit }: { readonly sweepEveryMs: number; readonly sweepLimit: number },
  removed: number,
  random: () => number,
): number {
  const factor = removed >= sweepLimit ? BUSY_FACTOR : 1
  return Math.min(sweepEveryMs * factor * (0.75 + random() / 2), LONGEST_MS)
}

/**
 * Sweeps `store` in small steps, off the request path, until the returned function is called. Its timer
 * keeps no process alive, and waits a little more or less each time, so that processes started together
 * do not sweep together. A step that fails is tried again at the next tick: the records it would have
 * removed are gone for readers anyway.
 *
 * @throws RangeError when an option is out of range.
 */
export function startSweeper(store: Pick<Store, 'sweep'>, options: SweeperOptions): () => void {
  const { sweepEveryMs = 1000, sweepLimit = 1000, signal } = options
  if (!Number.isInteger(sweepEveryMs) || sweepEveryMs < 0 || sweepEveryMs > LONGEST_MS) {
    throw new RangeError(
      '"sweepEveryMs" must be a whole number of milliseconds, or 0 for no sweeping',
    )
  }
  assertCount('sweepLimit', sweepLimit)
  if (sweepEveryMs === 0 || signal?.aborted === true) return () => {}
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const stop = (): void => {
    stopped = true
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
  const wait = (removed: number): void => {
    if (stopped) return
    const delayMs = sweepDelayMs({ sweepEveryMs, sweepLimit }, removed, Math.random)
    timer = setTimeout(() => void step(), delayMs)
    timer.unref()
  }
  const step = async (): Promise<void> => {
    wait(await sweepOnce(store, sweepLimit))
  }
  signal?.addEventListener('abort', stop, { once: true })
  wait(0)
  return stop
}

async function sweepOnce(store: Pick<Store, 'sweep'>, limit: number): Promise<number> {
  const start = performance.now()
  try {
    const removed = await store.sweep(limit)
    publishSwept(removed, start)
    return removed
  } catch (cause) {
    // Nothing depends on this step, and the fault will meet a reader or writer who can be told.
    backendFault('sweep', cause)
    return 0
  }
}
