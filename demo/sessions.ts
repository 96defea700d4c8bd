import type { DatabaseSync } from 'node:sqlite'
import { createMysqlBackend } from '../src/backends/mysql.ts'
import { createPostgresBackend } from '../src/backends/postgres.ts'
import { createRedisBackend } from '../src/backends/redis.ts'
import { createSqliteBackend } from '../src/backends/sqlite.ts'
import type { LifecyclePolicy, SessionBackend } from '../src/index.ts'

/** Where the sessions of the demo are. */
export interface Sessions {
  readonly backend: SessionBackend
  /** What to call it in a sentence. Never the URL, which may hold a password. */
  readonly place: string
  readonly close: () => Promise<void>
}

// A day without use ends a session, and so does a login on one device too many.
const POLICY = { period: 86_400, maxPerSubject: 10, atLimit: 'evict_oldest' } as const

/**
 * Opens the sessions: on the server that `url` names, so that several demos can share them; or else beside the users, in
 * `db`. A driver is only loaded when it is wanted. Under the policy of the demo, but for what `changes` it.
 */
export async function openSessions(
  url: string | undefined,
  db: DatabaseSync,
  changes: LifecyclePolicy = {},
): Promise<Sessions> {
  const policy = { ...POLICY, ...changes }
  if (url === undefined) return inSqlite(db, policy)
  // Node's own error would print the URL, with the password in it.
  switch (URL.parse(url)?.protocol ?? '') {
    case 'postgres:':
      return inPostgres(url, policy)
    case 'redis:':
      return inRedis(url, policy)
    case 'mariadb:':
    case 'mysql:':
      return inMysql(url, policy)
    default:
      throw new TypeError(
        'SOJOURN_DEMO_SESSIONS must be a URL of postgres, redis, mariadb or mysql',
      )
  }
}

function inSqlite(db: DatabaseSync, policy: LifecyclePolicy): Sessions {
  const backend = createSqliteBackend(db, policy)
  return { backend, place: db.location() ?? 'memory', close: async () => backend.close() }
}

async function inPostgres(url: string, policy: LifecyclePolicy): Promise<Sessions> {
  const { Pool } = (await import('pg')).default
  const pool = new Pool({ connectionString: url })
  const backend = createPostgresBackend(pool, policy)
  await backend.migrate()
  const close = async () => {
    backend.close()
    await pool.end()
  }
  return { backend, place: 'PostgreSQL', close }
}

async function inRedis(url: string, policy: LifecyclePolicy): Promise<Sessions> {
  const { createClient } = await import('redis')
  const client = createClient({ url })
  client.on('error', (error: Error) => console.error(`Redis: ${error.message || error.name}`))
  const backend = createRedisBackend(client, policy)
  await client.connect()
  const close = async () => {
    backend.close()
    await client.close()
  }
  return { backend, place: 'Redis', close }
}

async function inMysql(url: string, policy: LifecyclePolicy): Promise<Sessions> {
  const { createPool } = await import('mysql2/promise')
  const pool = createPool(url)
  const backend = createMysqlBackend(pool, policy)
  await backend.migrate()
  const close = async () => {
    backend.close()
    await pool.end()
  }
  return { backend, place: 'MariaDB or MySQL', close }
}
