import { describe, expect, it, vi } from 'vitest'
import { createMysqlBackend } from '../../src/backends/mysql.ts'
import { created } from '../../src/testing/store-contract/draft.ts'
import { DRIVER_NAMES, open, openStore } from './mysql/open.ts'

// Two buckets ago.
const LONG_GONE = { idleMs: -600_000 }

async function count(table: string): Promise<number> {
  const [row] = await pool.query(`SELECT COUNT(*) FROM ${table}`)
  return Number(row?.[0])
}

/** Who sweeps a table. */
async function ownerOf(table: string): Promise<string | undefined> {
  const [row] = await pool.query(`SELECT owner, owned_until FROM ${table}_locks WHERE slot = 0`)
  return Number(row?.[1]) > Date.now() ? String(row?.[0]) : undefined
}

const pool = open('mysql2')

describe.each(DRIVER_NAMES)('sweeping on %s', (driver) => {
  const own = open(driver)

  it('removes so many expired records at a time, and no live one', async () => {
    const store = await openStore(own)
    for (let n = 0; n < 7; n++) await created(store, { ...LONG_GONE, subject: 'ann' })
    const live = await created(store, { subject: 'ann' })
    expect([await store.sweep(3), await store.sweep(3), await store.sweep(3)]).toEqual([3, 3, 1])
    expect(await store.sweep(3)).toBe(0)
    expect(await count(store.table)).toBe(1)
    expect(await store.read(live.recordId)).toBeDefined()
    for (const limit of [0, -1, 0.5]) expect(await store.sweep(limit)).toBe(0)
  })

  it('leaves records alone that ended in these five minutes, and gives no wrong answer of them', async () => {
    const store = await openStore(own)
    const { recordId } = await created(store, { idleMs: 0 })
    const removed = await store.sweep(10)
    // The five minutes may have ended in between.
    expect(removed + (await count(store.table))).toBe(1)
    expect(await store.read(recordId)).toBeUndefined()
  })

  it('passes over records that somebody else has locked', async () => {
    const store = await openStore(own)
    const held = await created(store, LONG_GONE)
    await created(store, LONG_GONE)
    const connection = await (pool.pool as import('mysql2/promise').Pool).getConnection()
    await connection.query('START TRANSACTION')
    await connection.query(`SELECT id FROM ${store.table} WHERE id = ? FOR UPDATE`, [held.recordId])
    expect(await store.sweep(10)).toBe(1)
    await connection.query('COMMIT')
    connection.release()
    expect(await store.sweep(10)).toBe(1)
  })

  it('locks no record that is live', async () => {
    const store = await openStore(own)
    await created(store, LONG_GONE)
    const live = await created(store)
    const connection = await (pool.pool as import('mysql2/promise').Pool).getConnection()
    await connection.query('START TRANSACTION')
    await connection.query(`SELECT id FROM ${store.table} WHERE id = ? FOR UPDATE`, [live.recordId])
    expect(await store.sweep(10)).toBe(1)
    await connection.query('COMMIT')
    connection.release()
  })

  it('is the task of one owner until it gives up the lease, or lets it run out', async () => {
    const store = await openStore(own)
    for (let n = 0; n < 9; n++) await created(store, LONG_GONE)
    expect(await store.sweepAlone('one', 60_000, 2)).toBe(2)
    expect(await store.sweepAlone('two', 60_000, 2)).toBe(0)
    expect(await store.sweepAlone('one', 60_000, 2)).toBe(2)
    await store.endLease('two')
    expect(await store.sweepAlone('two', 60_000, 2)).toBe(0)
    await store.endLease('one')
    expect(await store.sweepAlone('two', 1, 2)).toBe(2)
    await vi.waitFor(async () => {
      expect(await store.sweepAlone('three', 60_000, 2)).toBe(2)
    })
  })

  it('goes on by itself, in one process, and in another once that has closed', async () => {
    const store = await openStore(own)
    const { table } = store
    const options = { table, sweepEveryMs: 20, sweepLimit: 2 }
    for (let n = 0; n < 5; n++) await created(store, LONG_GONE)
    const backends = [createMysqlBackend(own.pool, options), createMysqlBackend(own.pool, options)]
    await vi.waitFor(async () => expect(await count(table)).toBe(0), { timeout: 10_000 })
    const first = await ownerOf(table)
    backends[0]!.close()
    backends[1]!.close()
    await vi.waitFor(async () => expect(await ownerOf(table)).toBeUndefined(), { timeout: 10_000 })
    await created(store, LONG_GONE)
    const third = createMysqlBackend(own.pool, options)
    await vi.waitFor(async () => expect(await count(table)).toBe(0), { timeout: 10_000 })
    expect(await ownerOf(table)).not.toBe(first)
    third.close()
    third.close()
  })

  it('ends with a signal', async () => {
    const single = open(driver, { connectionLimit: 1 })
    const store = await openStore(single)
    const controller = new AbortController()
    const options = { table: store.table, sweepEveryMs: 10, signal: controller.signal }
    const backend = createMysqlBackend(single.pool, options)
    await created(store, LONG_GONE)
    await vi.waitFor(async () => expect(await count(store.table)).toBe(0), { timeout: 10_000 })
    controller.abort()
    // A step under way ends by itself, before the only connection can be used again.
    await single.query('SELECT 1')
    await created(store, LONG_GONE)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await count(store.table)).toBe(1)
    backend.close()
  })

  it('says nothing when the pool has ended before the backend', async () => {
    const short = open(driver)
    const store = await openStore(short)
    const backend = createMysqlBackend(short.pool, { table: store.table, sweepEveryMs: 10 })
    await vi.waitFor(async () => expect(await ownerOf(store.table)).toBeDefined())
    await short.end()
    backend.close()
    await new Promise((resolve) => setTimeout(resolve, 50))
  })
})
