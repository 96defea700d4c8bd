import { connect as connectSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createPool as createMariadbPool } from 'mariadb'
import { createPool as createMysql2Pool } from 'mysql2/promise'
import { Pool } from 'pg'
import postgres from 'postgres'
import { createClient } from 'redis'
import { createMysqlBackend } from '../../src/backends/mysql.ts'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'
import { command } from '../servers/redis-command.ts'
import { startRedis } from '../servers/redis.ts'
import type { Connection, Engine, RunningEngine } from './fault.ts'
import { sentinel } from './sentinel.ts'
import { createSmallDisk } from './small-disk.ts'
import type { SmallDisk } from './small-disk.ts'

interface Server extends Pick<RunningEngine, 'port' | 'kill' | 'restart' | 'stop'> {
  readonly url: string
}

/** Starts a server, on a small disk if need be. */
async function startOn(
  megabytes: number | undefined,
  start: () => Promise<Server>,
): Promise<RunningEngine & { readonly url: string }> {
  if (megabytes === undefined) return start()
  let disk: SmallDisk
  try {
    disk = createSmallDisk(megabytes)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const none = async (): Promise<void> => {}
    return {
      unable: { 'full disk': reason },
      url: '',
      port: 0,
      kill: none,
      restart: none,
      stop: none,
    }
  }
  const server = await disk.hold(start)
  return {
    ...server,
    fill: () => disk.fill(),
    async drain() {
      disk.drain()
      // Some engines end when the disk is full, and whoever runs them starts them again.
      await sleep(500)
      if (!(await accepts(server.port))) await server.restart()
    },
    async stop() {
      await server.stop()
      disk.remove()
    },
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Ends a client, or gives it up: one that waits for a broken connection must not keep the run. */
function ending(end: () => unknown): () => Promise<void> {
  return async () => {
    const ended = Promise.resolve(end()).then(
      () => {},
      () => {},
    )
    await Promise.race([ended, sleep(3000)])
  }
}

async function migrated(
  backend: Connection['backend'] & { migrate(): Promise<void>; close(): void },
  end: () => unknown,
): Promise<Connection> {
  await backend.migrate()
  return {
    backend,
    close: ending(() => {
      backend.close()
      return end()
    }),
  }
}

const POSTGRES: Engine = {
  name: 'postgres',
  start: ({ onSmallDisk }) =>
    startOn(onSmallDisk ? 192 : undefined, () =>
      startPostgres({ settings: { min_wal_size: '32MB', max_wal_size: '64MB' } }),
    ),
  drivers: {
    pg({ port, timeoutMs }) {
      const pool = new Pool({ connectionString: urlOf('postgres', 'postgres', port) })
      return migrated(createPostgresBackend(pool, { timeoutMs }), () => pool.end())
    },
    'postgres.js'({ port, timeoutMs }) {
      const url = urlOf('postgres', 'postgres', port)
      const sql = postgres(url, { fetch_types: false, onnotice: () => {} })
      return migrated(createPostgresBackend(sql, { timeoutMs }), () => sql.end({ timeout: 1 }))
    },
  },
}

const MARIADB: Engine = {
  name: 'mariadb',
  start: ({ onSmallDisk }) => startOn(onSmallDisk ? 256 : undefined, () => startMariadb()),
  drivers: {
    mysql2({ port, timeoutMs }) {
      const pool = createMysql2Pool(urlOf('mysql', 'sojourn', port))
      return migrated(createMysqlBackend(pool, { timeoutMs }), () => pool.end())
    },
    mariadb({ port, timeoutMs }) {
      const pool = createMariadbPool(urlOf('mariadb', 'sojourn', port))
      return migrated(createMysqlBackend(pool, { timeoutMs }), () => pool.end())
    },
  },
}

const REDIS: Engine = {
  name: 'redis',
  async start({ onSmallDisk }) {
    const server = await startOn(onSmallDisk ? 64 : undefined, () => startRedis())
    return {
      ...server,
      async limitMemory(bytes) {
        await command(server, 'CONFIG', 'SET', 'maxmemory', String(bytes))
      },
    }
  },
  drivers: {
    async 'node-redis'({ port, timeoutMs }) {
      const client = createClient({ url: `redis://127.0.0.1:${port}` })
      const backend = createRedisBackend(client, { timeoutMs })
      await client.connect()
      return { backend, close: ending(() => client.destroy()) }
    },
    ioredis({ port, timeoutMs }) {
      const client = new Redis(port, '127.0.0.1')
      client.on('error', () => {})
      const backend = createRedisBackend(client, { timeoutMs })
      return { backend, close: ending(() => client.disconnect()) }
    },
  },
}

function urlOf(scheme: string, database: string, port: number): string {
  return `${scheme}://sojourn:sojourn@127.0.0.1:${port}/${database}`
}

/** The engines, each with its drivers. */
export const ENGINES: readonly Engine[] = [POSTGRES, REDIS, MARIADB, sentinel]
