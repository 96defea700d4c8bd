import { createMemoryStore } from '../../src/backends/memory.ts'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import type { LifecyclePolicy, SessionBackend, SessionManagerOptions } from '../../src/index.ts'
import { createBackend, createSessionManager } from '../../src/index.ts'
import type { SessionManager, Store } from '../../src/index.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import type { TestClock } from '../../src/testing/clock.ts'
import { createManualClock } from '../core/manual-clock.ts'
import type { ManualClock } from '../core/manual-clock.ts'
import { spyOn } from '../core/spy-store.ts'
import type { SpyStore } from '../core/spy-store.ts'

export const NAME = '__Host-session'

/** The `Cookie` header that carries `keys`. */
export function cookieOf(...keys: readonly string[]): string {
  return keys.map((key) => `${NAME}=${key}`).join('; ')
}

/** Options of `createManager`. */
export interface FixtureOptions<V> {
  readonly policy?: LifecyclePolicy
  readonly manager?: Partial<SessionManagerOptions<V>>
  /** Operations of the store to do in place of the memory store's. */
  readonly replace?: (store: Store) => Partial<Store>
}

/** A manager on memory, with everything under it in hand. */
export interface Fixture<V> {
  readonly sessions: SessionManager<V>
  readonly backend: SessionBackend
  readonly store: SpyStore
  /** The store itself, beside the spy. */
  readonly memory: Store
  /** The store's clock. */
  readonly clock: TestClock
  /** The clock that `update` waits by. It moves as soon as someone sleeps. */
  readonly waits: ManualClock
}

/** Makes a manager on a memory store that notes its calls. */
export function createManager<V = unknown>(options: FixtureOptions<V> = {}): Fixture<V> {
  const clock = createTestClock()
  const memory = createMemoryStore(clock.now)
  const store = spyOn(memory, options.replace?.(memory))
  const backend = createBackend(store, options.policy)
  const waits = createManualClock({ skip: true })
  const sessions = createSessionManager<V>({ backend, clock: waits, ...options.manager })
  return { sessions, backend, store, memory, clock, waits }
}

/** A manager on one engine. */
export interface Engine {
  readonly sessions: SessionManager
  readonly backend: SessionBackend
  readonly clock: TestClock
}

/** Both engines that need nothing but this process. */
export const ENGINES: readonly (readonly [
  name: string,
  create: (policy?: LifecyclePolicy) => Engine,
])[] = [
  ['memory', (policy) => createManager({ policy: policy ?? {}, manager: { clock: undefined } })],
  [
    'SQLite',
    (policy) => {
      const clock = createTestClock()
      const backend = createSqliteBackend(':memory:', {
        ...policy,
        now: clock.now,
        sweepEveryMs: 0,
      })
      return { sessions: createSessionManager({ backend }), backend, clock }
    },
  ],
]
