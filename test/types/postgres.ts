import { PGlite } from '@electric-sql/pglite'
import { Client, Pool } from 'pg'
import type { PoolClient } from 'pg'
import postgres from 'postgres'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import type {
  PgClient,
  PgliteClient,
  PostgresBackend,
  PostgresJsClient,
} from '../../src/backends/postgres.ts'
import type { SessionBackend } from '../../src/index.ts'

// The drivers' own types fit as they are, without a cast.
export const pool: PgClient = new Pool()
export const client: PgClient = new Client()
export const sql: PostgresJsClient = postgres()
export const big: PostgresJsClient = postgres({ types: { bigint: postgres.BigInt } })
export const lite: PgliteClient = new PGlite()
export const backend: PostgresBackend = createPostgresBackend(new Pool(), { period: 60 })
export const session: SessionBackend = createPostgresBackend(postgres(), { table: 'app.sessions' })
createPostgresBackend(new PGlite(), { prepare: false, timeoutMs: 1000, sweepEveryMs: 0 })
createPostgresBackend(postgres({ types: { bigint: postgres.BigInt } }))
createPostgresBackend({} as PoolClient)
createPostgresBackend(new Pool(), { nearCache: { maxStaleness: 0.5, maxRecords: 1000 } })
createPostgresBackend(new Pool(), { nearCache: { maxStaleness: 5, listener: new Client() } })
createPostgresBackend(postgres(), { nearCache: { maxStaleness: 5, listener: postgres() } })
export const done: Promise<void> = backend.migrate()

// What is no client does not.
// @ts-expect-error
createPostgresBackend('postgres://localhost')
// @ts-expect-error
createPostgresBackend({ query: () => [] })
// @ts-expect-error
createPostgresBackend(new Pool(), { now: Date.now })
// @ts-expect-error
createPostgresBackend(new Pool(), { durability: 'power' })
// @ts-expect-error
createPostgresBackend(new Pool(), { nearCache: true })
export const nowhere = 'postgres://localhost'
// @ts-expect-error
createPostgresBackend(new Pool(), { nearCache: { maxStaleness: 5, listener: nowhere } })
