import { randomBytes } from 'node:crypto'
import { GlideClient } from '@valkey/valkey-glide'
import { Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { Redis as Valkey } from 'iovalkey'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import type { RedisClient } from '../../../src/backends/redis.ts'

/** A connected client of one of the drivers. */
export interface Connected {
  readonly client: RedisClient
  close(): Promise<void>
}

/** A driver that the backend takes. */
export interface Driver {
  readonly name: string
  readonly connect: (url: string) => Promise<Connected>
}

/** All drivers, each on one server. */
export const DRIVERS: readonly Driver[] = [
  { name: 'node-redis 6', connect: connectNodeRedis },
  {
    name: 'node-redis 5',
    async connect(url) {
      const client = await createClient5({ url }).connect()
      return { client, close: async () => client.destroy() }
    },
  },
  { name: 'ioredis 5', connect: connectIoRedis },
  {
    name: 'ioredis 6',
    async connect(url) {
      const client = new Redis6(url)
      return { client, close: async () => client.disconnect() }
    },
  },
  {
    name: 'iovalkey',
    async connect(url) {
      const client = new Valkey(url)
      return { client, close: async () => client.disconnect() }
    },
  },
  {
    name: 'valkey-glide',
    async connect(url) {
      const { hostname: host, port } = new URL(url)
      // It gives up after a quarter of a second by itself, which is short for mebibytes on a busy machine.
      const client = await GlideClient.createClient({
        addresses: [{ host, port: Number(port) }],
        requestTimeout: 5000,
      })
      return { client, close: async () => client.close() }
    },
  },
]

/** Connects node-redis 6. */
export async function connectNodeRedis(url: string) {
  const client = await createClient({ url }).connect()
  return { client, close: async () => client.destroy() }
}

/** Connects ioredis 5. */
export async function connectIoRedis(url: string) {
  const client = new Redis(url)
  return { client, close: async () => client.disconnect() }
}

/** A prefix that no other test uses. */
export function newPrefix(): string {
  return `test:${randomBytes(8).toString('hex')}:`
}
