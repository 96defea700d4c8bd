import { DatabaseSync } from 'node:sqlite'
import { createMemoryBackend } from '../../../src/backends/memory.ts'
import { createMysqlBackend } from '../../../src/backends/mysql.ts'
import { createPostgresBackend } from '../../../src/backends/postgres.ts'
import { createRedisBackend } from '../../../src/backends/redis.ts'
import { createSqliteBackend } from '../../../src/backends/sqlite.ts'
import type { SessionBackend } from '../../../src/index.ts'
import { openLargeMariadb, openLargePostgres, openLargeRedis } from '../large-servers.ts'

/** A backend with no sessions yet. */
export interface Opened {
  readonly backend: SessionBackend
  /** Milliseconds: of this process's own work where the engine is in it, else of the wall. */
  readonly clock: () => number
  /** Lets the engine finish what many new sessions leave to do, as it would in its own time. */
  readonly settle: () => Promise<void>
  readonly close: () => Promise<void>
}

const QUIET = { sweepEveryMs: 0, timeoutMs: 120_000 }
const wall = (): number => performance.now()
// What others do on the machine does not count.
const work = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const nothing = async (): Promise<void> => {}

/** The engines, each opened when its turn comes. */
export const engines: Readonly<Record<string, () => Promise<Opened>>> = {
  memory: async () => {
    const backend = createMemoryBackend(QUIET)
    return { backend, clock: work, settle: nothing, close: async () => backend.close() }
  },
  sqlite: () => openSqlite(false),
  redis: openRedis,
  postgres: openPostgres,
  mariadb: openMariadb,
  // A fault, to see that it is found: a table in which the sessions of a subject are looked for one by one.
  planted: () => openSqlite(true),
}

// In memory: a disk only makes a million sessions slow to begin with.
async function openSqlite(planted: boolean): Promise<Opened> {
  const database = new DatabaseSync(':memory:')
  const backend = createSqliteBackend(database, { ...QUIET, table: 'sessions' })
  if (planted) database.exec('DROP INDEX sessions_subject')
  return {
    backend,
    clock: work,
    settle: nothing,
    close: async () => {
      backend.close()
      database.close()
    },
  }
}

async function openRedis(): Promise<Opened> {
  const { client, close } = await openLargeRedis()
  return {
    backend: createRedisBackend(client, { timeoutMs: 120_000 }),
    clock: wall,
    settle: nothing,
    close,
  }
}

async function openPostgres(): Promise<Opened> {
  const { pool, close } = await openLargePostgres()
  const backend = createPostgresBackend(pool, QUIET)
  await backend.migrate()
  return {
    backend,
    clock: wall,
    settle: async () => {
      await pool.query('VACUUM ANALYZE')
      await pool.query('CHECKPOINT')
    },
    close,
  }
}

async function openMariadb(): Promise<Opened> {
  const { pool, close } = await openLargeMariadb()
  const backend = createMysqlBackend(pool, QUIET)
  await backend.migrate()
  return {
    backend,
    clock: wall,
    settle: nothing,
    close,
  }
}
