import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
