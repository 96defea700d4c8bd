// The bridges on engines that are servers: what other libraries put between them and the bridge is the real thing.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { Keyv } from 'keyv'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { afterAll, describe, expect, inject, it } from 'vitest'
import {
  createExpressStoreBackend,
  createStoreOfExpressStore,
} from '../../src/backends/express-store.ts'
import type { ExpressStore } from '../../src/backends/express-store.ts'
import { createKeyvBackend, createKeyvStore } from '../../src/backends/keyv.ts'
import { createUnstorageBackend, createUnstorageStore } from '../../src/backends/unstorage.ts'
import type { UnstorageStorage } from '../../src/backends/unstorage.ts'
import type { BridgeBackend } from '../../src/core/bridge-backend.ts'
import { startProxy } from '../servers/proxy.ts'
import { bridgeSuite, expectOutage } from './bridges-suite.ts'

interface DisposableStorage extends UnstorageStorage {
  dispose(): Promise<void>
}

const load = createRequire(import.meta.url)
const { createStorage } = load('unstorage') as {
  createStorage: (options: { driver: object }) => DisposableStorage
}
const redisDriver = load('unstorage/drivers/redis') as (options: object) => {
  getInstance(): EventEmitter
}
const PgStore = (
  load('connect-pg-simple') as (from: typeof session) => new (options: object) => ExpressStore
)(session)

const redisUrl = inject('redisUrl')
const postgresUrl = inject('postgresUrl')
const quiet = { sweepEveryMs: 0 }
const closing: (() => unknown)[] = []
const RUN = `bridges-${randomUUID()}`
let spaces = 0

afterAll(async () => {
  for (const close of closing.toReversed()) await close()
})

/** Names a space of its own on an engine that others use too. */
function newSpace(): string {
  return `bridge-${process.pid}-${spaces++}-`
}

async function connectRedis(url: string) {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  closing.push(() => client.destroy())
  return client
}

type RedisClient = Awaited<ReturnType<typeof connectRedis>>

/** A Keyv on Redis, by an adapter such as an application writes. */
function openKeyv(redis: RedisClient): Keyv {
  const prefix = `${RUN}:keyv-${spaces++}:`
  const store = {
    get: async (key: string) => redis.get(prefix + key),
    set: async (key: string, value: string, ttlMs?: number) => {
      const expiration = ttlMs === undefined ? undefined : { type: 'PX' as const, value: ttlMs }
      await redis.set(prefix + key, value, expiration && { expiration })
    },
    delete: async (key: string) => (await redis.del(prefix + key)) > 0,
    clear: async () => {},
    async *iterator() {
      for await (const keys of redis.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
        for (const key of keys) yield [key.slice(prefix.length), await redis.get(key)]
      }
    },
  }
  return new Keyv({ store })
}

function openPostgres(pool: Pool): ExpressStore {
  const options = { tableName: 'bridge_sessions', createTableIfMissing: true }
  return new PgStore({ pool, ...options, pruneSessionInterval: false })
}

const redis = await connectRedis(redisUrl)
closing.push(async () => {
  for await (const keys of redis.scanIterator({ MATCH: `${RUN}*`, COUNT: 1000 })) {
    if (keys.length > 0) await redis.unlink(keys)
  }
})
const pool = new Pool({ connectionString: postgresUrl, max: 8 })
closing.push(
  () => pool.end(),
  () => pool.query('DROP TABLE IF EXISTS bridge_sessions'),
)

const stores: Readonly<Record<string, { store: ExpressStore; lists: boolean }>> = {
  'connect-redis': {
    store: new RedisStore({ client: redis, prefix: `${RUN}:connect:` }),
    lists: true,
  },
  'connect-pg-simple': { store: openPostgres(pool), lists: false },
}

for (const [name, { store, lists }] of Object.entries(stores)) {
  bridgeSuite(`createExpressStoreBackend on ${name}`, {
    createStore: (options) => createStoreOfExpressStore(store, { ...options, prefix: newSpace() }),
    createBackend: (options) =>
      createExpressStoreBackend(store, { ...options, prefix: newSpace() }),
    lists,
  })
}

const storage = createStorage({ driver: redisDriver({ url: redisUrl, base: `${RUN}:unstorage` }) })
closing.push(() => storage.dispose())

