/**
 * Sessions in PostgreSQL 12 or newer, by `pg`, postgres.js or PGlite, for any number of processes and machines.
 *
 * @module `sojourn/backends/postgres`
 */
import { guardBackend } from '../core/errors.ts'
import { createBackend, createBackendInTime } from '../core/lifecycle.ts'
import type { LifecyclePolicy } from '../core/lifecycle.ts'
import { assertNearCache, createNearCache, describeNearCache } from '../core/near-cache.ts'
import type { NearCacheOptions } from '../core/near-cache.ts'
import { assertBoolean, assertOptions, POLICY_OPTIONS, SWEEPER_OPTIONS } from '../core/options.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import { startSweeper } from '../core/sweeper.ts'
import type { SweeperOptions } from '../core/sweeper.ts'
import { assertTimeLimit, createTimeLimit } from '../core/time-limit.ts'
import { connectionOf } from './postgres/client.ts'
import type { Ask, PostgresClient } from './postgres/client.ts'
import { faultOf } from './postgres/faults.ts'
import { createLease } from './postgres/lease.ts'
import { assertListener, onNotice, postgresNotices } from './postgres/notices.ts'
import type { PostgresListener } from './postgres/notices.ts'
import { namesOf, postgresSchema } from './postgres/schema.ts'
import { statementsOf } from './postgres/statements.ts'
import { createPostgresStore } from './postgres/store.ts'

export type { NearCacheOptions } from '../core/near-cache.ts'
export type {
  Cell,
  PgClient,
  PgliteClient,
  PgQuery,
  PostgresClient,
  PostgresJsClient,
} from './postgres/client.ts'
export { postgresNotices } from './postgres/notices.ts'
export type {
  ListeningClient,
  PgListener,
  PgMessage,
  PostgresListener,
} from './postgres/notices.ts'
export { postgresSchema } from './postgres/schema.ts'

/** Options of the near cache of `createPostgresBackend`. */
export interface PostgresNearCacheOptions extends NearCacheOptions {
  /**
   * What it listens on for sessions that end and keys that change: a `Client` of `pg` of its own, connected directly
   * and not through a pooler; or the `sql` of postgres.js, which reconnects by itself. `migrate()` then adds the
   * triggers of `postgresNotices`. Where nothing is heard, `maxStaleness` alone holds; that `LISTEN` has failed is a
   * process warning with the code `SOJOURN_POSTGRES_LISTEN`. Default: none.
   */
  readonly listener?: PostgresListener | undefined
}

/** Options of `createPostgresBackend`. */
export interface PostgresBackendOptions extends LifecyclePolicy, SweeperOptions {
  /** Name of the table, with its schema if need be: `app.sessions`. Default: `sojourn_sessions`. */
  readonly table?: string | undefined
  /**
   * Whether statements are prepared under names. Turn it off behind a pooler in transaction mode that does not track
   * them, as PgBouncer before 1.21. Default: true.
   */
  readonly prepare?: boolean | undefined
  /**
   * Keeps what has been read lately in this process: reads of a session at the same time are one, and its requests of
   * the next moments none. What other processes do is then seen after `maxStaleness` seconds at the latest, and the end
   * of a session or of a key as soon as a `listener` hears of it. Writes stay conditional. Default: none.
   */
  readonly nearCache?: PostgresNearCacheOptions | undefined
  /**
   * As `LifecyclePolicy.timeoutMs`; `migrate` has sixty times as long, too. `pg` gives up the connection as well, after
   * twice that time. Default: 5,000.
   */
  readonly timeoutMs?: number | undefined
  /**
   * Milliseconds between two steps of the sweep, give or take a quarter; 0 turns it off. One process at a time
   * sweeps, the others stand by. Default: 10,000.
   */
  readonly sweepEveryMs?: number | undefined
}

