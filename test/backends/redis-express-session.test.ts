import { createRequire } from 'node:module'
import { RedisStore } from 'connect-redis'
import type theirs from 'express-session'
import { afterAll, describe, inject } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { rollingSuite } from '../express-session/rolling.ts'
import { connectNodeRedis, newPrefix } from './redis/clients.ts'

interface StoreOptions {
  readonly client: unknown
  readonly prefix: string
}
type StoreClass = new (options: StoreOptions) => theirs.Store

const url = inject('redisUrl')
const { default: RedisStore7 } = createRequire(import.meta.url)('connect-redis7') as {
  readonly default: StoreClass
}
const VERSIONS: Readonly<Record<string, StoreClass>> = {
  'connect-redis 9': RedisStore,
  'connect-redis 7': RedisStore7,
}
const closes: (() => Promise<void>)[] = []

afterAll(async () => {
  await Promise.all(closes.map((close) => close()))
})

async function connect() {
  const connected = await connectNodeRedis(url)
  closes.push(connected.close)
  return connected.client
}

describe.each(Object.entries(VERSIONS))(
  'from express-session and %s to a backend',
  (_name, Old) => {
    const prefix = newPrefix()
    rollingSuite({
      openStore: async () => new Old({ client: await connect(), prefix: `${prefix}sess:` }),
      openBackend: async () => createRedisBackend(await connect(), { prefix }),
      countOld: async () => (await (await connect()).keys(`${prefix}sess:*`)).length,
    })
  },
)
