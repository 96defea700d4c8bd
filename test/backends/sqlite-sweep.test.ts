import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import type { SqliteDatabase } from '../../src/backends/sqlite.ts'
import { prepareFile } from '../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../src/backends/sqlite/store.ts'
import type { Handle, Store } from '../../src/index.ts'
import { createTestClock } from '../../src/testing/index.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'
import { createFolder } from './sqlite-drivers.ts'

const folder = createFolder()

function openStore() {
  const clock = createTestClock()
  const database = new DatabaseSync(folder.file())
  prepareFile(database, 'sessions')
  const rows = database.prepare('SELECT count(*) AS n FROM sessions')
  return {
    clock,
    database,
    store: createSqliteStore(database, 'sessions', clock.now),
    kept: () => rows.get()?.['n'],
  }
}

/** Creates `count` records, every third of which lives on, and gives the ids of those. */
async function fill(store: Store, count: number): Promise<Handle[]> {
  const live: Handle[] = []
  for (let n = 0; n < count; n++) {
    const record = draft({ idleMs: n % 3 === 0 ? 60_000 : 1000 })
    await store.create(record)
    if (n % 3 === 0) live.push(record.recordId)
  }
  return live
}

async function sweepTimes(store: Store, times: number, limit: number): Promise<number[]> {
  const removed: number[] = []
  for (let time = 0; time < times; time++) removed.push(await store.sweep(limit))
  return removed
}

