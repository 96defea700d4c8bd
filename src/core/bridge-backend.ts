import { BRIDGE_TIMEOUT_MS } from './bridge-store.ts'
import { createBackend } from './lifecycle.ts'
import type { LifecyclePolicy } from './lifecycle.ts'
import type { SessionBackend } from './session-backend.ts'
import type { Store } from './store.ts'

/** Options of every bridge. `timeoutMs` is 5,000 by default. */
export interface BridgeOptions extends LifecyclePolicy {
  /** The bridge's one clock: epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined
}

/**
 * A backend over an engine that cannot write conditionally. It does the whole of a `SessionBackend`, with one
 * difference, which is in its type.
 */
export interface BridgeBackend extends SessionBackend {
  /**
   * How far it holds that no write is lost and no ended session comes back: within this process. Two processes on
   * one engine can overwrite each other's changes, and one can bring back what the other has ended. Run one
   * process, or send each user to the same one; a backend without this property needs neither.
   */
  readonly conditionalWrites: 'process'
}

/** Makes the backend of a bridge's store. */
export function createBridgeBackend(store: Store, options: BridgeOptions): BridgeBackend {
  const { timeoutMs = BRIDGE_TIMEOUT_MS } = options
  const backend = createBackend(store, { ...options, timeoutMs })
  return Object.assign(backend, { conditionalWrites: 'process' as const })
}
