import { Client, Pool } from 'pg'
import postgres from 'postgres'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import type { PostgresBackend, PostgresClient } from '../../src/backends/postgres.ts'
import { connectionOf } from '../../src/backends/postgres/client.ts'
import { BackendError } from '../../src/index.ts'
import { watchProcess } from '../faults/watch-process.ts'
import { keep, leaksOf, MARK, SUBJECT } from '../secrets/leaks.ts'
import { startProxy } from '../servers/proxy.ts'
import { until } from '../servers/until.ts'
import { begin, untilWaiting } from './postgres/locks.ts'
import { count, drivers, openPglite, openPool, query, tableName } from './postgres/open.ts'

const quiet = { sweepEveryMs: 0 }
// A single `Client` stays broken, which its documentation says.
const pools = drivers.filter(({ name }) => !name.includes('Client'))

async function open(client: PostgresClient, options: object = {}) {
  const table = tableName()
  const backend = createPostgresBackend(client, { ...quiet, table, ...options })
  await backend.migrate()
  return { table, backend }
}

async function faultOf(operation: () => Promise<unknown>): Promise<BackendError> {
  const error = await operation().catch((error: unknown) => error)
  expect(error).toBeInstanceOf(BackendError)
  expect((error as BackendError).cause ?? error).toBeInstanceOf(Error)
  return error as BackendError
}

function operationsOf(backend: PostgresBackend, key: string) {
  return [
    () => backend.get(key),
    () => backend.set(key, 'b'),
    () => backend.clear(key),
    () => backend.generate({ value: 'c' }),
    () => backend.generate({ value: 'c', subject: 'ann' }),
    () => backend.touch(key, { fromMs: 1, toMs: 2, period: 1 }),
    () => backend.rotate(key, 1),
    () => backend.rotate(key, 1, { subject: 'ann' }),
    () => backend.list('ann'),
    () => backend.clearSubject('ann'),
    () => backend.clearAll(),
    () => backend.sweep(),
    () => backend.migrate(),
  ]
}

describe.each(drivers)('createPostgresBackend on $name', ({ open: openDriver }) => {
  it('reports a client that has been ended as a fault and not as a missing session', async () => {
    const { client, end } = await openDriver()
    const { backend } = await open(client, { sweepEveryMs: 5 })
    const key = await backend.generate({ value: 'a' })
    await end()
    for (const operation of operationsOf(backend, key)) {
      const error = await faultOf(operation)
      expect(error.cause).toBeInstanceOf(Error)
    }
    backend.close()
  })
})

