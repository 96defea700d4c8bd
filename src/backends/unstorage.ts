/**
 * Sessions in any unstorage driver, for one process: files, Cloudflare KV, and whatever else has no backend of its own.
 *
 * @module `sojourn/backends/unstorage`
 */
import { createBridgeBackend } from '../core/bridge-backend.ts'
import type { BridgeBackend, BridgeOptions } from '../core/bridge-backend.ts'
import type { BridgeEngine } from '../core/bridge-engine.ts'
import { createBridgeStore } from '../core/bridge-store.ts'
import type { Store } from '../core/store.ts'
import { startSweeper } from '../core/sweeper.ts'
import type { SweeperOptions } from '../core/sweeper.ts'

export type { BridgeBackend } from '../core/bridge-backend.ts'
import { assertOptions, POLICY_OPTIONS, SWEEPER_OPTIONS } from '../core/options.ts'

/** The part of unstorage's `Storage` that this backend calls. */
export interface UnstorageStorage {
  getItem(key: string): Promise<unknown>
  setItem(key: string, value: string, options: { ttl: number }): Promise<void>
  removeItem(key: string): Promise<void>
  getKeys(base: string): Promise<string[]>
}

/** Options of `createUnstorageBackend`. Unlike elsewhere, `sweepEveryMs` is 60,000 and `sweepLimit` 100 by default. */
export interface UnstorageBackendOptions extends BridgeOptions, SweeperOptions {
  /** What the keys begin with: words of letters, digits, `-` and `_`, with colons between them. Default: `sojourn`. */
  readonly base?: string | undefined
}

/** An unstorage backend: a `BridgeBackend` that can be closed. */
export interface UnstorageBackend extends BridgeBackend {
  /** Stops the sweeping timer. The storage stays open. */
  close(): void
}

const BASE = /^[a-z0-9_-]+(:[a-z0-9_-]+)*$/i
// Each step reads records one by one, over a network perhaps, and many drivers drop what has expired by themselves.
const SWEEP = { sweepEveryMs: 60_000, sweepLimit: 100 }

const OPTIONS = [...POLICY_OPTIONS, ...SWEEPER_OPTIONS, 'base', 'now']

/**
 * Makes a backend on an unstorage `Storage`, by this process's clock. **For one process**: unstorage has no
 * conditional write, so steps are kept in order within the process only, and two processes on one storage can
 * overwrite each other and bring ended sessions back.
 *
 * Drivers that know a time to live are given one; from the others, a timer sweeps what has expired. A driver must
 * read what it has just written: an eventually consistent one is found out at the next write, or not at all. What
 * a driver reports as absent is absent: the `fs` driver does so with a folder that is not mounted.
 *
 * @throws InvalidPeriodError when a period is out of range.
 * @throws TypeError or RangeError for another option that is not as described.
 * @example
 * ```js
 * import { createStorage } from 'unstorage'
 * import fsDriver from 'unstorage/drivers/fs'
 * import { createUnstorageBackend } from 'sojourn/backends/unstorage'
 *
 * const storage = createStorage({ driver: fsDriver({ base: './sessions' }) })
 * const backend = createUnstorageBackend(storage, { period: 1800 })
 * ```
 */
export function createUnstorageBackend(
  storage: UnstorageStorage,
  options: UnstorageBackendOptions = {},
): UnstorageBackend {
  assertOptions('createUnstorageBackend', options, OPTIONS)
  const store = createUnstorageStore(storage, options)
  const backend = createBridgeBackend(store, options)
  const { sweepEveryMs = SWEEP.sweepEveryMs, sweepLimit = SWEEP.sweepLimit, signal } = options
  const close = startSweeper(store, { sweepEveryMs, sweepLimit, signal })
  return Object.assign(backend, { close })
}

/** Makes the `Store` under `createUnstorageBackend`. */
export function createUnstorageStore(
  storage: UnstorageStorage,
  options: Pick<UnstorageBackendOptions, 'base' | 'now' | 'timeoutMs'> = {},
): Store {
  const { base = 'sojourn' } = options
  if (!BASE.test(base)) {
    throw new TypeError('"base" must be words of letters, digits, "-" and "_", with ":" between')
  }
  const methods = ['getItem', 'setItem', 'removeItem', 'getKeys'] as const
  if (methods.some((method) => typeof storage?.[method] !== 'function')) {
    throw new TypeError('"storage" must be a storage of unstorage')
  }
  return createBridgeStore(createEngine(storage, base), options)
}

function createEngine(storage: UnstorageStorage, base: string): BridgeEngine {
  let proven = false
  // In hexadecimal: some file systems take two keys for one that differ by case.
  const itemOf = (key: string): string => `${base}:${Buffer.from(key).toString('hex')}`

  return {
    get: (key) => storage.getItem(itemOf(key)),

    async set(key, text, ttlMs) {
      const item = itemOf(key)
      await storage.setItem(item, text, { ttl: Math.ceil(ttlMs / 1000) })
      if (proven) return
      // A driver that cannot write, or was told not to, does nothing and says nothing.
      if ((await storage.getItem(item)) !== text) {
        throw new Error('the driver does not give back what it was given to keep')
      }
      proven = true
    },

    async delete(key) {
      const item = itemOf(key)
      await storage.removeItem(item)
      // Drivers over files keep the error to themselves when a file cannot be removed.
      const left = await storage.getItem(item)
      if (left !== null && left !== undefined) {
        throw new Error('the driver still has what it was told to remove')
      }
    },

    async *keys() {
      for (const item of await storage.getKeys(base)) {
        if (!item.startsWith(`${base}:`)) continue
        yield Buffer.from(item.slice(base.length + 1), 'hex').toString()
      }
    },
  }
}
