import { once } from 'node:events'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import type { RedisClient } from '../../src/backends/redis.ts'
import { createRequestSession, createSessionManager } from '../../src/index.ts'
import { nearCacheSuite } from './near-cache-suite.ts'
import { connectIoRedis, connectNodeRedis, newPrefix } from './redis/clients.ts'
import { monitor } from './redis/monitor.ts'

const url = inject('redisUrl')
const response = { sent: () => false, write: () => {} }
const LONG = { maxStaleness: 60 }

let io: Awaited<ReturnType<typeof connectIoRedis>>
let node: Awaited<ReturnType<typeof connectNodeRedis>>

beforeAll(async () => {
  io = await connectIoRedis(url)
  node = await connectNodeRedis(url)
})

afterAll(async () => {
  await io.close()
  await node.close()
})

describe('a near cache before Redis', () => {
  nearCacheSuite(async (nearCache) => {
    const prefix = newPrefix()
    const make = (client: RedisClient) => createRedisBackend(client, { prefix, nearCache })
    return [make(io.client), make(node.client)]
  })

  it('sends one GET for many requests of a session, and one more after a write', async () => {
    const backend = createRedisBackend(node.client, { prefix: newPrefix(), nearCache: LONG })
    const sessions = createSessionManager<number>({ backend })
    const { key } = await sessions.generate(0)
    const request = () => createRequestSession(sessions, `__Host-session=${key}`, response)
    const load = () => Promise.all(Array.from({ length: 50 }, () => request().load()))
    await request().load()
    await request().update((count = 0) => count + 1)
    const watch = await monitor(url)
    onTestFinished(() => watch.close())
    await watch.sent()
    await load()
    await load()
    expect(await watch.sent()).toEqual(['GET'])
    await request().update((count = 0) => count + 1)
    expect(await watch.sent()).toEqual(['EVALSHA'])
    await load()
    expect(await watch.sent()).toEqual(['GET'])
  })

  it('shares a read that is never answered for its time limit, and not for as long as an answer counts', async () => {
    let hanging = false
    const cluster = {
      sendCommand: (_key: unknown, _isReadonly: unknown, args: string[]) =>
        hanging && args[0] === 'GET' ? new Promise(() => {}) : node.client.sendCommand(args),
      isOpen: true,
      masters: [node.client],
      nodeClient: async () => node.client,
      on: () => {},
    }
    const options = { prefix: newPrefix(), onEviction: 'ignore' } as const
    const key = await createRedisBackend(cluster, options).generate({ value: 'a' })
    const backend = createRedisBackend(cluster, { ...options, timeoutMs: 50, nearCache: LONG })
    hanging = true
    await expect(backend.get(key)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    hanging = false
    await expect.poll(() => backend.get(key).catch(() => {})).toMatchObject({ value: 'a' })
  })

  it('leaves nothing behind on the client when it is closed', () => {
    const client = createClient()
    const backend = createRedisBackend(client, { nearCache: LONG })
    expect(client.listenerCount('invalidate')).toBe(1)
    backend.close()
    expect(client.listenerCount('invalidate')).toBe(0)
  })

  it('is part of the policy, in which it says how old an answer may be', () => {
    const describe = (options: object) => createRedisBackend(node.client, options).describePolicy()
    expect(describe({ nearCache: LONG })).toEqual({ ...describe({}), maxStaleness: 60 })
  })

  it('refuses options that are not as described', () => {
    const make = (nearCache: unknown) => () =>
      createRedisBackend(node.client, { nearCache } as never)
    expect(make({})).toThrow(/"maxStaleness"/)
    expect(make({ maxStaleness: 1, listener: {} })).toThrow(/no option "listener"/)
    expect(make(null)).toThrow(TypeError)
  })
})

const tracking = [
  { name: 'node-redis 6', create: () => createClient({ url, RESP: 3, emitInvalidate: true }) },
  { name: 'node-redis 5', create: () => createClient5({ url, RESP: 3, emitInvalidate: true }) },
] as const

describe.each(tracking)('a near cache that Redis tells of changes, on $name', ({ create }) => {
  async function open() {
    const client = create()
    await client.connect()
    onTestFinished(() => client.destroy())
    const prefix = newPrefix()
    const here = createRedisBackend(client, { prefix, nearCache: LONG })
    const there = createRedisBackend(io.client, { prefix })
    const key = await there.generate({ value: 'first', subject: 'ann' })
    expect(await here.get(key)).toMatchObject({ ok: true, value: 'first' })
    const told = once(client as unknown as EventTarget, 'invalidate')
    return { client, here, there, key, told }
  }

  it.each(['clear', 'clearSubject'] as const)(
    'shows a %s of another process when it is told',
    async (name) => {
      const { here, there, key, told } = await open()
      await (name === 'clear' ? there.clear(key) : there.clearSubject('ann'))
      await told
      expect(await here.get(key)).toEqual({ ok: false, reason: 'not_found' })
    },
  )

  it('shows a value of another process, and keeps what others have changed nothing of', async () => {
    const { client, here, there, key, told } = await open()
    const other = await there.generate({ value: 'other' })
    await here.get(other)
    await there.set(key, 'second')
    await told
    const watch = await monitor(url)
    onTestFinished(() => watch.close())
    expect(await here.get(other)).toMatchObject({ value: 'other' })
    expect(await watch.sent()).toEqual([])
    expect(await here.get(key)).toMatchObject({ value: 'second' })
    const all = once(client as unknown as EventTarget, 'invalidate')
    client.emit('invalidate', null)
    await all
    expect(await here.get(other)).toMatchObject({ value: 'other' })
    expect(await watch.sent()).toEqual(['GET', 'GET'])
  })
})