bridgeSuite('createUnstorageBackend on its Redis driver', {
  createStore: (options) => createUnstorageStore(storage, { ...options, base: newSpace() }),
  createBackend: (options) =>
    createUnstorageBackend(storage, { ...quiet, ...options, base: newSpace() }),
})

const keyv = openKeyv(redis)

bridgeSuite('createKeyvBackend on Redis', {
  createStore: (options) => createKeyvStore(keyv, { ...options, prefix: newSpace() }),
  createBackend: (options) => createKeyvBackend(keyv, { ...quiet, ...options, prefix: newSpace() }),
})

describe('the time to live in Redis', () => {
  it('is given by each bridge, and ends after the session', async () => {
    const [client, prefix] = [await connectRedis(redisUrl), `${RUN}:ttl`]
    const driver = redisDriver({ url: redisUrl, base: prefix })
    const own = createStorage({ driver })
    const backends = [
      createExpressStoreBackend(new RedisStore({ client, prefix }), { period: 100 }),
      createUnstorageBackend(own, { ...quiet, period: 100 }),
    ]
    for (const backend of backends) await backend.generate({ value: 'a' })
    const keys = await client.keys(`${prefix}*`)
    expect(keys).toHaveLength(2)
    for (const key of keys) {
      const ttl = await client.ttl(key)
      expect(ttl).toBeGreaterThanOrEqual(100)
      expect(ttl).toBeLessThan(200)
    }
    await own.dispose()
  })
})

describe('a server that is gone', () => {
  /** Puts a proxy before a server, so that it can be gone for one test alone. */
  async function behindProxy(url: string) {
    const target = new URL(url)
    const proxy = await startProxy(Number(target.port))
    closing.push(() => proxy.stop())
    target.port = `${proxy.port}`
    target.hostname = '127.0.0.1'
    return { proxy, url: target.href }
  }

  const engines: Readonly<Record<string, { from: string; open: OpenEngine }>> = {
    'connect-redis': {
      from: redisUrl,
      open: async (url) => {
        const client = await connectRedis(url)
        const store = new RedisStore({ client, prefix: `${RUN}:gone:` })
        return (options) => createExpressStoreBackend(store, options)
      },
    },
    'connect-pg-simple': {
      from: postgresUrl,
      open: async (url) => {
        const own = new Pool({ connectionString: url, max: 2 })
        own.on('error', () => {})
        closing.push(() => own.end())
        await own.query('SELECT 1')
        const [store, prefix] = [openPostgres(own), newSpace()]
        return (options) => createExpressStoreBackend(store, { ...options, prefix })
      },
    },
    'unstorage on Redis': {
      from: redisUrl,
      open: async (url) => {
        const driver = redisDriver({ url, base: `${RUN}:gone` })
        driver.getInstance().on('error', () => {})
        const own = createStorage({ driver })
        closing.push(() => own.dispose())
        await once(driver.getInstance(), 'ready')
        return (options) => createUnstorageBackend(own, { ...quiet, ...options })
      },
    },
    'Keyv on Redis': {
      from: redisUrl,
      open: async (url) => {
        const own = openKeyv(await connectRedis(url))
        return (options) => createKeyvBackend(own, { ...quiet, ...options })
      },
    },
  }

  it.each(Object.entries(engines))(
    'is an outage on %s, and nothing is lost when it is back',
    async (_, { from, open }) => {
      const { proxy, url } = await behindProxy(from)
      const create = await open(url)
      // What must succeed has a time limit that a busy machine does not reach.
      const key = await create({}).generate({ value: 'a', subject: 'ann' })
      const backend = create({ timeoutMs: 300 })
      proxy.stall()
      await expectOutage(backend, key)
      proxy.resume()
      const get = async () => backend.get(key).catch((error: unknown) => error)
      await expect.poll(get, { timeout: 10_000 }).toMatchObject({ ok: true, value: 'a' })
      proxy.cut()
      await expect.poll(get, { timeout: 10_000 }).toMatchObject({ ok: true, value: 'a' })
      await proxy.stop()
      await expectOutage(backend, key)
    },
  )
})

type CreateBackend = (options: { readonly timeoutMs?: number }) => BridgeBackend
type OpenEngine = (url: string) => Promise<CreateBackend>
