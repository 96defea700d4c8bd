/**
 * Sessions in the memory of one process: for tests, development and programs that may forget.
 *
 * @module `sojourn/backends/memory`
 */
import { createImmediateBackend } from '../core/lifecycle.ts'
import type { LifecyclePolicy } from '../core/lifecycle.ts'
import { assertOptions, POLICY_OPTIONS, SWEEPER_OPTIONS } from '../core/options.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import type { Store } from '../core/store.ts'
import { startSweeper } from '../core/sweeper.ts'
import type { SweeperOptions } from '../core/sweeper.ts'
import { createTieredStore } from './memory/store.ts'

/** Options of `createMemoryBackend`. */
export interface MemoryBackendOptions extends LifecyclePolicy, SweeperOptions {
  /** The store's one clock: epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** A memory backend: a `SessionBackend` that can be closed. */
export interface MemoryBackend extends SessionBackend {
  /** Stops the sweeping timer. Sessions stay readable. */
  close(): void
}

const OPTIONS = [...POLICY_OPTIONS, ...SWEEPER_OPTIONS, 'now']

/**
 * Makes a backend that keeps sessions in this process, by its own clock. Expired ones are removed without
 * being read: some at each creation and some at each tick of a timer that keeps no process alive, so
 * that what is held stays in proportion to what is live.
 *
 * @throws InvalidPeriodError when a period is out of range.
 * @throws RangeError when a sweeping option is out of range.
 * @example
 * ```ts
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 *
 * const backend = createMemoryBackend({ period: 1800 })
 * ```
 */
export function createMemoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  assertOptions('createMemoryBackend', options, OPTIONS)
  const store = createMemoryStore(options.now)
  const backend = createImmediateBackend(store, options)
  const close = startSweeper(store, options)
  // Not a spread: `defaultPeriod` is a getter.
  return Object.assign(backend, { close })
}

/** Makes the `Store` under `createMemoryBackend`. Every operation is one synchronous step. */
export function createMemoryStore(now: () => number = Date.now): Store {
  return createTieredStore(now)
}
