import { randomBytes } from 'node:crypto'
import * as mariadb from 'mariadb'
import * as callbacks from 'mysql2'
import * as mysql2 from 'mysql2/promise'
import { afterAll, inject } from 'vitest'
import { createMysqlBackend } from '../../../src/backends/mysql.ts'
import type { MysqlBackend, MysqlBackendOptions } from '../../../src/backends/mysql.ts'
import { createAsk, createLend } from '../../../src/backends/mysql/ask.ts'
import type { MysqlAsk } from '../../../src/backends/mysql/ask.ts'
import { accessTo } from '../../../src/backends/mysql/pool.ts'
import { createMysqlStore } from '../../../src/backends/mysql/store.ts'
import { createTimeLimit } from '../../../src/core/time-limit.ts'
import type { MysqlStore } from '../../../src/backends/mysql/store.ts'

/** A pool of either driver. */
export interface TestPool {
  readonly pool: mysql2.Pool | mariadb.Pool
  readonly query: (sql: string, values?: unknown[]) => Promise<unknown[][]>
  readonly end: () => Promise<void>
}

/** Settings that both drivers know, and settings that one of them does. */
export type Settings = Readonly<Record<string, unknown>>

/** The drivers by name. */
export const DRIVERS = { mysql2: openMysql2, mariadb: openMariadb } as const

/** The name of a driver. */
export type DriverName = keyof typeof DRIVERS

/** The names of the drivers, for `describe.each`. */
export const DRIVER_NAMES = Object.keys(DRIVERS) as DriverName[]

const opened: TestPool[] = []
const tables: string[] = []

/** A name for a table of a test's own, which is dropped after the tests of the file. */
export function tableName(): string {
  const name = `t_${randomBytes(6).toString('hex')}`
  tables.push(name)
  return name
}

/** Opens a pool on the tests' server, or on `url`; it is ended after the tests of the file. */
export function open(driver: DriverName, settings: Settings = {}, url = inject('mariadbUrl')) {
  const made = DRIVERS[driver](url, settings)
  opened.push(made)
  return made
}

/** Opens a pool of callbacks. */
export function openCallbacks(): callbacks.Pool {
  const pool = callbacks.createPool(connectionOf(inject('mariadbUrl')))
  opened.push({ pool: pool.promise(), query: async () => [], end: () => pool.promise().end() })
  return pool
}

/** Makes a backend that sweeps only when it is told to, on a table of its own. */
export async function openBackend(
  pool: TestPool,
  options: MysqlBackendOptions = {},
): Promise<MysqlBackend & { readonly table: string }> {
  const { table = tableName() } = options
  const backend = createMysqlBackend(pool.pool, { sweepEveryMs: 0, ...options, table })
  await backend.migrate()
  return Object.assign(backend, { table })
}

/** Milliseconds that a call of a store may take: a busy machine is no fault of its. */
const PATIENCE_MS = 30_000

/** Makes the store under a backend, on a table of its own. */
export async function openStore(
  pool: TestPool,
  table: string = tableName(),
): Promise<MysqlStore & { readonly table: string }> {
  await createMysqlBackend(pool.pool, { sweepEveryMs: 0, table, timeoutMs: PATIENCE_MS }).migrate()
  return Object.assign(createMysqlStore(askOf(pool), table, createTimeLimit(PATIENCE_MS)), {
    table,
  })
}

/** What a store asks by. */
export function askOf(pool: TestPool, timeoutMs = PATIENCE_MS): MysqlAsk {
  const access = accessTo(pool.pool)
  return createAsk(access, createLend(access, timeoutMs))
}

/** Drops what belongs to a table. */
export async function drop(pool: TestPool, table: string): Promise<void> {
  const procedures = await pool.query(
    `SELECT routine_name FROM information_schema.routines
    WHERE routine_schema = database() AND routine_name LIKE '${table.replaceAll('_', '\\_')}\\_v%'`,
  )
  for (const [name] of procedures) await pool.query(`DROP PROCEDURE \`${String(name)}\``)
  await pool.query(`DROP TABLE IF EXISTS \`${table}\`, \`${table}_locks\``)
}

afterAll(async () => {
  const last = tables.length > 0 ? DRIVERS.mysql2(inject('mariadbUrl'), {}) : undefined
  for (const table of tables) await drop(last!, table)
  await last?.end()
  await Promise.allSettled(opened.map(({ end }) => end()))
})

function openMysql2(url: string, settings: Settings): TestPool {
  const pool = mysql2.createPool({ ...connectionOf(url), ...settings })
  return {
    pool,
    query: async (sql, values = []) => {
      const [rows] = await pool.query({ sql, values, rowsAsArray: true })
      return rows as unknown as unknown[][]
    },
    end: () => pool.end(),
  }
}

function openMariadb(url: string, settings: Settings): TestPool {
  const pool = mariadb.createPool({ ...connectionOf(url), ...settings })
  return {
    pool,
    query: (sql, values = []) => pool.query({ sql, rowsAsArray: true }, values),
    end: () => pool.end(),
  }
}

function connectionOf(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    connectionLimit: 8,
  }
}
