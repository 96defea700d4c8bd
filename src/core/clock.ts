/** Time for everything that waits or gives up: a monotonic clock, and a way to let it pass. */
export interface Clock {
  /** Milliseconds since some fixed moment. Never goes back. */
  readonly now: () => number
  /** Resolves after `ms` milliseconds, or at once when `signal` is aborted, and then leaves no timer behind. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => performance.now(), sleep }

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const wake = (): void => {
      clearTimeout(timer)
      resolve()
    }
    signal?.addEventListener('abort', wake, { once: true })
  })
}
