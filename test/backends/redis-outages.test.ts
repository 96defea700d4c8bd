import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import type { RedisClient } from '../../src/backends/redis.ts'
import { connectionOf } from '../../src/backends/redis/connection.ts'
import { createRedisStore } from '../../src/backends/redis/store.ts'
import { generateKey } from '../../src/core/key.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import { draft, newHash } from '../../src/testing/store-contract/draft.ts'
import { startProxy } from '../servers/proxy.ts'
import type { FaultProxy } from '../servers/proxy.ts'
import { startRedis } from '../servers/redis.ts'
import type { RedisServer } from '../servers/redis.ts'
import { connectNodeRedis, newPrefix } from './redis/clients.ts'

let server: RedisServer
let direct: Awaited<ReturnType<typeof connectNodeRedis>>
let proxy: FaultProxy

beforeAll(async () => {
  server = await startRedis()
  direct = await connectNodeRedis(server.url)
})

afterAll(async () => {
  await direct?.close()
  await server?.stop()
})

beforeEach(async () => {
  proxy = await startProxy(server.port)
})

afterEach(async () => {
  await proxy.stop()
  await direct.client.flushAll()
})

describe('the cause of a fault of Redis', () => {
  it('has a name and a message, also where the driver gives none', async () => {
    class TimeoutError extends Error {}
    const client = {
      sendCommand: () => Promise.reject(new TimeoutError()),
      on: () => {},
    }
    const backend = createRedisBackend(client, { onEviction: 'ignore' })
    const error: unknown = await backend.get(generateKey()).catch((fault: unknown) => fault)
    expect(error).toMatchObject({
      code: 'ERR_SESSION_BACKEND',
      cause: { name: 'TimeoutError', message: 'the driver gave no message' },
    })
  })
})

