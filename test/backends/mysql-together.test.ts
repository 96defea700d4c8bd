import { describe, expect, it } from 'vitest'
import type { NewRecord, Store } from '../../src/index.ts'
import { created, draft, newHash, readLive } from '../../src/testing/store-contract/draft.ts'
import { begin, locking, waiting } from './mysql/locks.ts'
import { DRIVER_NAMES, open, openStore } from './mysql/open.ts'
import type { TestPool } from './mysql/open.ts'

const DONE = { ok: true, version: 2 }
const GONE = { ok: false, reason: 'gone' }
const CONFLICT = { ok: false, reason: 'conflict' }

async function createdMany(store: Store, count: number): Promise<readonly NewRecord[]> {
  return Promise.all(Array.from({ length: count }, () => created(store)))
}

/** Sets a value at any version. */
async function set(store: Store, { recordId, secretHash }: NewRecord, value: string) {
  return store.update(recordId, secretHash, { value })
}

/** How many prepared statements, and how many calls of procedures, `run` makes on the pool's only connection. */
async function madeBy(pool: TestPool, run: () => Promise<unknown>) {
  const counts = async () => {
    const rows = await pool.query(
      "SHOW SESSION STATUS WHERE variable_name IN ('Com_stmt_execute', 'Com_call_procedure')",
    )
    return rows.map(([, count]) => Number(count))
  }
  const [calls = 0, executed = 0] = await counts()
  await run()
  const [callsThen = 0, executedThen = 0] = await counts()
  return { executed: executedThen - executed, calls: callsThen - calls }
}

