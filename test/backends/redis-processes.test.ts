import { afterAll, beforeAll, describe, inject } from 'vitest'
import { connectIoRedis, connectNodeRedis } from './redis/clients.ts'
import type { Connected } from './redis/clients.ts'
import { runProcesses } from './redis/processes.ts'

const url = inject('redisUrl')

describe.each([
  { driver: 'node-redis', connect: connectNodeRedis },
  { driver: 'ioredis', connect: connectIoRedis },
])('createRedisBackend on $driver in several processes', ({ driver, connect }) => {
  let connected: Connected

  beforeAll(async () => {
    connected = await connect(url)
  })

  afterAll(async () => {
    await connected.close()
  })

  runProcesses(() => ({ driver, url, client: connected.client }))
})
