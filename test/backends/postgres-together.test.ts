import { describe, expect, it } from 'vitest'
import { connectionOf } from '../../src/backends/postgres/client.ts'
import type { PostgresClient } from '../../src/backends/postgres.ts'
import type { NewRecord, Store } from '../../src/index.ts'
import { created, draft, newHash, readLive } from '../../src/testing/store-contract/draft.ts'
import { begin, untilOver, untilWaiting } from './postgres/locks.ts'
import { openPool, openStore, query } from './postgres/open.ts'

const GONE = { ok: false, reason: 'gone' }
const CONFLICT = { ok: false, reason: 'conflict' }

async function open(max = 10) {
  const { client } = openPool({ max })
  return { client, ...(await openStore(client)) }
}

async function createdMany(store: Store, count: number): Promise<readonly NewRecord[]> {
  return Promise.all(Array.from({ length: count }, () => created(store)))
}

/** Sets a value at any version. */
async function set(store: Store, { recordId, secretHash }: NewRecord, value: string) {
  return store.update(recordId, secretHash, { value })
}

// The server numbers the transactions of a connection, and each statement is one.
async function transactionOf(client: PostgresClient): Promise<number> {
  const text = `SELECT split_part(virtualtransaction, '/', 2) FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'virtualxid'`
  const [row] = await connectionOf(client, false, 5000).ask({ text }, [])
  return Number(row?.[0])
}

