import mysql from 'mysql2/promise'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'

// For a million sessions. Filling a server with them is not what a proof measures, so none of them is durable.

/** A Redis and a client of it. */
export async function openLargeRedis() {
  const server = await startRedis({ settings: { appendonly: 'no' } })
  const client = createClient({ url: server.url })
  await client.connect()
  const close = async (): Promise<void> => {
    client.destroy()
    await server.stop()
  }
  return { client, close }
}

/** A PostgreSQL and eight connections to it. */
export async function openLargePostgres() {
  const server = await startPostgres({
    settings: { synchronous_commit: 'off', shared_buffers: '512MB', max_wal_size: '4GB' },
  })
  const pool = new Pool({ connectionString: server.url, max: 8 })
  const close = async (): Promise<void> => {
    await pool.end()
    await server.stop()
  }
  return { pool, close }
}

/** A MariaDB and eight connections to it. */
export async function openLargeMariadb() {
  const server = await startMariadb({
    settings: {
      'innodb-flush-log-at-trx-commit': '0',
      'innodb-buffer-pool-size': '1G',
      'innodb-log-file-size': '1G',
    },
  })
  const pool = mysql.createPool({ uri: server.url, connectionLimit: 8 })
  const close = async (): Promise<void> => {
    await pool.end()
    await server.stop()
  }
  return { pool, close }
}
