/**
 * Sessions in Redis or Valkey: one server, Sentinel or Cluster, by node-redis, ioredis, iovalkey or valkey-glide.
 *
 * @module `sojourn/backends/redis`
 */
import { createBackend, createBackendInTime } from '../core/lifecycle.ts'
import type { LifecyclePolicy } from '../core/lifecycle.ts'
import { assertOneOf, assertOptions, POLICY_OPTIONS } from '../core/options.ts'
import { assertNearCache, createNearCache, describeNearCache } from '../core/near-cache.ts'
import type { NearCacheOptions } from '../core/near-cache.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import { assertTimeLimit } from '../core/time-limit.ts'
import { connectionOf } from './redis/connection.ts'
import type { RedisClient } from './redis/connection.ts'
import { guardEviction } from './redis/eviction.ts'
import { onInvalidated } from './redis/invalidation.ts'
import { createKeyspace } from './redis/keyspace.ts'
import { createRedisStore } from './redis/store.ts'

export type { NearCacheOptions } from '../core/near-cache.ts'
export type {
  GlideClient,
  IoRedisClient,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisSentinel,
  RedisClient,
} from './redis/connection.ts'

/** Options of `createRedisBackend`. */
export interface RedisBackendOptions extends LifecyclePolicy {
  /** What the names of all its keys begin with. Backends with different prefixes do not meet. Default: `sojourn:`. */
  readonly prefix?: string | undefined
  /**
   * What to do when a server is set to evict keys that are in use (any `maxmemory-policy` but `noeviction` under a
   * `maxmemory`, and `allkeys-*` always): `warn` once, by a process warning with the code `SOJOURN_REDIS_EVICTION`;
   * `refuse` every operation with `BackendError` until that has been changed; `ignore` it. A server that forbids
   * INFO gets no warning, and is refused. Default: `warn`.
   */
  readonly onEviction?: 'warn' | 'refuse' | 'ignore' | undefined
  /**
   * Keeps what has been read lately in this process: reads of a session at the same time are one, and its requests of
   * the next moments none. What other processes do is then seen after `maxStaleness` seconds at the latest; with a
   * client of node-redis' `createClient` that has `RESP: 3` and `emitInvalidate: true`, as soon as Redis tells it.
   * Writes stay conditional. Default: none.
   */
  readonly nearCache?: NearCacheOptions | undefined
  /** As for every backend. Default: 5,000. */
  readonly timeoutMs?: number | undefined
}

/** A Redis backend: a `SessionBackend` that can be closed. */
export interface RedisBackend extends SessionBackend {
  /** Ends the backend's own work: a near cache hears of no changes any more. The client stays open. */
  close(): void
}

const TIMEOUT_MS = 5000
const ON_EVICTION = ['warn', 'refuse', 'ignore'] as const

const OPTIONS = [...POLICY_OPTIONS, 'prefix', 'onEviction', 'nearCache']

/**
 * Makes a backend on a connected client: node-redis 5 or 6 (`createClient`, `createClientPool`, `createSentinel`,
 * `createCluster`), ioredis 5 or 6 and iovalkey (`Redis`, `Cluster`), or valkey-glide's `GlideClient`. The client
 * stays yours to connect and to close. One of node-redis gets a listener for `error` that does nothing, as its
 * next broken connection would else end the process.
 *
 * The clock is the server's. Reads and writes go to masters only. A write that a driver sends again after a lost
 * connection is done once; one that it sends late, from its queue, is as conditional as ever. With replicas, Redis
 * acknowledges before it replicates: a failover can lose the last writes.
 *
 * @throws TypeError for a client that is none of these, and for options that are not as described.
 * @throws InvalidPeriodError when a period is out of range.
 * @example
 * ```ts
 * import { createRedisBackend, type RedisClient } from 'sojourn/backends/redis'
 *
 * declare const client: RedisClient // await createClient({ url }).connect()
 * const backend = createRedisBackend(client, { period: 1800, absolute: 86_400 })
 * ```
 */
export function createRedisBackend(
  client: RedisClient,
  options: RedisBackendOptions = {},
): RedisBackend {
  assertOptions('createRedisBackend', options, OPTIONS)
  const { prefix = 'sojourn:', onEviction = 'warn', timeoutMs = TIMEOUT_MS, nearCache } = options
  if (typeof prefix !== 'string' || !prefix.isWellFormed()) {
    throw new TypeError('"prefix" must be a string without lone surrogates')
  }
  assertOneOf('onEviction', onEviction, ON_EVICTION)
  assertTimeLimit('timeoutMs', timeoutMs)
  if (nearCache !== undefined) assertNearCache(nearCache)
  const connection = guardEviction(connectionOf(client), onEviction)
  const engine = createRedisStore(connection, prefix, { patienceMs: timeoutMs })
  const cache = nearCache && createNearCache(engine, nearCache)
  const stop = cache && onInvalidated(client, createKeyspace(prefix), cache.forget)
  const store = cache?.store ?? engine
  // A read that joins another's has another's time limit.
  const create = cache === undefined ? createBackendInTime : createBackend
  const backend = create(store, { ...options, timeoutMs })
  if (nearCache !== undefined) Object.assign(backend, describeNearCache(nearCache, backend))
  return Object.assign(backend, { close: () => stop?.() })
}
