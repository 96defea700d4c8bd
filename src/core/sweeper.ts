import type { Store } from './store.ts'

/** How a backend removes expired records by itself. */
export interface SweeperOptions {
  /** Milliseconds between two steps; 0 turns it off. Default: 1,000. */
  readonly sweepEveryMs?: number | undefined
  /** Records that one step looks at. Default: 1,000, well under a millisecond in memory. */
  readonly sweepLimit?: number | undefined
}

/**
 * Sweeps `store` in small steps, off the request path, until the returned function is called. Its timer
 * keeps no process alive. A step that fails is tried again at the next tick: the records it would have
 * removed are gone for readers anyway.
 *
 * @throws RangeError when an option is out of range.
 */
export function startSweeper(store: Pick<Store, 'sweep'>, options: SweeperOptions): () => void {
  const { sweepEveryMs = 1000, sweepLimit = 1000 } = options
  if (!Number.isInteger(sweepEveryMs) || sweepEveryMs < 0 || sweepEveryMs > 2 ** 31 - 1) {
    throw new RangeError(
      '"sweepEveryMs" must be a whole number of milliseconds, or 0 for no sweeping',
    )
  }
  if (!Number.isInteger(sweepLimit) || sweepLimit < 1) {
    throw new RangeError('"sweepLimit" must be a whole number of at least 1')
  }
  if (sweepEveryMs === 0) return () => {}
  let sweeping = false
  const timer = setInterval(() => {
    if (sweeping) return
    sweeping = true
    void sweepOnce(store, sweepLimit).finally(() => (sweeping = false))
  }, sweepEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}

async function sweepOnce(store: Pick<Store, 'sweep'>, limit: number): Promise<void> {
  try {
    await store.sweep(limit)
  } catch {
    // Nothing depends on this step, and the fault will meet a reader or writer who can be told.
  }
}
