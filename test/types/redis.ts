import { GlideClient, GlideClusterClient } from '@valkey/valkey-glide'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis6'
import { Cluster as ValkeyCluster, Redis as Valkey } from 'iovalkey'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import {
  createClient as createClient5,
  createClientPool as createClientPool5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from 'redis5'
import { createRedisBackend } from '../../src/backends/redis.ts'
import type { RedisBackend, RedisClient } from '../../src/backends/redis.ts'

// The drivers' own types fit as they are, without a cast.
const sentinels = { name: 'main', sentinelRootNodes: [{ host: 'localhost', port: 26_379 }] }
export const clients: readonly RedisClient[] = [
  createClient(),
  createClient({ RESP: 2 }),
  createClientPool(),
  createCluster({ rootNodes: [] }),
  createSentinel(sentinels),
  createClient5(),
  createClientPool5(),
  createCluster5({ rootNodes: [] }),
  createSentinel5(sentinels),
  new Redis(),
  new Cluster([]),
  new Redis6(),
  new Cluster6([]),
  new Valkey(),
  new ValkeyCluster([]),
]
export const backend: RedisBackend = createRedisBackend(createClient(), { period: 60 })
createRedisBackend(new Cluster([]), { prefix: 'app:', onEviction: 'refuse', timeoutMs: 1000 })
createRedisBackend(await createClient().connect())
createRedisBackend(await createCluster({ rootNodes: [] }).connect())
createRedisBackend(await GlideClient.createClient({ addresses: [] }))
createRedisBackend(new Redis(), { nearCache: { maxStaleness: 0.5, maxRecords: 1000 } })
export type Glide = typeof GlideClusterClient

// What is no client does not.
// @ts-expect-error
createRedisBackend('redis://localhost')
// @ts-expect-error
createRedisBackend({ get: async () => null })
// @ts-expect-error
createRedisBackend(new Redis(), { onEviction: 'ask' })
// @ts-expect-error
createRedisBackend(new Redis(), { ttl: 60 })
// @ts-expect-error
createRedisBackend(new Redis(), { nearCache: {} })
// @ts-expect-error
createRedisBackend(new Redis(), { nearCache: { maxStaleness: 1, ttl: 1 } })