describe('a write whose answer was lost and that ioredis sends again', () => {
  /** A store on ioredis through the proxy. By default the driver sends again what was not answered. */
  async function createStore(settings = {}) {
    const client = new Redis({ port: proxy.port, host: '127.0.0.1', ...settings })
    client.on('error', () => {})
    await client.ping()
    const store = createRedisStore(connectionOf(client), newPrefix())
    // The server knows the scripts, and the first time of everything is behind.
    const warm = await store.create(draft({ subject: 'warm' }))
    expect(warm).toMatchObject({ ok: true })
    return { client, store }
  }

  it('is an update that is done once, and told as done', async () => {
    const { client, store } = await createStore()
    const record = draft({ value: '0' })
    const { recordId, secretHash } = record
    await store.create(record)
    await store.update(recordId, secretHash, { value: '1' }, 1)
    const cut = proxy.cutOnNext('EVALSHA')
    const updated = await store.update(recordId, secretHash, { value: '2' }, 2)
    await cut
    expect(updated).toMatchObject({ ok: true, version: 3 })
    expect(await store.read(recordId)).toMatchObject({ value: '2', version: 3 })
    client.disconnect()
  })

  it('is told as done even after others have written', async () => {
    const { client, store } = await createStore({ retryStrategy: () => 300 })
    const record = draft({ value: '0' })
    const { recordId, secretHash } = record
    await store.create(record)
    const other = createRedisStore(connectionOf(direct.client), 'other:')
    expect(await other.read(recordId)).toBeUndefined()
    const cut = proxy.cutOnNext('EVALSHA')
    const updating = store.update(recordId, secretHash, { value: 'own' }, 1)
    await cut
    // The first run is done and the second has not come yet.
    const prefix = (await direct.client.keys(`*{${recordId}}`))[0]?.split('{')[0] ?? ''
    const beside = createRedisStore(connectionOf(direct.client), prefix)
    for (let version = 2; version < 8; version++) {
      const done = await beside.update(recordId, secretHash, { value: `${version}` }, version)
      expect(done).toMatchObject({ ok: true })
      await beside.updateSecurity(recordId, { labels: `${version}` }, version - 1)
    }
    expect(await updating).toMatchObject({ ok: true, version: 2 })
    expect(await store.read(recordId)).toMatchObject({ value: '7', version: 8 })
    client.disconnect()
  })

  it('is an increment among many that counts as one', async () => {
    const client = new Redis({ port: proxy.port, host: '127.0.0.1' })
    client.on('error', () => {})
    const sessions = createSessionManager<number>({
      backend: createRedisBackend(client, { prefix: newPrefix() }),
    })
    const { key } = await sessions.generate(0)
    const increment = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    await increment()
    for (let round = 1; round <= 5; round++) {
      const cut = proxy.cutOnNext('EVALSHA')
      await Promise.all([...Array.from({ length: 8 }, increment), cut])
      expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 1 + 8 * round } })
    }
    client.disconnect()
  })

  it('is one of two at once, each of which is done once', async () => {
    const { client, store } = await createStore()
    for (let round = 0; round < 5; round++) {
      const { recordId, secretHash } = draft()
      await store.create(draft({ recordId, secretHash }))
      const write = async (value: string) => store.update(recordId, secretHash, { value })
      const secure = async (labels: string, at: number) =>
        store.updateSecurity(recordId, { labels }, at)
      // Sent in one piece, as far as they are sent at once; the connection is cut before any answer.
      const cut = proxy.cutOnNext('EVALSHA')
      const written = await Promise.all([write('a'), write('b'), secure('c', 1), secure('d', 2)])
      await cut
      expect(written).toMatchObject([
        { ok: true, version: 2 },
        { ok: true, version: 3 },
        { ok: true, securityVersion: 2 },
        { ok: true, securityVersion: 3 },
      ])
      expect(await store.read(recordId)).toMatchObject({ value: 'b', version: 3 })
    }
    client.disconnect()
  })

  it('is a login, a rotation or a touch that is done once, and told as done', async () => {
    const { client, store } = await createStore()
    const limit = { maxPerSubject: 1, atLimit: 'refuse' } as const
    const record = draft({ subject: 'ann' })
    const { recordId } = record
    const lost = async <T>(run: () => T | PromiseLike<T>): Promise<T> => {
      const cut = proxy.cutOnNext('EVALSHA')
      const result = await run()
      await cut
      return result
    }
    const created = await lost(() => store.create(record, limit))
    expect(created).toMatchObject({ ok: true })
    expect(await store.list('ann')).toHaveLength(1)
    const change = { secretHash: newHash(), subject: 'ann', authenticated: { absoluteMs: 500_000 } }
    const rotated = await lost(() => store.updateSecurity(recordId, change, 1, limit))
    expect(rotated).toMatchObject({ ok: true, securityVersion: 2 })
    const read = await store.read(recordId)
    expect(read).toMatchObject({ securityVersion: 2, security: { secretHash: change.secretHash } })
    const fromMs = read?.expiresAtMs ?? 0
    const touch = () => store.touch(recordId, change.secretHash, fromMs, fromMs + 5000)
    expect(await lost(touch)).toBe(true)
    expect(await touch()).toBe(false)
    expect(await store.read(recordId)).toMatchObject({ expiresAtMs: fromMs + 5000 })
    client.disconnect()
  })

  it('does not conflict with itself, and does conflict with another', async () => {
    const { client, store } = await createStore()
    const record = draft()
    const { recordId, secretHash } = record
    await store.create(record)
    await store.update(recordId, secretHash, { value: 'other' }, 1)
    const cut = proxy.cutOnNext('EVALSHA')
    const late = await store.update(recordId, secretHash, { value: 'late' }, 1)
    await cut
    expect(late).toEqual({ ok: false, reason: 'conflict' })
    expect(await store.read(recordId)).toMatchObject({ value: 'other', version: 2 })
    client.disconnect()
  })
})

const CLIENTS: readonly {
  name: string
  open: (port: number) => Promise<[RedisClient, () => void]>
}[] = [
  {
    name: 'node-redis',
    // Nobody listens for its errors but the backend.
    async open(port) {
      const client = createClient({ url: `redis://127.0.0.1:${port}` })
      await client.connect()
      return [client, () => client.destroy()]
    },
  },
  {
    name: 'ioredis',
    async open(port) {
      const client = new Redis({ port, host: '127.0.0.1' })
      client.on('error', () => {})
      return [client, () => client.disconnect()]
    },
  },
]