describe('createSqliteStore', () => {
  it.each([1, 7, 30, 89, 90, 91, 1000, Number.MAX_SAFE_INTEGER, Infinity])(
    'sweeps 90 records in slices of %d, all that has expired and nothing else',
    async (limit) => {
      const { clock, store, kept } = openStore()
      const live = await fill(store, 90)
      clock.advance(1)
      const removed = await sweepTimes(store, Math.ceil(90 / limit) + 1, limit)
      expect(removed.reduce((sum, count) => sum + count)).toBe(60)
      expect(Math.max(...removed)).toBeLessThanOrEqual(limit)
      expect(kept()).toBe(30)
      for (const recordId of live) expect(await store.read(recordId)).toBeDefined()
    },
  )

  it('goes round: what expires behind its place is reached by later steps', async () => {
    const { clock, store, kept } = openStore()
    await fill(store, 30)
    expect(await sweepTimes(store, 2, 20)).toEqual([0, 0])
    clock.advance(60)
    expect(await sweepTimes(store, 3, 20)).toEqual([20, 10, 0])
    expect(kept()).toBe(0)
  })

  it.each([0, -1, 0.5])('looks at no record when the limit is %d', async (limit) => {
    const { clock, store, kept } = openStore()
    await fill(store, 9)
    clock.advance(60)
    expect(await store.sweep(limit)).toBe(0)
    expect(kept()).toBe(9)
  })

  it('removes nothing that is live when the clock has gone back', async () => {
    const { database, kept } = openStore()
    let nowMs = 1_000_000
    const store = createSqliteStore(database, 'sessions', () => nowMs)
    const record = draft({ idleMs: 1000, subject: 'ann' })
    await store.create(record)
    nowMs = 500_000
    expect(await store.sweep(10)).toBe(0)
    expect(await store.read(record.recordId)).toMatchObject({ createdAtMs: 1_000_000 })
    expect(await store.update(record.recordId, record.secretHash, {})).toMatchObject({
      ok: true,
      expiresAtMs: 501_000,
    })
    expect(await store.list('ann')).toHaveLength(1)
    nowMs = 1_000_000
    expect(await store.read(record.recordId)).toBeUndefined()
    expect(await store.sweep(10)).toBe(1)
    expect(kept()).toBe(0)
  })

  it('reads the clock when it has the lock, and does not revive what expired in the wait', async () => {
    const { clock, database } = openStore()
    // The real database; taking its write lock takes two seconds of the test's clock.
    const slow: SqliteDatabase = {
      prepare: (sql) => {
        const statement = database.prepare(sql)
        if (sql !== 'BEGIN IMMEDIATE') return statement
        const take = statement.get.bind(statement)
        const get = () => {
          const result = take()
          clock.advance(2)
          return result
        }
        return Object.assign(statement, { get })
      },
      close: () => database.close(),
      exec: (sql) => database.exec(sql),
    }
    const store = createSqliteStore(slow, 'sessions', clock.now)
    const record = draft({ idleMs: 1000, subject: 'ann' })
    const { recordId, secretHash } = record
    const fast = createSqliteStore(database, 'sessions', clock.now)
    const renewed = async () => {
      await fast.deleteAll()
      await fast.create(record)
      return clock.now() + 1000
    }
    const gone = { ok: false, reason: 'gone' }
    await renewed()
    expect(await store.update(recordId, secretHash, { value: 'late' })).toEqual(gone)
    await renewed()
    expect(await store.update(recordId, secretHash, {})).toEqual(gone)
    await renewed()
    expect(await store.updateSecurity(recordId, { labels: 'late' }, 1)).toEqual(gone)
    const untilMs = await renewed()
    expect(await store.touch(recordId, secretHash, untilMs, untilMs + 1000)).toBe(false)
    await renewed()
    expect(await store.delete(recordId)).toBe(false)
    await renewed()
    expect(await store.deleteSubject('ann')).toBe(0)
    await renewed()
    expect(await store.deleteAll()).toBe(0)
  })

  it.each(['refuse', 'evict_oldest'] as const)(
    'takes bounds of any size on a subject (%s)',
    async (atLimit) => {
      const { store } = openStore()
      for (const maxPerSubject of [Number.MAX_SAFE_INTEGER, Infinity, 1e300]) {
        const limit = { maxPerSubject, atLimit }
        expect(await store.create(draft({ subject: 'ann' }), limit)).toMatchObject({ ok: true })
      }
      expect(await store.list('ann')).toHaveLength(3)
    },
  )

  it('evicts the oldest of several at once, never the record itself or another subject’s', async () => {
    const { clock, store } = openStore()
    const own: Handle[] = []
    for (let n = 0; n < 5; n++) {
      const record = draft({ subject: 'a\0b', idleMs: n === 1 ? 10 : 60_000 })
      await store.create(record)
      own.push(record.recordId)
      clock.advance(0.01)
    }
    const other = draft({ subject: 'bob' })
    await store.create(other)
    const limit = { maxPerSubject: 2, atLimit: 'evict_oldest' } as const
    // The oldest is bound again: it stays, for the bound is on the others.
    const [oldest] = own as [Handle]
    expect(await store.updateSecurity(oldest, { subject: 'a\0b' }, 1, limit)).toMatchObject({
      ok: true,
    })
    const left = (await store.list('a\0b')).map(({ recordId }) => recordId)
    expect(left).toEqual([oldest, own[4]])
    expect(await store.list('bob')).toHaveLength(1)
  })

  it('evicts nobody for a record that exists already', async () => {
    const { store } = openStore()
    const record = draft({ subject: 'ann' })
    const second = draft({ subject: 'ann' })
    await store.create(record)
    await store.create(second)
    const limit = { maxPerSubject: 1, atLimit: 'evict_oldest' } as const
    expect(await store.create(record, limit)).toEqual({ ok: false, reason: 'exists' })
    expect(await store.list('ann')).toHaveLength(2)
  })
})

describe('createSqliteBackend', () => {
  it('refuses sweeping options out of range and closes the file it opened', () => {
    const path = folder.file()
    expect(() => createSqliteBackend(path, { sweepLimit: 0 })).toThrow(RangeError)
    expect(() => createSqliteBackend(path, { period: 0.5 })).toThrow('"period" must be')
    // Nobody else has the file open: it can leave WAL.
    const mode = new DatabaseSync(path).prepare('PRAGMA journal_mode = DELETE').get()
    expect({ ...mode }).toEqual({ journal_mode: 'delete' })
  })
})