describe.concurrent('new values that are asked for at once', () => {
  it('are written by one statement, and a long one by its own', async () => {
    const { client, store } = await open(1)
    const records = await createdMany(store, 32)
    const statements = async (run: () => Promise<unknown>) => {
      const before = await transactionOf(client)
      await run()
      return (await transactionOf(client)) - before - 1
    }
    const setAll = async (value: string) => {
      const results = await Promise.all(records.map((record) => set(store, record, value)))
      expect(results.every(({ ok }) => ok)).toBe(true)
    }
    expect(await statements(async () => setAll('short'))).toBe(1)
    const [one, two] = records
    const long = 'x'.repeat(20_000)
    const both = async () => Promise.all([set(store, one!, long), set(store, two!, long)])
    expect(await statements(both)).toBe(2)
    expect(await readLive(store, one!.recordId)).toMatchObject({ value: long, version: 3 })
  })

  it('each find what they would find alone', async () => {
    const { store } = await open()
    const records = await createdMany(store, 8)
    const [any, at, other, stranger, ended, span, none, rotated] = records as NewRecord[]
    const { recordId } = rotated!
    const previous = { hash: rotated!.secretHash, graceMs: 30_000 }
    await store.updateSecurity(recordId, { secretHash: newHash(), previous }, 1)
    await store.update(other!.recordId, other!.secretHash, { value: 'second' })
    await store.delete(ended!.recordId)
    const update = async (
      record: NewRecord,
      value: string | null,
      version?: number,
      idleMs?: number,
    ) => store.update(record.recordId, record.secretHash, { value, idleMs }, version)
    const absent = draft()
    const results = await Promise.all([
      update(any!, 'any'),
      update(at!, 'at', 1),
      update(other!, 'late', 1),
      update({ ...stranger!, secretHash: newHash() }, 'forged'),
      update(ended!, 'ended'),
      update(span!, 'span', 1, 5000),
      update(none!, null, 1),
      update(rotated!, 'previous', 1),
      update(absent, 'absent', 1),
    ])
    const done = { ok: true, version: 2 }
    expect(results).toMatchObject([done, done, CONFLICT, GONE, GONE, done, done, done, GONE])
    const spans = results.map((result) => result.ok && result.expiresAtMs - result.nowMs)
    expect(spans).toEqual([60_000, 60_000, false, false, false, 5000, 60_000, 60_000, false])
    const read = await Promise.all(records.map(async (record) => store.read(record.recordId)))
    expect(read.map((record) => record && [record.value, record.version])).toEqual([
      ['any', 2],
      ['at', 2],
      ['second', 2],
      ['first', 1],
      undefined,
      ['span', 2],
      [null, 2],
      ['previous', 2],
    ])
    expect(read[5]?.idleMs).toBe(5000)
  })

  it('are all written that are of one record, or one of those at its version', async () => {
    const { store } = await open()
    const record = await created(store)
    const all = await Promise.all(['a', 'b', 'c'].map((value) => set(store, record, value)))
    expect(new Set(all.map((result) => result.ok && result.version))).toEqual(new Set([2, 3, 4]))
    const { recordId, secretHash } = record
    const atFour = await Promise.all(
      ['x', 'y'].map(async (value) => store.update(recordId, secretHash, { value }, 4)),
    )
    expect(atFour.filter(({ ok }) => ok)).toMatchObject([{ version: 5 }])
    expect(atFour).toContainEqual(CONFLICT)
  })

  it('do not wait for one whose row is locked, which is gone if it runs out meanwhile', async () => {
    const { table, store } = await open()
    const [one, two] = await createdMany(store, 2)
    const held = await created(store, { idleMs: 4000 })
    const holder = await begin(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [held.recordId])
    const writes = [one!, held, two!].map((record) => set(store, record, 'new'))
    expect(await Promise.all([writes[0], writes[2]])).toMatchObject([{ ok: true }, { ok: true }])
    await untilWaiting(table, 1)
    await untilOver(store, held.recordId)
    await holder.commit()
    expect(await writes[1]).toEqual(GONE)
    expect(await store.read(held.recordId)).toBeUndefined()
  })

  it('go by the records as they are when they are locked, and by the clock of then', async () => {
    const { table, store } = await open()
    const records = await createdMany(store, 4)
    const brief = await created(store, { idleMs: 4000 })
    const [changed, moved, ended, untouched] = records as NewRecord[]
    // Between the moment of which a statement sees the table and its first lock.
    await query(`CREATE FUNCTION ${table}_stop() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('${table}')); RETURN NULL; END $$`)
    await query(`CREATE TRIGGER stop BEFORE UPDATE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION ${table}_stop()`)
    const holder = await begin(`SELECT pg_advisory_xact_lock(hashtext('${table}'))`)
    const at = async ({ recordId, secretHash }: NewRecord, version?: number) =>
      store.update(recordId, secretHash, { value: 'new' }, version)
    const writes = [at(changed!, 1), at(moved!), at(ended!), at(untouched!, 1), at(brief)]
    await untilWaiting(table, 1)
    const beside = await begin('SET LOCAL session_replication_role = replica')
    await beside.query(
      `UPDATE ${table} SET value = 'other', version = 2, deadline_at = deadline_at + 1
       WHERE id = ANY($1)`,
      [[changed!.recordId, moved!.recordId]],
    )
    await beside.query(`DELETE FROM ${table} WHERE id = $1`, [ended!.recordId])
    await beside.commit()
    await untilOver(store, brief.recordId)
    await holder.commit()
    expect(await Promise.all(writes)).toMatchObject([
      CONFLICT,
      { ok: true, version: 3 },
      GONE,
      { ok: true, version: 2 },
      GONE,
    ])
    expect(await readLive(store, changed!.recordId)).toMatchObject({ value: 'other', version: 2 })
    expect(await readLive(store, moved!.recordId)).toMatchObject({ value: 'new', version: 3 })
    expect(await query(`SELECT value FROM ${table} WHERE id = $1`, [brief.recordId])).toEqual([
      ['first'],
    ])
  })

  it('do not fail for one that a constraint of the application’s refuses', async () => {
    const { table, store } = await open()
    const [one, two, three] = await createdMany(store, 3)
    await query(`ALTER TABLE ${table} ADD CHECK (value <> 'bad')`)
    const writes = [set(store, one!, 'good'), set(store, two!, 'bad'), set(store, three!, 'fine')]
    const results = await Promise.allSettled(writes)
    expect(results).toMatchObject([
      { value: { ok: true, version: 2 } },
      { status: 'rejected' },
      { value: { ok: true, version: 2 } },
    ])
  })
})
