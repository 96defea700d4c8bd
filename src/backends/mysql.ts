/**
 * Sessions in MySQL 8 or MariaDB, over the pools of mysql2 and mariadb.
 *
 * @module `sojourn/backends/mysql`
 */
import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { guardBackend } from '../core/errors.ts'
import { createBackendInTime } from '../core/lifecycle.ts'
import type { LifecyclePolicy } from '../core/lifecycle.ts'
import { assertOptions, POLICY_OPTIONS, SWEEPER_OPTIONS } from '../core/options.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import { startSweeper } from '../core/sweeper.ts'
import type { SweeperOptions } from '../core/sweeper.ts'
import { assertTimeLimit, createTimeLimit } from '../core/time-limit.ts'
import type { TimeLimit } from '../core/time-limit.ts'
import { createAsk, createLend } from './mysql/ask.ts'
import { accessTo } from './mysql/pool.ts'
import type { MysqlCallbackPool, MysqlPool, MysqlPromisePool } from './mysql/pool.ts'
import { assertTable, migrate } from './mysql/schema.ts'
import { createMysqlStore } from './mysql/store.ts'
import type { MysqlStore } from './mysql/store.ts'

export type {
  MysqlCallback,
  MysqlCallbackConnection,
  MysqlCallbackPool,
  MysqlConnection,
  MysqlPool,
  MysqlPromisePool,
  MysqlStatement,
  MysqlValue,
} from './mysql/pool.ts'
export { mysqlSchema } from './mysql/schema.ts'

/** Options of `createMysqlBackend`. */
export interface MysqlBackendOptions extends LifecyclePolicy, SweeperOptions {
  /** Name of the table, in the pool's database. The names of what belongs to it begin with it. Default: `sojourn_sessions`. */
  readonly table?: string | undefined
  /**
   * Milliseconds that one operation may take, the wait for a connection included; `clearAll` and `migrate` have sixty
   * times as long. Beyond it, the operation rejects with `BackendError`. mysql2's connection is closed then; mariadb's is
   * left to its pool, whose `socketTimeout` closes it. Default: 5,000.
   */
  readonly timeoutMs?: number | undefined
  /**
   * Milliseconds between two sweeps, give or take a quarter; 0 turns them off. Of the processes on one table, one
   * sweeps. Expired records leave up to five minutes after their end. Default: 10,000.
   */
  readonly sweepEveryMs?: number | undefined
}

/** A MySQL or MariaDB backend: a `SessionBackend` with a schema of its own. */
export interface MysqlBackend extends SessionBackend {
  /**
   * Makes the tables and procedures, unless they are there. Safe to call at each start, from several processes at once.
   * Rejects with `BackendError` when the table was made by a newer version of this library, or by somebody else, or when
   * the server is set to sysdate-is-now, or when connections come with autocommit off or with another
   * completion_type than NO_CHAIN.
   */
  migrate(): Promise<void>
  /** Stops the sweeping, and lets another process take it over. The pool stays open: whoever made it ends it. */
  close(): void
}

const TIMEOUT_MS = 5000
const SWEEP_EVERY_MS = 10_000
const MIGRATE_FACTOR = 60
const LONGEST_MS = 2 ** 31 - 1
// Whoever has not swept for so many turns has gone.
const LEASE_TURNS = 4

const OPTIONS = [...POLICY_OPTIONS, ...SWEEPER_OPTIONS, 'table']

/**
 * Makes a backend on a pool of `mysql2` or `mariadb`; connects when it is first used. Each operation is one prepared
 * statement on a connection of the pool, and a write is one call of a stored procedure that `migrate` has made and
 * that commits by itself: not for a connection on which a transaction of yours is open. The clock is the server's. The
 * pool's connections must have autocommit on, as they have unless told otherwise; the settings of the session that people
 * change will do otherwise.
 *
 * mariadb reports a connection that fails by an `error` event of the pool: where the application does not listen for
 * it, it would end the process, so this adds a listener that does nothing. The next operation finds out.
 *
 * @throws InvalidPeriodError when a period is out of range.
 * @throws TypeError or RangeError for another argument that is not as described.
 * @example
 * ```ts
 * import { createMysqlBackend } from 'sojourn/backends/mysql'
 * import { createPool } from 'mysql2/promise'
 *
 * const pool = createPool('mysql://app@localhost/app')
 * const backend = createMysqlBackend(pool, { period: 1800, absolute: 86_400 })
 * await backend.migrate()
 * ```
 */
export function createMysqlBackend(
  pool: MysqlPool | MysqlCallbackPool | MysqlPromisePool,
  options: MysqlBackendOptions = {},
): MysqlBackend {
  assertOptions('createMysqlBackend', options, OPTIONS)
  const { table = 'sojourn_sessions', timeoutMs = TIMEOUT_MS } = options
  assertTable(table)
  assertTimeLimit('timeoutMs', timeoutMs)
  const access = accessTo(pool)
  ignoreErrorEvents(pool)
  const lend = createLend(access, timeoutMs)
  const within = createTimeLimit(timeoutMs)
  const store = createMysqlStore(createAsk(access, lend), table, within)
  const backend = createBackendInTime(store, { ...options, timeoutMs })
  const close = startSweeping(store, options, within)
  const migrateWithin = createTimeLimit(Math.min(timeoutMs * MIGRATE_FACTOR, LONGEST_MS))
  return Object.assign(backend, {
    migrate: async () =>
      guardBackend('migrate', () =>
        migrateWithin(lend((connection) => migrate(connection, table), MIGRATE_FACTOR)),
      ),
    close,
  })
}

// A step that never comes back would be the last: mysql2 says nothing of a query whose connection was closed for it, and
// mariadb waits for as long as its `socketTimeout` says.
function startSweeping(
  store: MysqlStore,
  options: MysqlBackendOptions,
  within: TimeLimit,
): () => void {
  const { sweepEveryMs = SWEEP_EVERY_MS } = options
  const owner = randomUUID()
  let owned = false
  const stop = startSweeper(
    {
      sweep: (limit) => {
        owned = true
        return within(store.sweepAlone(owner, sweepEveryMs * LEASE_TURNS, limit))
      },
    },
    { ...options, sweepEveryMs },
  )
  return () => {
    stop()
    // Without it, the next process waits for the lease to run out: no harm, so a failure is none either.
    if (owned) store.endLease(owner).catch(() => {})
    owned = false
  }
}

/** See `createMysqlBackend`. */
function ignoreErrorEvents(pool: object): void {
  const { on, listenerCount } = pool as Partial<EventEmitter>
  if (typeof on !== 'function' || listenerCount?.call(pool, 'error') !== 0) return
  on.call(pool, 'error', () => {})
}
