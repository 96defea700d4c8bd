// The stores behind the servers, opened once in each process. Every library gets the one that its users take.
import { RedisStore } from 'connect-redis'
import connectPgSimple from 'connect-pg-simple'
import session from 'express-session'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { createMemoryBackend } from '../../dist/backends/memory.js'
import { createPostgresBackend } from '../../dist/backends/postgres.js'
import { createRedisBackend } from '../../dist/backends/redis.js'
import { DAY } from './value.mjs'

/** @param {'memory' | 'redis' | 'postgres'} name */
export async function openStore(name, { redisUrl, postgresUrl }) {
  if (name === 'memory') return memoryStore()
  return name === 'redis' ? redisStore(redisUrl) : postgresStore(postgresUrl)
}

const memoryStore = () => {
  const texts = new Map()
  return {
    isMemory: true,
    floor: { get: async (id) => texts.get(id), set: async (id, text) => texts.set(id, text) },
    backend: () => createMemoryBackend({ period: DAY }),
    // As the packages do it themselves.
    express: () => new session.MemoryStore(),
  }
}

const redisStore = async (url) => {
  const client = await createClient({ url }).connect()
  return {
    floor: {
      get: (id) => client.get(`floor:${id}`),
      set: (id, text) =>
        client.set(`floor:${id}`, text, { expiration: { type: 'EX', value: DAY } }),
    },
    backend: () => createRedisBackend(client, { period: DAY }),
    express: () => new RedisStore({ client }),
  }
}

const postgresStore = async (connectionString) => {
  const pool = new Pool({ connectionString, max: 10 })
  await pool.query('CREATE TABLE IF NOT EXISTS floor (id text PRIMARY KEY, v text NOT NULL)')
  const select = 'SELECT v FROM floor WHERE id = $1'
  const insert = 'INSERT INTO floor VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET v = $2'
  const backend = createPostgresBackend(pool, { period: DAY })
  await backend.migrate()
  const PgStore = connectPgSimple(session)
  return {
    floor: {
      get: async (id) => (await pool.query({ name: 'get', text: select, values: [id] })).rows[0]?.v,
      set: (id, text) => pool.query({ name: 'set', text: insert, values: [id, text] }),
    },
    backend: () => backend,
    express: () => new PgStore({ pool, createTableIfMissing: true, pruneSessionInterval: false }),
  }
}
