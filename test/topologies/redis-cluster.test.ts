import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from 'ioredis'
import { BackendError } from '../../src/index.ts'
import { createRedisBackend } from '../../src/backends/redis.ts'
import type { Connected } from '../backends/redis/clients.ts'
import { newPrefix } from '../backends/redis/clients.ts'
import {
  connectIoRedisCluster,
  connectNodeRedisCluster,
} from '../backends/redis/cluster-clients.ts'
import { runContracts } from '../backends/redis/contracts.ts'
import { runProcesses } from '../backends/redis/processes.ts'
import { startRedisCluster } from '../servers/redis-cluster.ts'
import { command } from '../servers/redis-command.ts'
import type { RedisServer } from '../servers/redis.ts'
import type { RedisCluster } from '../servers/redis-cluster.ts'

let cluster: RedisCluster

beforeAll(async () => {
  cluster = await startRedisCluster()
})

afterAll(() => cluster?.stop())

describe.each([
  { driver: 'node-redis cluster', connect: connectNodeRedisCluster },
  { driver: 'ioredis cluster', connect: connectIoRedisCluster },
])('createRedisBackend on a cluster by $driver', ({ driver, connect }) => {
  let connected: Connected

  beforeAll(async () => {
    connected = await connect(cluster.urls[0] as string)
  })

  afterAll(async () => {
    await connected.close()
  })

  runContracts(() => connected.client)

  runProcesses(() => ({
    driver,
    url: cluster.urls[0] as string,
    client: connected.client,
  }))

  it('keeps the sessions of one subject on all masters, and finds each of them', async () => {
    const backend = createRedisBackend(connected.client, { prefix: newPrefix() })
    const keys = await Promise.all(
      Array.from({ length: 40 }, () => backend.generate({ value: 'a', subject: 'ann' })),
    )
    expect(await backend.list('ann')).toHaveLength(40)
    const [, second] = await backend.list('ann')
    expect(await backend.clearSubject('ann', second?.handle)).toBe(39)
    const found = await Promise.all(keys.map((key) => backend.get(key)))
    expect(found.filter(({ ok }) => ok)).toHaveLength(1)
    expect(await backend.clearAll()).toBe(1)
    expect(await backend.list('ann')).toEqual([])
  })
})

describe('createRedisBackend on a client of ioredis that has just been made', () => {
  it('ends all sessions, and checks every master for eviction', async () => {
    const prefix = newPrefix()
    const first = await connectIoRedisCluster(cluster.urls[0] as string)
    const key = await createRedisBackend(first.client, { prefix }).generate({ value: 'a' })
    const { hostname: host, port } = new URL(cluster.urls[0] as string)
    const made = new Cluster([{ host, port: Number(port) }])
    expect(await createRedisBackend(made, { prefix }).clearAll()).toBe(1)
    expect(await createRedisBackend(first.client, { prefix }).get(key)).toMatchObject({ ok: false })
    const [, second] = cluster.nodes
    await command(second!, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    const other = new Cluster([{ host, port: Number(port) }])
    const refusing = createRedisBackend(other, { prefix, onEviction: 'refuse' })
    await expect(refusing.generate({ value: 'a' })).rejects.toThrow(/allkeys-lru/)
    await command(second!, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    for (const client of [made, other]) client.disconnect()
    await first.close()
  })

  it('takes a cluster that cannot be reached for an outage, and not for one without sessions', async () => {
    const lost = new Cluster([], { lazyConnect: true })
    lost.on('error', () => {})
    const backend = createRedisBackend(lost, { timeoutMs: 10 })
    await expect(backend.clearAll()).rejects.toThrow(BackendError)
    lost.disconnect()
  })
})

describe.each([
  { driver: 'node-redis cluster', connect: connectNodeRedisCluster },
  { driver: 'ioredis cluster', connect: connectIoRedisCluster },
])('a read by $driver while another master hangs', ({ connect }) => {
  it('is answered, also when the time has to be asked for', async () => {
    const [hung, healthy] = cluster.nodes as [RedisServer, RedisServer]
    const { client, close } = await connect(healthy.url)
    const options = { prefix: newPrefix(), timeoutMs: 1000, onEviction: 'ignore' } as const
    const backend = createRedisBackend(client, options)
    const all = await Promise.all(
      Array.from({ length: 48 }, () => backend.generate({ value: 'a' })),
    )
    const there = (await command(healthy, 'KEYS', `${options.prefix}*`)).split('\n')
    const keys = all.filter((key) => there.some((name) => name.includes(key.split('.')[0]!)))
    await hung.kill('SIGSTOP')
    try {
      // A new backend knows no clock yet.
      const reads = keys.map((key) => createRedisBackend(client, options).get(key))
      for (const found of await Promise.all(reads)) expect(found).toMatchObject({ ok: true })
    } finally {
      await hung.kill('SIGCONT')
    }
    expect(keys.length).toBeGreaterThan(4)
    await cluster.ready()
    await backend.clearAll()
    await close()
  })
})
