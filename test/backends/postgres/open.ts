import { randomBytes } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import { Client, Pool } from 'pg'
import type { PoolConfig } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, inject } from 'vitest'
import { connectionOf } from '../../../src/backends/postgres/client.ts'
import type { Cell, PostgresClient } from '../../../src/backends/postgres/client.ts'
import { faultOf } from '../../../src/backends/postgres/faults.ts'
import { namesOf, postgresSchema } from '../../../src/backends/postgres/schema.ts'
import { statementsOf } from '../../../src/backends/postgres/statements.ts'
import { createPostgresStore } from '../../../src/backends/postgres/store.ts'
import { createTimeLimit } from '../../../src/core/time-limit.ts'

/** A client of some driver, and how the test itself asks the database something. */
export interface Opened {
  readonly client: PostgresClient
  readonly end: () => Promise<unknown>
}

/** The drivers that reach the tests' server. */
export const drivers = [
  { name: 'a Pool of pg', open: openPool },
  { name: 'a Client of pg', open: openClient },
  { name: 'postgres.js', open: openPostgresJs },
]

/** A pool, ended after the tests of the file. */
export function openPool(config: PoolConfig = {}): Opened & { readonly client: Pool } {
  const pool = new Pool({ connectionString: inject('postgresUrl'), ...config })
  const end = once(() => pool.end())
  afterAll(end)
  return { client: pool, end }
}

export function openPostgresJs(options: postgres.Options<{}> = {}): Opened & {
  readonly client: postgres.Sql
} {
  // As docs/backends.md advises: where its query for types fails, postgres.js ends the process.
  const sql = postgres(inject('postgresUrl'), { fetch_types: false, ...options })
  const end = once(() => sql.end({ timeout: 5 }))
  afterAll(end)
  return { client: sql, end }
}

async function openClient(): Promise<Opened> {
  const client = new Client(inject('postgresUrl'))
  await client.connect()
  const end = once(() => client.end())
  afterAll(end)
  return { client, end }
}

/** A server of its own, in this process. */
export async function openPglite(): Promise<Opened> {
  const client = await PGlite.create()
  await client.exec(`CREATE SCHEMA ${schema}`)
  const end = once(() => client.close())
  afterAll(end)
  return { client, end }
}

const admin: Pool[] = []

/** Asks the tests' server something beside the backend under test. */
export async function query(text: string, values: unknown[] = []): Promise<unknown[][]> {
  const [pool = openAdmin()] = admin
  const { rows } = await pool.query<unknown[]>({ text, values, rowMode: 'array' })
  return rows
}

function openAdmin(): Pool {
  const { client } = openPool({ max: 4 })
  admin.push(client)
  return client
}

/** The first column of the first row, as a number. */
export async function count(text: string, values: unknown[] = []): Promise<number> {
  const [[first] = []] = await query(text, values)
  return Number(first)
}

/** The schema of this test file, in which all its tables are. */
export const schema = `test_${randomBytes(8).toString('hex')}`
beforeAll(async () => void (await query(`CREATE SCHEMA ${schema}`)))
afterAll(async () => void (await query(`DROP SCHEMA ${schema} CASCADE`)))

/** The name of a new table. */
export function tableName(): string {
  return `${schema}.t_${randomBytes(8).toString('hex')}`
}

/** A new table, and the store on it. */
export async function openStore(
  client: PostgresClient,
  table = tableName(),
  { migrate = true } = {},
) {
  const connection = connectionOf(client, true, 30_000)
  const ask = (statement: { readonly text: string; readonly name?: string }, values: Cell[]) =>
    connection.ask(statement, values).catch(rethrow)
  if (migrate) await ask({ text: postgresSchema(table) }, [])
  const statements = statementsOf(namesOf(table))
  return {
    table,
    statements,
    ask,
    store: createPostgresStore(statements, ask, createTimeLimit(30_000)),
  }
}

function once(run: () => Promise<unknown>): () => Promise<unknown> {
  let ended: Promise<unknown> | undefined
  return () => (ended ??= run())
}

function rethrow(error: unknown): never {
  throw faultOf(error)
}
