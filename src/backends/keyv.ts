/**
 * Sessions in any Keyv store, for one process: for engines that have no backend of their own.
 *
 * @module `sojourn/backends/keyv`
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

/** The part of a `Keyv` that this backend calls. */
export interface KeyvClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, ttlMs: number): Promise<unknown>
  delete(key: string): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): unknown
  /** There where the store can list its keys. */
  iterator?: unknown
}

/** Options of `createKeyvBackend`. Unlike elsewhere, `sweepEveryMs` is 60,000 and `sweepLimit` 100 by default. */
export interface KeyvBackendOptions extends BridgeOptions, SweeperOptions {
  /** What the keys begin with, after Keyv's own namespace: letters, digits, `-` and `_`. Default: `sojourn-`. */
  readonly prefix?: string | undefined
}

/** A Keyv backend: a `BridgeBackend` that can be closed. */
export interface KeyvBackend extends BridgeBackend {
  /** Stops the sweeping timer. The Keyv stays connected. */
  close(): void
}

type Iterate = () => AsyncIterable<readonly [key: string, value: unknown]>

const PREFIX = /^[a-z0-9_-]*$/i
// Each step reads records one by one, and most stores drop what has expired by themselves.
const SWEEP = { sweepEveryMs: 60_000, sweepLimit: 100 }

const OPTIONS = [...POLICY_OPTIONS, ...SWEEPER_OPTIONS, 'prefix', 'now']

/**
 * Makes a backend on a `Keyv`, by this process's clock. **For one process**: Keyv has no conditional write, so
 * steps are kept in order within the process only, and two processes on one store can overwrite each other and
 * bring ended sessions back.
 *
 * Keyv answers "not there" when its store fails. This backend listens to the `error` events beside such an answer
 * and rejects with `BackendError`; it adds a listener for them, so that they end no process. Keyv 5 must be made with
 * `throwOnErrors: true`, as it reports a failed read in no other way. An adapter with a switch for that needs it on.
 *
 * @throws TypeError when `keyv` keeps faults of its store to itself, or an option is not as described.
 * @throws InvalidPeriodError or RangeError when a number is out of range.
 * @example
 * ```ts
 * import { Keyv } from 'keyv'
 * import { createKeyvBackend } from 'sojourn/backends/keyv'
 *
 * const backend = createKeyvBackend(new Keyv({ namespace: 'sessions' }), { period: 1800 })
 * ```
 */
export function createKeyvBackend(keyv: KeyvClient, options: KeyvBackendOptions = {}): KeyvBackend {
  assertOptions('createKeyvBackend', options, OPTIONS)
  const store = createKeyvStore(keyv, options)
  const backend = createBridgeBackend(store, options)
  const { sweepEveryMs = SWEEP.sweepEveryMs, sweepLimit = SWEEP.sweepLimit, signal } = options
  const close = startSweeper(store, { sweepEveryMs, sweepLimit, signal })
  return Object.assign(backend, { close })
}

/** Makes the `Store` under `createKeyvBackend`. */
export function createKeyvStore(
  keyv: KeyvClient,
  options: Pick<KeyvBackendOptions, 'prefix' | 'now' | 'timeoutMs'> = {},
): Store {
  const { prefix = 'sojourn-' } = options
  if (!PREFIX.test(prefix)) {
    throw new TypeError('"prefix" must be of letters, digits, "-" and "_"')
  }
  const methods = ['get', 'set', 'delete', 'on'] as const
  if (methods.some((method) => typeof keyv?.[method] !== 'function')) {
    throw new TypeError('"keyv" must be a Keyv')
  }
  assertOutspoken(keyv)
  return createBridgeStore(createEngine(keyv, prefix), options)
}

/** Refuses a Keyv 5 that answers "not there" for "failed" without a word. Others have no such properties. */
function assertOutspoken(keyv: KeyvClient & { throwOnErrors?: unknown; opts?: unknown }): void {
  if ('throwOnErrors' in keyv && keyv.throwOnErrors !== true) {
    throw new TypeError('"keyv" must be made with "throwOnErrors: true": it hides faults otherwise')
  }
  const { opts } = keyv
  const hides = typeof opts === 'object' && opts !== null && 'emitErrors' in opts
  if (hides && opts.emitErrors === false) {
    throw new TypeError('"keyv" must not be made with "emitErrors: false": it hides faults then')
  }
}

function createEngine(keyv: KeyvClient, prefix: string): BridgeEngine {
  let faults = 0
  let latest: unknown
  keyv.on('error', (error) => {
    faults++
    latest = error
  })

  /** Runs a call and fails if the Keyv reported a fault meanwhile, unless the answer could not come of one. */
  async function heedful<T>(call: () => Promise<T>, sure: (answer: T) => boolean): Promise<T> {
    const before = faults
    const answer = await call()
    if (sure(answer)) return answer
    if (faults > before) throw new Error('the store under the Keyv failed', { cause: latest })
    return answer
  }

  // In hexadecimal: with its option `sanitize`, Keyv takes some characters out of keys.
  const nameOf = (key: string): string => prefix + Buffer.from(key).toString('hex')
  const never = (): boolean => false

  async function* list(iterate: Iterate): AsyncGenerator<string> {
    const before = faults
    for await (const [name] of iterate()) {
      if (!name.startsWith(prefix)) continue
      yield Buffer.from(name.slice(prefix.length), 'hex').toString()
    }
    if (faults > before) throw new Error('the store under the Keyv failed', { cause: latest })
  }

  return {
    get: (key) =>
      heedful(
        () => keyv.get(nameOf(key)),
        (answer) => typeof answer === 'string',
      ),

    async set(key, text, ttlMs) {
      const done = await heedful(() => keyv.set(nameOf(key), text, ttlMs), never)
      if (done === false) throw new Error('the Keyv did not write')
    },

    async delete(key) {
      const done = await heedful(() => keyv.delete(nameOf(key)), never)
      // False stands for "there was none" and for "it failed".
      if (done === false && (await keyv.get(nameOf(key))) !== undefined) {
        throw new Error('the Keyv did not delete')
      }
    },

    // Asked for at each call: Keyv 5 has one only while its store can list.
    keys: () => (typeof keyv.iterator === 'function' ? list(keyv.iterator.bind(keyv)) : []),
  }
}