describe.each(DRIVER_NAMES)('new values that are asked for at once on %s', (driver) => {
  const pool = open(driver)

  it('are written by one call, a long one by itself, and one alone by a plain statement', async () => {
    const one = open(driver, { connectionLimit: 1 })
    const store = await openStore(one)
    const records = await createdMany(store, 32)
    const setAll = async (of: readonly NewRecord[], value: (at: number) => string) => {
      const results = await Promise.all(of.map((record, at) => set(store, record, value(at))))
      expect(results.every(({ ok }) => ok)).toBe(true)
    }
    const values = (at: number) => 'é🧭\0,'.repeat(at)
    const all = madeBy(one, async () => setAll(records, values))
    expect(await all).toEqual({ executed: 1, calls: 1 })
    const read = await Promise.all(records.map(({ recordId }) => readLive(store, recordId)))
    expect(read.map(({ value }) => value)).toEqual(records.map((_, at) => values(at)))
    const long = 'x'.repeat(16_385)
    const some = madeBy(one, async () => setAll(records.slice(0, 3), (at) => (at ? 'y' : long)))
    expect(await some).toEqual({ executed: 2, calls: 2 })
    const { recordId, secretHash } = records[0]!
    expect(await readLive(store, recordId)).toMatchObject({ value: long, version: 3 })
    const alone = async () => store.update(recordId, secretHash, { value: 'z' }, 3)
    expect(await madeBy(one, alone)).toEqual({ executed: 1, calls: 0 })
  })

  it('each find what they would find alone', async () => {
    const store = await openStore(pool)
    const records = await createdMany(store, 10)
    const [any, at, other, stranger, ended, over, span, none, rotated, late] = records
    for (const [{ recordId, secretHash }, graceMs] of [
      [rotated!, 30_000],
      [late!, 0],
    ] as const) {
      const previous = { hash: secretHash, graceMs }
      await store.updateSecurity(recordId, { secretHash: newHash(), previous }, 1)
    }
    await store.update(other!.recordId, other!.secretHash, { value: 'second' })
    await store.delete(ended!.recordId)
    await store.update(over!.recordId, over!.secretHash, { idleMs: -1 })
    const update = async (
      { recordId, secretHash }: NewRecord,
      value: string | null,
      version?: number,
      idleMs?: number,
    ) => store.update(recordId, secretHash, { value, idleMs }, version)
    const results = await Promise.all([
      update(any!, 'any'),
      update(at!, 'at', 1),
      update(other!, 'late', 1),
      update({ ...stranger!, secretHash: newHash() }, 'forged'),
      update(ended!, 'ended'),
      update(over!, 'over'),
      update(span!, '', 1, 5000),
      update(none!, null, 1),
      update(rotated!, 'previous', 1),
      update(late!, 'late', 1),
      update(draft(), 'absent', 1),
      update(any!, 'no version', 0),
      update(draft({ idleMs: 1e15 }), 'absent', 1, 1e15),
    ])
    expect(
      results.map((result) => (result.ok ? result.expiresAtMs - result.nowMs : result)),
    ).toEqual([
      60_000,
      60_000,
      CONFLICT,
      GONE,
      GONE,
      GONE,
      5000,
      60_000,
      60_000,
      GONE,
      GONE,
      CONFLICT,
      GONE,
    ])
    const read = await Promise.all(records.map(async (record) => store.read(record.recordId)))
    expect(read.map((record) => record && [record.value, record.version])).toEqual([
      ['any', 2],
      ['at', 2],
      ['second', 2],
      ['first', 1],
      undefined,
      undefined,
      ['', 2],
      [null, 2],
      ['previous', 2],
      ['first', 1],
    ])
    expect(results.map((result) => result.ok && result.expiresAtMs)).toEqual(
      read.map((record, at) => results[at]!.ok && record!.expiresAtMs).concat(false, false, false),
    )
    expect(read[6]?.idleMs).toBe(5000)
    const absent = [draft(), draft()].map((record) => set(store, record, 'absent'))
    expect(await Promise.all(absent)).toEqual([GONE, GONE])
  })

  it('never pass the deadline', async () => {
    const store = await openStore(pool)
    const records = [await created(store, { absoluteMs: 70_000 }), await created(store)]
    await Promise.all(
      records.map(async ({ recordId, secretHash }) =>
        store.update(recordId, secretHash, { value: 'new', idleMs: 80_000 }, 1),
      ),
    )
    const [one, two] = await Promise.all(records.map(({ recordId }) => readLive(store, recordId)))
    expect(one).toMatchObject({ value: 'new', idleMs: 80_000, expiresAtMs: one!.deadlineMs })
    expect(two!.expiresAtMs).toBeLessThan(two!.deadlineMs)
  })

  it('are all written that are of one record, or one of those at its version', async () => {
    const store = await openStore(pool)
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
    const store = await openStore(pool)
    const [one, two] = await createdMany(store, 2)
    const held = await created(store, { idleMs: 900 })
    const end = await begin(`SELECT id FROM ${store.table} WHERE id = ? FOR UPDATE`, [
      held.recordId,
    ])
    const writes = [one!, held, two!].map((record) => set(store, record, 'new'))
    try {
      expect(await Promise.all([writes[0], writes[2]])).toMatchObject([DONE, DONE])
      await waiting(store.table)
      while (await store.read(held.recordId)) await new Promise((done) => setTimeout(done, 50))
    } finally {
      await end()
    }
    expect(await writes[1]).toEqual(GONE)
    expect(await store.read(held.recordId)).toBeUndefined()
  })

  it.each([
    ['a constraint', `ALTER TABLE {table} ADD CHECK (value <> 'bad')`],
    [
      'a trigger',
      `CREATE TRIGGER {table}_refuse BEFORE UPDATE ON {table} FOR EACH ROW
      IF NEW.value = 'bad' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bad'; END IF`,
    ],
  ])('do not fail for one that %s of the application’s refuses', async (_, sql) => {
    const store = await openStore(pool)
    const records = await createdMany(store, 3)
    await locking.query(sql.replaceAll('{table}', store.table))
    const writes = records.map((record, at) => set(store, record, at === 1 ? 'bad' : 'good'))
    const results = await Promise.allSettled(writes)
    expect(results).toMatchObject([{ value: DONE }, { status: 'rejected' }, { value: DONE }])
  })

  it('all fail where nobody knows what has been done, and leave nothing written or locked', async () => {
    const store = await openStore(pool)
    const records = await createdMany(store, 2)
    await locking.query(`CREATE TRIGGER ${store.table}_stop AFTER UPDATE ON ${store.table} FOR EACH ROW
      IF NEW.value = 'stop' THEN DO GET_LOCK('${store.table}', 10); END IF`)
    const end = await begin(`DO GET_LOCK('${store.table}', 0)`)
    const writes = Promise.allSettled(records.map((record) => set(store, record, 'stop')))
    await locking.query(`KILL QUERY ${await waiting(store.table)}`)
    expect(await writes).toMatchObject(records.map(() => ({ reason: { errno: 1317 } })))
    await end(`DO RELEASE_ALL_LOCKS()`)
    for (const record of records) expect(await set(store, record, 'new')).toMatchObject(DONE)
  })
})
