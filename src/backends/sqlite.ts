/**
 * Sessions in an SQLite file: the embedded default, safe for several processes on one machine.
 *
 * @module `sojourn/backends/sqlite`
 */
import { BackendError, UnsupportedOperationError } from '../core/errors.ts'
import { createImmediateBackend } from '../core/lifecycle.ts'
import type { LifecyclePolicy } from '../core/lifecycle.ts'
import { assertOptions, POLICY_OPTIONS, SWEEPER_OPTIONS } from '../core/options.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import { startSweeper } from '../core/sweeper.ts'
import type { SweeperOptions } from '../core/sweeper.ts'
import { createSqliteStore } from './sqlite/store.ts'
import type { SqliteDatabase } from './sqlite/database.ts'
import { prepareFile } from './sqlite/schema.ts'

export type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite/database.ts'
export { SQLITE_SCHEMA } from './sqlite/schema.ts'

/** Options of `createSqliteBackend`. */
export interface SqliteBackendOptions extends LifecyclePolicy, SweeperOptions {
  /** The store's one clock: epoch milliseconds. Processes on one file need the same. Default: `Date.now`. */
  readonly now?: (() => number) | undefined
  /** Name of the table. Default: `sojourn_sessions`. */
  readonly table?: string | undefined
  /**
   * What an acknowledged write survives: `process` a killed process, `power` a power cut too, at the price of
   * an fsync for each write. Set on a path only: a database you opened keeps its own setting. Default: `process`.
   */
  readonly durability?: 'process' | 'power' | undefined
}

/** An SQLite backend: a `SessionBackend` that can be closed. */
export interface SqliteBackend extends SessionBackend {
  /** Stops the sweeping timer, and closes the database if it was given as a path. */
  close(): void
}

const TABLE = /^(?!sqlite_|sojourn_schema$)[a-z_][a-z0-9_]{0,62}$/i
const DURABILITY = new Map([
  ['process', 'NORMAL'],
  ['power', 'FULL'],
])

const OPTIONS = [...POLICY_OPTIONS, ...SWEEPER_OPTIONS, 'now', 'table', 'durability']

/**
 * Makes a backend on an SQLite database: a path, opened with `node:sqlite`; or a database of `node:sqlite`,
 * better-sqlite3, libsql or bun:sqlite. Turns on WAL, and creates or upgrades its own table; do this
 * outside a transaction. A write made while the application has one open on `database` is part of it.
 *
 * @throws UnsupportedOperationError for a path on a runtime without `node:sqlite`.
 * @throws BackendError when the database cannot be opened, or has a newer schema than this library.
 * @throws InvalidPeriodError when a period is out of range.
 * @throws TypeError or RangeError for another option that is not as described.
 * @example
 * ```ts
 * import { createSqliteBackend } from 'sojourn/backends/sqlite'
 *
 * const backend = createSqliteBackend('sessions.db', { period: 1800, absolute: 86_400 })
 * ```
 */
export function createSqliteBackend(
  database: SqliteDatabase | string,
  options: SqliteBackendOptions = {},
): SqliteBackend {
  assertOptions('createSqliteBackend', options, OPTIONS)
  const { now = Date.now, table = 'sojourn_sessions', durability = 'process' } = options
  if (!TABLE.test(table)) throw new TypeError('"table" must be a plain SQL name')
  const synchronous = DURABILITY.get(durability)
  if (synchronous === undefined) throw new TypeError('"durability" must be "process" or "power"')
  const own = typeof database === 'string'
  const db = own ? openPath(database) : database
  if (typeof db?.exec !== 'function' || typeof db.prepare !== 'function') {
    throw new TypeError('"database" must be a path or an SQLite database')
  }
  try {
    prepareFile(db, table, own ? synchronous : undefined)
    // A fraction of a millisecond, as of a monotonic clock, has no place in an INTEGER column.
    const store = createSqliteStore(db, table, () => Math.floor(now()))
    const backend = createImmediateBackend(store, options)
    const stop = startSweeper(store, options)
    return Object.assign(backend, { close: closeOnce(stop, own ? db : undefined) })
  } catch (error) {
    if (own) db.close()
    throw error
  }
}

function closeOnce(stop: () => void, database: SqliteDatabase | undefined): () => void {
  let closed = false
  return () => {
    if (closed) return
    closed = true
    stop()
    database?.close()
  }
}

function openPath(path: string): SqliteDatabase {
  // Asked for at run time, so that importing this module works where the module does not exist.
  const sqlite = process.getBuiltinModule?.('node:sqlite')
  if (sqlite === undefined) {
    throw new UnsupportedOperationError(
      'this runtime has no node:sqlite: pass a database (better-sqlite3, libsql, bun:sqlite) instead of a path',
    )
  }
  try {
    return new sqlite.DatabaseSync(path)
  } catch (cause) {
    throw new BackendError('the SQLite database cannot be opened', { cause })
  }
}
