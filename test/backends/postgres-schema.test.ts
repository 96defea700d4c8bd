import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Pool } from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { createPostgresBackend, postgresSchema } from '../../src/backends/postgres.ts'
import { BackendError } from '../../src/index.ts'
import { created, newHash } from '../../src/testing/store-contract/draft.ts'
import { count, drivers, openPool, openStore, query, schema, tableName } from './postgres/open.ts'

const run = promisify(execFile)
const { client } = openPool()
const quiet = { sweepEveryMs: 0 }

async function faultOf(operation: () => Promise<unknown>): Promise<BackendError> {
  const error = await operation().catch((error: unknown) => error)
  expect(error).toBeInstanceOf(BackendError)
  return error as BackendError
}

describe('migrate', () => {
  it('may be called again, and keeps what is there', async () => {
    const table = tableName()
    const backend = createPostgresBackend(client, { ...quiet, table })
    await backend.migrate()
    const key = await backend.generate({ value: 'kept' })
    await backend.migrate()
    expect(await backend.get(key)).toMatchObject({ value: 'kept' })
  })

  it.each(drivers)('says nothing on the console with $name', async ({ open }) => {
    const { client, end } = await open()
    const log = console.log
    const said: unknown[] = []
    console.log = (...parts) => void said.push(parts)
    try {
      const backend = createPostgresBackend(client, { ...quiet, table: tableName() })
      await Promise.all([backend.migrate(), backend.migrate()])
      await backend.migrate()
    } finally {
      console.log = log
    }
    await end()
    expect(said).toEqual([])
  })

  it('refuses a table of a newer version', async () => {
    const table = tableName()
    const backend = createPostgresBackend(client, { ...quiet, table })
    await backend.migrate()
    const name = table.split('.')[1]
    await query(`UPDATE ${schema}.sojourn_schema SET version = 1000 WHERE name = $1`, [name])
    const error = await faultOf(() => backend.migrate())
    expect(error.message).toBe('the PostgreSQL table was made by a newer version of this library')
  })

  it.each([
    ['a table', '(id text PRIMARY KEY, total bigint)'],
    ['a table with a column of another type', '(id bigint, version text)'],
  ])('refuses %s of the application’s with the same name, and keeps it', async (_, columns) => {
    const table = tableName()
    await query(`CREATE TABLE ${table} ${columns}`)
    const backend = createPostgresBackend(client, { ...quiet, table })
    const error = await faultOf(() => backend.migrate())
    expect(error.message).toContain('other columns')
    const name = [table.split('.')[1]]
    expect(await count(`SELECT count(*) FROM ${schema}.sojourn_schema WHERE name = $1`, name)).toBe(
      0,
    )
    expect(await count(`SELECT count(*) FROM ${table}`)).toBe(0)
  })

  it('takes a table to which the application has added a column', async () => {
    const { store, table } = await openStore(client)
    await query(`ALTER TABLE ${table} ADD COLUMN note text`)
    await createPostgresBackend(client, { ...quiet, table }).migrate()
    await created(store)
  })

  it('needs no more than the use of a table that somebody else owns', async () => {
    const { table } = await openStore(client)
    const role = `role_${table.split('_').at(-1)}`
    await query(`CREATE ROLE ${role} LOGIN`)
    await query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`)
    await query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${role}`)
    await query(`GRANT SELECT, UPDATE ON ${schema}.sojourn_schema TO ${role}`)
    const url = new URL(inject('postgresUrl'))
    url.username = role
    const pool = new Pool({ connectionString: url.href })
    try {
      const backend = createPostgresBackend(pool, { ...quiet, table, maxPerSubject: 1 })
      await backend.migrate()
      const key = await backend.generate({ value: 'a', subject: 'ann' })
      expect(await backend.set(key, 'b')).toMatchObject({ ok: true })
      expect(await backend.rotate(key, 1, { subject: 'ann' })).toMatchObject({ ok: true })
      expect(await backend.sweep()).toBe(0)
      expect(await backend.clearSubject('ann')).toBe(1)
      expect(await backend.clearAll()).toBe(0)
    } finally {
      await pool.end()
      await query(`DROP OWNED BY ${role}`)
      await query(`DROP ROLE ${role}`)
    }
  })

  it('refuses a database in which texts would not all come back', async () => {
    const name = `latin_${tableName().split('_').at(-1)}`
    await query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
    const url = new URL(inject('postgresUrl'))
    url.pathname = name
    const pool = new Pool({ connectionString: url.href })
    try {
      const error = await faultOf(() => createPostgresBackend(pool, quiet).migrate())
      expect(error.message).toContain('UTF8')
    } finally {
      await pool.end()
      await query(`DROP DATABASE ${name}`)
    }
  })

  it.each(['read', 'bind'])(
    'is asked for by a backend whose table is missing (%s)',
    async (how) => {
      const backend = createPostgresBackend(client, { ...quiet, table: tableName() })
      const key = 'A'.repeat(22) + '.' + 'A'.repeat(43)
      const error = await faultOf(() =>
        how === 'read' ? backend.get(key) : backend.clearSubject('ann'),
      )
      expect(error.message).toContain('call migrate() first')
      expect(error.cause).toMatchObject({ code: how === 'read' ? '42P01' : '42883' })
    },
  )
})