/** A PostgreSQL backend: a `SessionBackend` that makes its own table and can be closed. */
export interface PostgresBackend extends SessionBackend {
  /**
   * Creates the table, its indexes and its functions where they are missing. Any number of processes may call it at
   * once, and whoever does not own the table may too. `postgresSchema` is the SQL of it.
   *
   * @throws BackendError when the table is of a newer version of this library or not of this library at all, or when
   * transactions are not "read committed" by default.
   */
  migrate(): Promise<void>
  /**
   * Stops the sweeping timer, tells the database that another process may sweep, and takes a near cache off its
   * listener. The client and the listener stay open.
   */
  close(): void
}

// Others may be at it, and are waited for.
const MIGRATE_FACTOR = 60
const LONGEST_MS = 2 ** 31 - 1
// Three missed steps, or half a minute, and another process takes over.
const LEASE_STEPS = 3
const SHORTEST_LEASE_MS = 30_000

const OPTIONS = [...POLICY_OPTIONS, ...SWEEPER_OPTIONS, 'table', 'prepare', 'nearCache']

/**
 * Makes a backend on a PostgreSQL client: a `Pool` (or a `Client`, which cannot reconnect) of `pg`, the `sql` of
 * postgres.js, or a PGlite. It goes by the server's clock. Nothing is sent before the first use; call `migrate()`
 * at the start, or run `postgresSchema()` by your own means. A listener is added to the client's `error` event, so
 * that an idle connection that breaks does not end the process.
 *
 * @throws InvalidPeriodError when a period is out of range.
 * @throws TypeError or RangeError for another argument that is not as described.
 * @example
 * ```ts
 * import pg from 'pg'
 * import { createPostgresBackend } from 'sojourn/backends/postgres'
 *
 * const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] })
 * const backend = createPostgresBackend(pool, { period: 1800, absolute: 86_400 })
 * await backend.migrate()
 * ```
 */
export function createPostgresBackend(
  client: PostgresClient,
  options: PostgresBackendOptions = {},
): PostgresBackend {
  assertOptions('createPostgresBackend', options, OPTIONS)
  const { table = 'sojourn_sessions', prepare = true, timeoutMs = 5000 } = options
  const { sweepEveryMs = 10_000, nearCache } = options
  const names = namesOf(table)
  assertBoolean('prepare', prepare)
  assertTimeLimit('timeoutMs', timeoutMs)
  if (nearCache !== undefined) assertNearCache(nearCache, ['listener'])
  const { listener } = nearCache ?? {}
  if (listener !== undefined) assertListener(listener)
  const connection = connectionOf(client, prepare, timeoutMs)
  const ask: Ask = (statement, values) => connection.ask(statement, values).catch(rethrow)
  const statements = statementsOf(names)
  const within = createTimeLimit(timeoutMs)
  const engine = createPostgresStore(statements, ask, within)
  const cache = nearCache && createNearCache(engine, nearCache)
  const deafen = cache && listener && onNotice(listener, table, cache.forget)
  const store = cache?.store ?? engine
  // A read that joins another's has another's time limit.
  const create = cache === undefined ? createBackendInTime : createBackend
  const backend = create(store, { ...options, timeoutMs })
  if (nearCache !== undefined) Object.assign(backend, describeNearCache(nearCache, backend))
  const leaseMs = Math.max(SHORTEST_LEASE_MS, LEASE_STEPS * sweepEveryMs)
  const lease = createLease(statements, ask, leaseMs)
  const withinMigration = createTimeLimit(Math.min(timeoutMs * MIGRATE_FACTOR, LONGEST_MS))
  const sweep = (limit: number) => within(lease.sweep(limit))
  const stop = startSweeper({ sweep }, { ...options, sweepEveryMs })
  options.signal?.addEventListener('abort', lease.giveBack, { once: true })
  return Object.assign(backend, {
    migrate: async () =>
      guardBackend('migrate', async () => {
        const run = (text: string) => withinMigration(ask({ text, patience: MIGRATE_FACTOR }, []))
        await run(postgresSchema(table))
        if (listener !== undefined) await run(postgresNotices(table))
      }),

    close() {
      stop()
      deafen?.()
      options.signal?.removeEventListener('abort', lease.giveBack)
      lease.giveBack()
    },
  })
}

function rethrow(error: unknown): never {
  throw faultOf(error)
}