describe.each(pools)('createPostgresBackend on $name', ({ name, open: openDriver }) => {
  const connect = (port: number) => {
    const url = new URL(inject('postgresUrl'))
    url.port = `${port}`
    if (name === 'postgres.js') {
      const client = postgres(url.href, { max: 2, fetch_types: false })
      // It waits for a connection that was cut, unless it is told how long.
      return { client, end: () => client.end({ timeout: 1 }) }
    }
    const client = new Pool({ connectionString: url.href, max: 2 })
    return { client, end: () => client.end() }
  }

  it('goes on by itself after its connections were killed, idle and at work', async () => {
    const { client } = await openDriver()
    const { table, backend } = await open(client)
    const key = await backend.generate({ value: 'a' })
    const holder = new Client(inject('postgresUrl'))
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query(`SELECT FROM ${table} FOR UPDATE`)
    const write = backend.set(key, 'b').catch((error: unknown) => error)
    const pattern = `%"${table.split('.')[1]}"%`
    const mine = `FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()`
    const waits = `SELECT count(*) ${mine} AND wait_event_type = 'Lock'`
    await until('it waits', async () => (await count(waits, [pattern])) === 1)
    await query(`SELECT pg_terminate_backend(pid) ${mine}`, [pattern])
    expect(await write).toBeInstanceOf(BackendError)
    await holder.query('COMMIT')
    await holder.end()
    await until('it reads again', async () => (await backend.get(key)).ok)
    expect(await backend.get(key)).toMatchObject({ value: 'a' })
    expect(await backend.set(key, 'c')).toMatchObject({ ok: true, version: 2 })
  })

  // postgres.js writes "rollback" to the socket that is gone, if it was asked for a connection of one's own.
  it('goes on after the connection of a migration was killed', async () => {
    const { client } = await openDriver()
    const { table, backend } = await open(client)
    const watch = watchProcess()
    const lock = `SELECT pg_advisory_xact_lock(hashtextextended('sojourn migrate', 0))`
    const holder = await begin(lock)
    const migration = backend.migrate().catch((error: unknown) => error)
    await untilWaiting(table, 1)
    const own = `query LIKE $1 AND pid <> pg_backend_pid()`
    const pattern = `%${table.split('.')[1]}%`
    await query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${own}`, [pattern])
    expect(await migration).toBeInstanceOf(BackendError)
    await holder.rollback()
    await until('it migrates again', () =>
      backend.migrate().then(
        () => true,
        () => false,
      ),
    )
    watch.close()
    expect(watch.seen).toEqual([])
  })

  it('tells of a server that hangs within its time limit, and goes on when that answers', async () => {
    const proxy = await startProxy(Number(new URL(inject('postgresUrl')).port))
    afterAll(() => proxy.stop())
    const { client, end } = connect(proxy.port)
    const { backend } = await open(client, { timeoutMs: 1000 })
    const key = await backend.generate({ value: 'a' })
    proxy.stall()
    const began = performance.now()
    const errors = await Promise.all([1, 2, 3, 4].map(() => faultOf(() => backend.get(key))))
    expect(performance.now() - began).toBeLessThan(6000)
    for (const { message } of errors) expect(message).toContain('no answer within 1000 ms')
    const hasty = createPostgresBackend(client, { ...quiet, timeoutMs: 10, table: tableName() })
    const { message } = await faultOf(() => hasty.migrate())
    expect(message).toContain('no answer within 600 ms')
    proxy.resume()
    await until('it reads again', async () => (await backend.get(key)).ok)
    proxy.cut()
    await until('it reads again', async () => (await backend.get(key)).ok)
    await end()
    await proxy.stop()
  })
})

describe('createPostgresBackend on a Pool of pg', () => {
  it('gives up the connection of a statement that takes too long', async () => {
    const { client } = openPool({ max: 1 })
    const { table, backend } = await open(client, { timeoutMs: 1000 })
    const [key, other] = [await backend.generate({ value: 'a' }), await backend.generate()]
    const holder = new Client(inject('postgresUrl'))
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query(`SELECT FROM ${table} WHERE value = 'a' FOR UPDATE`)
    await faultOf(() => backend.set(key, 'b'))
    // The only connection is not free again before the lock is; so the next one is another.
    await until('another takes its place', async () => (await backend.set(other, 'c')).ok)
    await holder.query('ROLLBACK')
    await holder.end()
  })
})

describe('the faults of a backend', () => {
  const password = `postgres://ann:${MARK}@127.0.0.1:1/db`

  it.each([
    ['pg', () => new Pool({ connectionString: password })],
    ['postgres.js', () => postgres(password, { max: 1, backoff: false })],
  ])('say nothing of the connection string (%s)', async (_, connect) => {
    const backend = createPostgresBackend(connect(), quiet)
    for (const operation of operationsOf(backend, 'A'.repeat(22) + '.' + 'A'.repeat(43))) {
      const error = await faultOf(operation)
      expect(leaksOf(error)).toEqual([])
      expect(error.cause).toMatchObject({ code: expect.stringMatching(/ECONNREFUSED/) as string })
    }
  })

  it.each([...drivers, { name: 'PGlite', open: openPglite }])(
    'say nothing of what was sent, to the server or by it ($name)',
    async ({ open: openDriver }) => {
      const { client } = await openDriver()
      const { table, backend } = await open(client)
      const alter = `ALTER TABLE ${table} ADD CONSTRAINT small CHECK (length(value) < 5)`
      await connectionOf(client, false, 5000).ask({ text: alter }, [])
      const { key } = keep({ key: await backend.generate({ subject: SUBJECT }) })
      for (const operation of [
        () => backend.set(key, `${MARK}-value`),
        () => backend.generate({ value: `${MARK}-value`, subject: SUBJECT }),
      ]) {
        const error = await faultOf(operation)
        expect(error.cause).toMatchObject({ code: '23514' })
        expect(leaksOf(error)).toEqual([])
      }
    },
  )

  it.each([null, undefined, 'postgres://x', {}, { query: () => {} }, () => {}, { unsafe: 1 }])(
    'do not wait for the first use when the client is none (%#)',
    (client) => {
      expect(() => createPostgresBackend(client as never)).toThrow(TypeError)
    },
  )

  it('do not wait for the first use when an option is none', () => {
    const { client } = openPool()
    expect(() => createPostgresBackend(client, { prepare: 1 as never })).toThrow(TypeError)
    expect(() => createPostgresBackend(client, { timeoutMs: 0 })).toThrow(RangeError)
    expect(() => createPostgresBackend(client, { maxPerSubject: 0 })).toThrow(RangeError)
    expect(() => createPostgresBackend(client, { period: 0.5 })).toThrow('"period" must be')
  })
})