describe('a write on one connection of several that hangs', () => {
  it('holds up the others to its session no longer than its own caller waits', async () => {
    const stalled = await createClient({ url: `redis://127.0.0.1:${proxy.port}` }).connect()
    const order = [direct.client]
    const pool = {
      sendCommand: (args: string[]) => (order.shift() ?? direct.client).sendCommand(args),
      on: () => {},
    }
    const options = { prefix: newPrefix(), timeoutMs: 1000, onEviction: 'ignore' } as const
    const backend = createRedisBackend(pool, options)
    const key = await backend.generate({ value: 'a' })
    proxy.stall()
    order.push(stalled)
    const hung = backend.set(key, 'b', { version: 1 }).catch((error: unknown) => error)
    expect(await hung).toBeInstanceOf(BackendError)
    expect(await backend.set(key, 'c', { version: 1 })).toMatchObject({ ok: true, version: 2 })
    proxy.resume()
    await stalled.ping()
    expect(await backend.get(key)).toMatchObject({ value: 'c', version: 2 })
    stalled.destroy()
  })
})

describe('a look at the clock that is never answered, on one connection of several', () => {
  it('fails the reads that wait for it, and none after them', async () => {
    let hanging = false
    const pool = {
      sendCommand: (args: string[]) =>
        hanging && args[0] === 'TIME' ? new Promise(() => {}) : direct.client.sendCommand(args),
      on: () => {},
    }
    const record = draft()
    const prefix = newPrefix()
    await createRedisStore(connectionOf(pool), prefix).create(record)
    // It knows nothing of the clock yet.
    const store = createRedisStore(connectionOf(pool), prefix, { patienceMs: 50 })
    hanging = true
    await expect(store.read(record.recordId)).rejects.toBeInstanceOf(BackendError)
    hanging = false
    expect(await store.read(record.recordId)).toMatchObject({ value: 'first' })
  })
})

describe.each(CLIENTS)('createRedisBackend on $name through an outage', ({ open }) => {
  it('goes on after its connections were killed', async () => {
    const [client, close] = await open(proxy.port)
    const backend = createRedisBackend(client, { prefix: newPrefix() })
    const key = await backend.generate({ value: 'a' })
    await direct.client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
    await expect.poll(() => backend.get(key).catch(() => {})).toMatchObject({ value: 'a' })
    proxy.cut()
    await expect.poll(() => backend.set(key, 'b').catch(() => {})).toMatchObject({ ok: true })
    expect(await backend.get(key)).toMatchObject({ value: 'b' })
    close()
  })

  it('says so within its time limit where the server hangs, and goes on when it does not', async () => {
    const [client, close] = await open(proxy.port)
    const prefix = newPrefix()
    // What must succeed has a time limit that a busy machine does not reach.
    const patient = createRedisBackend(client, { prefix })
    const backend = createRedisBackend(client, { prefix, timeoutMs: 300 })
    const key = await patient.generate({ value: 'a', subject: 'ann' })
    proxy.stall()
    const began = performance.now()
    const operations = [
      backend.get(key),
      backend.get(key),
      backend.set(key, 'late'),
      backend.generate({ subject: 'ann' }),
      backend.list('ann'),
    ]
    for (const each of await Promise.allSettled(operations)) {
      expect(each.status === 'rejected' && each.reason).toBeInstanceOf(BackendError)
    }
    expect(performance.now() - began).toBeLessThan(6000)
    proxy.resume()
    await expect.poll(() => backend.get(key).catch(() => {})).toMatchObject({ ok: true })
    await patient.clear(key)
    expect(await patient.get(key)).toEqual({ ok: false, reason: 'not_found' })
    close()
  })

  it('never takes an outage for a missing session, and keeps what was acknowledged', async () => {
    const [client, close] = await open(proxy.port)
    const backend = createRedisBackend(client, { prefix: newPrefix(), timeoutMs: 2000 })
    const key = await backend.generate({ value: 'a' })
    const gone = await backend.generate({ value: 'gone' })
    await backend.clear(gone)
    await server.kill('SIGKILL')
    const error = await backend.get(key).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(BackendError)
    await server.restart()
    await expect
      .poll(() => backend.get(key).catch(() => {}), { timeout: 15_000 })
      .toMatchObject({ value: 'a' })
    expect(await backend.get(gone)).toEqual({ ok: false, reason: 'not_found' })
    expect(await backend.set(key, 'b')).toMatchObject({ ok: true, version: 2 })
    close()
    const ping = async () => direct.client.ping().catch(() => {})
    await expect.poll(ping, { timeout: 15_000 }).toBe('PONG')
  })
})
