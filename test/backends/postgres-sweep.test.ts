import { Client } from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { createLease } from '../../src/backends/postgres/lease.ts'
import type { Store } from '../../src/index.ts'
import { created } from '../../src/testing/store-contract/draft.ts'
import { until } from '../servers/until.ts'
import { count, openPool, openStore, query, tableName } from './postgres/open.ts'

const { client } = openPool()

/** Makes `many` records whose time ran out in a bucket that is over, and one that lives. */
async function fill(store: Store, table: string, many: number): Promise<void> {
  for (let n = 0; n < many; n++) await created(store, { subject: 'ann' })
  await query(`UPDATE ${table} SET expires_at = expires_at - 700000`)
  await created(store, { subject: 'ann' })
}

const kept = (table: string) => count(`SELECT count(*) FROM ${table}`)

describe('createPostgresStore', () => {
  it.each([
    [1, [1, 1, 1]],
    [4, [4, 4, 2]],
    [10, [10, 0, 0]],
    [1e300, [10, 0, 0]],
    [Infinity, [10, 0, 0]],
    [0, [0, 0, 0]],
    [-1, [0, 0, 0]],
    [NaN, [0, 0, 0]],
  ])('sweeps ten records in steps of %d', async (limit, expected) => {
    const { store, table } = await openStore(client)
    await fill(store, table, 10)
    const removed = [await store.sweep(limit), await store.sweep(limit), await store.sweep(limit)]
    expect(removed).toEqual(expected)
    expect(await kept(table)).toBe(11 - removed.reduce((sum, each) => sum + each))
    expect(await store.list('ann')).toHaveLength(1)
  })

  it('leaves a record alone whose bucket is not over, and nobody can read it', async () => {
    const { store, table } = await openStore(client)
    const { recordId } = await created(store, { idleMs: 0 })
    // Unless the bucket ended this very moment, when the record may go.
    const removed = await store.sweep(10)
    expect(removed + (await kept(table))).toBe(1)
    expect(await store.read(recordId)).toBeUndefined()
  })

  it('passes over a record that somebody has locked, and does not wait', async () => {
    const { store, table } = await openStore(client)
    await fill(store, table, 3)
    const holder = new Client(inject('postgresUrl'))
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query(`SELECT FROM ${table} ORDER BY expires_at LIMIT 1 FOR UPDATE`)
    expect(await store.sweep(10)).toBe(2)
    await holder.query('COMMIT')
    await holder.end()
    expect(await store.sweep(10)).toBe(1)
  })

  it('leaves the live alone in a table that somebody has partitioned', async () => {
    const { table: whole } = await openStore(client)
    const table = tableName()
    await query(`CREATE TABLE ${table} (LIKE ${whole} INCLUDING ALL) PARTITION BY HASH (id)`)
    for (const part of [0, 1]) {
      await query(`CREATE TABLE ${table}_${part} PARTITION OF ${table}
        FOR VALUES WITH (MODULUS 2, REMAINDER ${part})`)
    }
    const { store } = await openStore(client, table)
    const more = () => Promise.all(Array.from({ length: 60 }, () => created(store)))
    await more()
    await query(`UPDATE ${table}_0 SET expires_at = expires_at - 700000`)
    const expired = await count(`SELECT count(*) FROM ${table}_0`)
    // In the other partition, now where the expired ones are in theirs.
    await more()
    expect(await store.sweep(1000)).toBe(expired)
    expect(await kept(table)).toBe(120 - expired)
  })

  it('finds the expired by their index, however few they are', async () => {
    const { store, table, statements } = await openStore(client)
    await created(store)
    await query(`INSERT INTO ${table} (id, secret_hash, version, security_version, idle_ms, created_at,
      expires_at, deadline_at) SELECT 'live' || n, '', 1, 1, 1, 1, 4102444800000, 4102444800000
      FROM generate_series(1, 20000) AS n`)
    await query(`ANALYZE ${table}`)
    const plan = await query(`EXPLAIN ${statements.sweep.text.replace('$1', '1000')}`)
    expect(plan.join('\n')).toContain('_expiry')
    expect(plan.join('\n')).not.toContain('Seq Scan')
  })
})

describe('createLease', () => {
  it('lets one backend sweep until it gives the lease back', async () => {
    const { store, table, statements, ask } = await openStore(client)
    await fill(store, table, 30)
    const [first, second] = [1, 2].map(() => createLease(statements, ask, 60_000))
    if (first === undefined || second === undefined) throw new Error('no lease')
    expect([await first.sweep(5), await second.sweep(5)]).toEqual([5, 0])
    expect([await first.sweep(5), await second.sweep(5)]).toEqual([5, 0])
    // Somebody else's is not given back.
    second.giveBack()
    expect(await second.sweep(5)).toBe(0)
    first.giveBack()
    await until('the lease is free', async () => (await second.sweep(5)) === 5)
    expect(await first.sweep(5)).toBe(0)
  })

  it('passes to another backend when its owner has not renewed it', async () => {
    const { store, table, statements, ask } = await openStore(client)
    await fill(store, table, 30)
    const [first, second] = [1, 2].map(() => createLease(statements, ask, 1000))
    expect([await first?.sweep(5), await second?.sweep(5)]).toEqual([5, 0])
    await until('the lease has run out', async () => (await second?.sweep(5)) === 5)
  })

  it('has one owner, of many who ask at once', async () => {
    const { store, table, statements, ask } = await openStore(client)
    await fill(store, table, 30)
    const leases = Array.from({ length: 8 }, () => createLease(statements, ask, 60_000))
    const removed = await Promise.all(leases.map((lease) => lease.sweep(5)))
    expect(removed.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 0, 0, 0, 0, 5])
  })
})

describe('createPostgresBackend', () => {
  it('sweeps by itself, one backend at a time, and another when that one is closed', async () => {
    const table = tableName()
    const options = { table, sweepEveryMs: 20, sweepLimit: 3 }
    const first = createPostgresBackend(client, options)
    await first.migrate()
    const { store } = await openStore(client, table)
    await fill(store, table, 10)
    await until('the first has swept', async () => (await kept(table)) === 1)
    const owner = `SELECT sweep_owner FROM ${table.split('.')[0]}.sojourn_schema WHERE name = $1`
    const name = [table.split('.')[1]]
    const before = await query(owner, name)
    const second = createPostgresBackend(client, options)
    await fill(store, table, 10)
    await until('it has swept again', async () => (await kept(table)) === 1)
    expect(await query(owner, name)).toEqual(before)
    first.close()
    await until('the second takes over', async () => {
      const [[now] = []] = await query(owner, name)
      return now !== null && now !== before[0]?.[0]
    })
    await fill(store, table, 10)
    await until('the second sweeps', async () => (await kept(table)) === 1)
    second.close()
  })

  it('stops, and lets another sweep, when its signal is aborted', async () => {
    const table = tableName()
    const controller = new AbortController()
    const backend = createPostgresBackend(client, {
      table,
      sweepEveryMs: 10,
      signal: controller.signal,
    })
    await backend.migrate()
    const held = `SELECT count(sweep_owner) FROM ${table.split('.')[0]}.sojourn_schema WHERE name = $1`
    const isHeld = async () => (await count(held, [table.split('.')[1]])) === 1
    await until('it has the lease', isHeld)
    controller.abort()
    await until('it has given it back', async () => !(await isHeld()))
  })

  it.each([{ sweepEveryMs: -1 }, { sweepLimit: 0 }, { sweepEveryMs: 2 ** 31 }])(
    'refuses %o',
    (options) => {
      expect(() => createPostgresBackend(client, options)).toThrow(RangeError)
    },
  )
})
