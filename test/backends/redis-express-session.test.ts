import { afterAll, beforeAll, describe, inject } from 'vitest'
import { rollingSuite } from '../express-session/rolling.ts'
import { connectNodeRedis, newPrefix } from './redis/clients.ts'

const url = inject('redisUrl')
let connected: Awaited<ReturnType<typeof connectNodeRedis>>

beforeAll(async () => {
  connected = await connectNodeRedis(url)
})
afterAll(() => connected.close())

describe('from express-session and connect-redis to a backend', () => {
  const prefix = newPrefix()
  rollingSuite({
    stores: ['connect-redis 9', 'connect-redis 7'],
    place: () => [url, prefix],
    countOld: async () => (await connected.client.keys(`${prefix}sess:*`)).length,
  })
})