describe('postgresSchema', () => {
  it('is all that a backend needs, run by psql', async () => {
    const table = tableName()
    const args = [inject('postgresUrl'), '-v', 'ON_ERROR_STOP=1', '-c', postgresSchema(table)]
    await run('psql', args)
    await run('psql', args)
    const backend = createPostgresBackend(client, { ...quiet, table, maxPerSubject: 1 })
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    expect(await backend.get(key)).toMatchObject({ value: 'a' })
    await expect(backend.generate({ subject: 'ann' })).rejects.toThrow('as many sessions')
    await backend.migrate()
    expect(await backend.get(key)).toMatchObject({ value: 'a' })
  })

  it.each(['', 'a b', 'a"b', "a'b", '1a', 'a.b.c', 'a'.repeat(46), 'sojourn_schema', 'x.'])(
    'refuses the name %j',
    (table) => {
      expect(() => postgresSchema(table)).toThrow(TypeError)
      expect(() => createPostgresBackend(client, { table })).toThrow(TypeError)
    },
  )

  it('takes the longest name there is', async () => {
    const table = `${schema}.${'a'.repeat(45)}`
    const backend = createPostgresBackend(client, { ...quiet, table })
    await backend.migrate()
    await backend.generate({ subject: 'ann' })
    expect(await backend.clearSubject('ann')).toBe(1)
  })
})

describe('the table', () => {
  it('keeps subjects of 10 kB, and finds them by the index', async () => {
    const { store, table, statements } = await openStore(client)
    const [one, two] = ['1', '2'].map((last) => 'ü'.repeat(10_000) + last)
    if (one === undefined || two === undefined) throw new Error('no subject')
    await created(store, { subject: one })
    await created(store, { subject: two })
    expect(await store.list(one)).toHaveLength(1)
    await query(`INSERT INTO ${table} (id, secret_hash, subject, version, security_version, idle_ms,
      created_at, expires_at, deadline_at) SELECT 'id' || n, '', 's' || n, 1, 1, 1, 1, 1, 1
      FROM generate_series(1, 10000) AS n`)
    await query(`ANALYZE ${table}`)
    const plan = await query(`EXPLAIN ${statements.list.text.replace('$1', "'ann'")}`)
    expect(plan.join('\n')).toContain('_subject')
    expect(await store.deleteSubject(two)).toBe(1)
    expect(await store.list(one)).toHaveLength(1)
  })

  it('is updated in place: no index has to follow a new value, expiry or key', async () => {
    const { client } = openPool({ max: 1 })
    const { store, table } = await openStore(client)
    const { recordId, secretHash } = await created(store, {
      subject: 'ann',
      value: 'x'.repeat(400),
    })
    for (let n = 0; n < 50; n++) {
      await store.update(recordId, secretHash, { value: `${n}`.repeat(200) })
      await store.update(recordId, secretHash, { idleMs: 60_000 + n })
    }
    await store.updateSecurity(recordId, { secretHash: newHash() }, 1)
    // What this connection has counted is otherwise told within a second.
    await client.query('SELECT pg_stat_force_next_flush()')
    const [stats] = await query(
      'SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = $1::regclass',
      [table],
    )
    const [updated, inPlace] = (stats ?? []).map(Number)
    expect(updated).toBe(101)
    // All, but where a bucket of five minutes ends meanwhile.
    expect(inPlace).toBeGreaterThanOrEqual(99)
  })

  it('keeps expiries of any size', async () => {
    const { store } = await openStore(client)
    for (const idleMs of [3.456e10, 8.64e15, 1e300, Infinity]) {
      const { recordId } = await created(store, { idleMs, absoluteMs: idleMs })
      expect(await store.read(recordId)).toMatchObject({ idleMs: Math.min(idleMs, 8.64e15) })
    }
    for (const idleMs of [-3.456e10, -8.64e15, -1e300, -Infinity, NaN, 0]) {
      const { recordId } = await created(store, { idleMs })
      expect(await store.read(recordId)).toBeUndefined()
    }
  })
})
