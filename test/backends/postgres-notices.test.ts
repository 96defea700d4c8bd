import { once } from 'node:events'
import { Client } from 'pg'
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { createPostgresBackend, postgresNotices } from '../../src/backends/postgres.ts'
import type { PostgresBackend, PostgresListener } from '../../src/backends/postgres.ts'
import { handleOf } from '../../src/core/key.ts'
import type { Key } from '../../src/core/key.ts'
import { openPool, openPostgresJs, query, tableName } from './postgres/open.ts'

const quiet = { sweepEveryMs: 0, timeoutMs: 30_000 }
const NOT_FOUND = { ok: false, reason: 'not_found' }
const BOUND = 60
// Well within the bound.
const PATIENCE = { timeout: 20_000 }

const { client: pool } = openPool({ max: 4 })
const { client: sql } = openPostgresJs({ max: 2 })

async function connect(): Promise<Client> {
  const client = new Client(inject('postgresUrl'))
  await client.connect()
  onTestFinished(() => client.end().catch(() => {}))
  return client
}

/** Two processes, of which the first one hears of changes, and a session that it has kept. */
async function open() {
  const [table, listener] = [tableName(), await connect()]
  const nearCache = { maxStaleness: BOUND, listener }
  const here = createPostgresBackend(pool, { ...quiet, table, nearCache })
  // A connection answers in turn: it listens by now, and what happened before it did is told to nobody.
  await listener.query('SELECT')
  await here.migrate()
  const there = createPostgresBackend(sql, { ...quiet, table })
  const key = await there.generate({ value: 'first', subject: 'ann' })
  expect(await here.get(key)).toMatchObject({ ok: true, value: 'first' })
  const messages: string[] = []
  const channel = `${table.split('.')[1]}_ended`
  listener.on('notification', ({ payload = '' }) => void messages.push(payload))
  /** The messages of `run`, when the first one has come. */
  async function told(run: () => unknown): Promise<string[]> {
    messages.length = 0
    await run()
    await vi.waitUntil(() => messages.length > 0, PATIENCE)
    return messages
  }
  return { table, here, there, key, handle: handleOf(key), messages, told, channel, listener }
}

type Change = (there: PostgresBackend, key: Key) => Promise<unknown>
const ENDS: readonly (readonly [string, Change])[] = [
  ['a logout', (there, key) => there.clear(key)],
  ['a logout of that device', (there, key) => there.clearHandle(handleOf(key))],
  ['a logout everywhere', (there) => there.clearSubject('ann')],
  ['the end of all', (there) => there.clearAll()],
  ['a login', (there, key) => there.rotate(key, 1)],
  ['an expiry that is over', (there, key) => there.set(key, undefined, { expiry: 0 })],
]

describe('a near cache that PostgreSQL tells of changes', () => {
  it.each(ENDS)('shows %s in another process when it is told', async (_name, end) => {
    const { here, there, key, handle, told } = await open()
    expect(await told(() => end(there, key))).toEqual([handle])
    expect(await here.get(key)).toEqual(NOT_FOUND)
  })

  it('is told once of many that end at once', async () => {
    const { here, there, key, told } = await open()
    await Promise.all(Array.from({ length: 256 }, () => there.generate({ subject: 'ann' })))
    expect(await told(() => there.clearSubject('ann'))).toEqual(['*'])
    expect(await here.get(key)).toEqual(NOT_FOUND)
  })

  it('is told of nothing by values, touches and sweeps', async () => {
    const { table, here, there, key, messages, channel, listener } = await open()
    await there.generate({ expiry: 0 })
    const asked = { fromMs: 0, toMs: 1, period: 1 }
    await there.set(key, 'second')
    await there.touch(key, asked)
    await query(`UPDATE ${table} SET expires_at = expires_at + 1`)
    await query(`DELETE FROM ${table} WHERE expires_at < created_at + 1`)
    expect(messages).toEqual([])
    const marked = once(listener, 'notification')
    await query(`SELECT pg_notify($1, 'mark')`, [channel])
    await marked
    expect(messages).toEqual(['mark'])
    // As old as it may be.
    expect(await here.get(key)).toMatchObject({ value: 'first' })
  })

  it('hears of a table that is emptied', async () => {
    const { table, here, key, told } = await open()
    expect(await told(() => query(`TRUNCATE ${table}`))).toEqual(['*'])
    expect(await here.get(key)).toEqual(NOT_FOUND)
  })

  it('is migrated once, however often and by whom', async () => {
    const { table, here, there } = await open()
    await Promise.all([here.migrate(), here.migrate(), there.migrate()])
    await query(postgresNotices(table))
    const triggers = `SELECT count(*) FROM pg_trigger WHERE tgrelid = $1::regclass`
    expect(await query(triggers, [table])).toEqual([['3']])
  })

  it('listens on postgres.js, too', async () => {
    const table = tableName()
    const nearCache = { maxStaleness: BOUND, listener: sql }
    const here = createPostgresBackend(pool, { ...quiet, table, nearCache })
    await here.migrate()
    const there = createPostgresBackend(sql, { ...quiet, table })
    // It listens to everything over one connection, in turn.
    await sql.listen(`after ${table}`, () => {})
    const key = await there.generate({ value: 'a' })
    expect(await here.get(key)).toMatchObject({ ok: true })
    await there.clear(key)
    await vi.waitUntil(async () => !(await here.get(key)).ok, PATIENCE)
    expect(await here.get(key)).toEqual(NOT_FOUND)
  })

  it('leaves its listener when it is closed, and one error listener for all', async () => {
    const listener = await connect()
    const table = tableName()
    const make = (by: PostgresListener) =>
      createPostgresBackend(pool, {
        ...quiet,
        table,
        nearCache: { maxStaleness: BOUND, listener: by },
      })
    const before = ['notification', 'error'].map((name) => listener.listenerCount(name))
    for (let n = 0; n < 3; n++) make(listener).close()
    const after = ['notification', 'error'].map((name) => listener.listenerCount(name))
    expect(after).toEqual([before[0], (before[1] ?? 0) + 1])
    let unlistened = 0
    const unlisten = async () => void unlistened++
    make({ listen: async () => ({ unlisten }) }).close()
    await vi.waitUntil(() => unlistened === 1, PATIENCE)
  })

  it('goes by the bound alone, and says so, when it cannot listen', async () => {
    const ended = await connect()
    await ended.end()
    const warned = once(process, 'warning')
    const nearCache = { maxStaleness: BOUND, listener: ended }
    createPostgresBackend(pool, { ...quiet, table: tableName(), nearCache })
    expect(await warned).toMatchObject([{ code: 'SOJOURN_POSTGRES_LISTEN' }])
  })

  it('outlives the connection that it listened on', async () => {
    const lost = await connect()
    const table = tableName()
    const nearCache = { maxStaleness: BOUND, listener: lost }
    const here = createPostgresBackend(pool, { ...quiet, table, nearCache })
    await here.migrate()
    const key = await here.generate({ value: 'a' })
    const end = new Promise<void>((resolve) => lost.once('end', resolve))
    const { rows } = await lost.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
    await end
    expect(await here.get(key)).toMatchObject({ ok: true })
    await here.clear(key)
    expect(await here.get(key)).toEqual(NOT_FOUND)
  })

  it('refuses what cannot listen', () => {
    for (const none of [pool, {}, null, 'postgres://localhost']) {
      const nearCache = { maxStaleness: 1, listener: none } as never
      expect(() => createPostgresBackend(pool, { nearCache })).toThrow(/"listener"/)
    }
  })
})
