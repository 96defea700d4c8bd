import { setTimeout as sleep } from 'node:timers/promises'
import type { RowDataPacket } from 'mysql2/promise'
import { createMysqlBackend } from '../../../src/backends/mysql.ts'
import { createPostgresBackend } from '../../../src/backends/postgres.ts'
import { createRedisBackend } from '../../../src/backends/redis.ts'
import { handleOf } from '../../../src/core/key.ts'
import type { Handle, Key, SessionBackend } from '../../../src/index.ts'
import { openLargeMariadb, openLargePostgres, openLargeRedis } from '../large-servers.ts'

/** A backend with its sessions, every tenth of which is somebody's. */
export interface Filled {
  /** Bytes that the engine holds for each session, indexes included. */
  readonly bytes: number
  /** Reads one of the sessions that live on. */
  read(): Promise<unknown>
  /** Lets the last `count` sessions expire. */
  expire(count: number): Promise<void>
  /** Lets the engine finish what such a change leaves to do. */
  settle(): Promise<void>
  /** Starts sweeping as a server process does; the result ends it. */
  sweep(): Promise<() => void>
  /** Expired sessions that are still there. */
  expired(): Promise<number>
}

/** An engine that runs. */
export interface Engine {
  fill(table: string, count: number): Promise<Filled>
  close(): Promise<void>
}

/** The engines, each opened when its turn comes. */
export const engines: readonly { readonly name: string; readonly open: () => Promise<Engine> }[] = [
  { name: 'Redis', open: openRedis },
  { name: 'PostgreSQL', open: openPostgres },
  { name: 'MariaDB', open: openMariadb },
]

const QUIET = { sweepEveryMs: 0, timeoutMs: 60_000 }
// More than the five minutes after which a sweep takes a row.
const LONG_AGO_MS = 900_000
const CALLERS = 128

const value = JSON.stringify({
  user: { id: 4711, name: 'Ada Lovelace', roles: ['reader', 'editor'] },
  cart: [
    { id: 'p-1042', amount: 2, price: 1290 },
    { id: 'p-0007', amount: 1, price: 24_900 },
    { id: 'p-3345', amount: 12, price: 45 },
  ],
  lastPage: '/catalogue/instruments/analytical?page=3',
  locale: 'en-GB',
})

async function create(backend: SessionBackend, count: number): Promise<Key[]> {
  const keys: Key[] = []
  const creators = Array.from({ length: CALLERS }, async (_, from) => {
    for (let n = from; n < count; n += CALLERS) {
      const subject = n % 10 === 0 ? `user-${n % (count / 10)}` : undefined
      keys[n] = await backend.generate({ value, subject })
    }
  })
  await Promise.all(creators)
  return keys
}

/** Reads random ones of the keys before `end`, and makes sure of what it gets. */
function reader(backend: SessionBackend, keys: readonly Key[]): () => Promise<void> {
  const end = Math.ceil(keys.length * 0.9)
  return async () => {
    const found = await backend.get(keys[Math.floor(Math.random() * end)]!)
    if (!found.ok) throw new Error('a session of the proof is missing')
  }
}

function lastHandles(keys: readonly Key[], count: number): Handle[] {
  return keys.slice(keys.length - count).map(handleOf)
}

async function openPostgres(): Promise<Engine> {
  const { pool, close } = await openLargePostgres()
  const one = async (sql: string, values: unknown[] = []): Promise<number> =>
    Number(Object.values((await pool.query<Record<string, unknown>>(sql, values)).rows[0] ?? {})[0])
  return {
    async fill(table, count) {
      const backend = createPostgresBackend(pool, { ...QUIET, table })
      await backend.migrate()
      const keys = await create(backend, count)
      await pool.query(`VACUUM ANALYZE ${table}`)
      await pool.query('CHECKPOINT')
      return {
        bytes: (await one(`SELECT pg_total_relation_size('${table}')`)) / count,
        read: reader(backend, keys),
        async expire(expiring) {
          await pool.query(
            `UPDATE ${table} SET expires_at = expires_at - idle_ms - $2 WHERE id = ANY($1)`,
            [lastHandles(keys, expiring), LONG_AGO_MS],
          )
        },
        async settle() {
          await pool.query(`VACUUM ANALYZE ${table}`)
          await pool.query('CHECKPOINT')
        },
        sweep: async () => {
          const sweeping = createPostgresBackend(pool, { table })
          return () => sweeping.close()
        },
        expired: () =>
          one(`SELECT count(*) FROM ${table} WHERE expires_at <= extract(epoch FROM now()) * 1000`),
      }
    },
    close,
  }
}

async function openMariadb(): Promise<Engine> {
  const { pool, close } = await openLargeMariadb()
  const one = async (sql: string): Promise<number> =>
    Number(Object.values((await pool.query<RowDataPacket[]>(sql))[0][0] ?? {})[0])
  return {
    async fill(table, count) {
      const backend = createMysqlBackend(pool, { ...QUIET, table })
      await backend.migrate()
      const keys = await create(backend, count)
      await pool.query(`ANALYZE TABLE ${table}`)
      return {
        bytes:
          (await one(
            `SELECT data_length + index_length FROM information_schema.tables WHERE table_name = '${table}'`,
          )) / count,
        read: reader(backend, keys),
        async expire(expiring) {
          const handles = lastHandles(keys, expiring)
          for (let at = 0; at < handles.length; at += 1000) {
            await pool.query(
              `UPDATE ${table} SET expires_at = expires_at - idle_ms - ? WHERE id IN (?)`,
              [LONG_AGO_MS, handles.slice(at, at + 1000)],
            )
          }
        },
        settle: async () => {},
        sweep: async () => {
          const sweeping = createMysqlBackend(pool, { table })
          return () => sweeping.close()
        },
        expired: () =>
          one(`SELECT count(*) FROM ${table} WHERE expires_at <= UNIX_TIMESTAMP() * 1000`),
      }
    },
    close,
  }
}

async function openRedis(): Promise<Engine> {
  const { client, close } = await openLargeRedis()
  const info = async (section: string, field: string): Promise<number> =>
    Number(new RegExp(`${field}:(\\d+)`).exec(await client.info(section))?.[1])
  return {
    async fill(table, count) {
      const before = await info('memory', 'used_memory')
      const prefix = `${table}:`
      const backend = createRedisBackend(client, { timeoutMs: 60_000, prefix })
      const keys = await create(backend, count)
      const held = await client.dbSize()
      let [expireAtMs, left] = [0, held]
      return {
        bytes: ((await info('memory', 'used_memory')) - before) / count,
        read: reader(backend, keys),
        // All at one moment to come: Redis sweeps by itself, and starts then.
        async expire(expiring) {
          expireAtMs = Date.now() + 45_000
          left = held - expiring
          await Promise.all(
            lastHandles(keys, expiring).map((handle) =>
              client.pExpireAt(`${prefix}{${handle}}`, expireAtMs),
            ),
          )
        },
        settle: async () => {},
        async sweep() {
          await sleep(expireAtMs - Date.now())
          return () => {}
        },
        async expired() {
          return Math.max(0, (await client.dbSize()) - left)
        },
      }
    },
    close,
  }
}
