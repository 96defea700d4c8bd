import assert from 'node:assert/strict'
import type { Store, StoredRecord } from '../../core/store.ts'
import type { CaseTable } from '../contract-case.ts'
import { created, draft, newHash, readLive } from './draft.ts'

const AWKWARD = [
  ' ',
  '-',
  '+x',
  ' both ends ',
  'a\nb\r\n',
  'nul \0 inside',
  '\0',
  '😀 é ﷽',
  '"\'`\\%_',
]

async function unsweptCount(store: Store, calls: number, limit: number): Promise<number> {
  let removed = 0
  for (let call = 0; call < calls; call++) {
    const count = await store.sweep(limit)
    assert.ok(count <= limit, `one sweep removes at most its limit of ${limit}`)
    removed += count
  }
  return removed
}

/** Creating, reading, deleting, sweeping. */
export const recordCases: CaseTable<Store> = {
  'create then read gives the record back': async (store) => {
    const record = draft({ subject: 'ann', authenticated: true, labels: '{"a":1}', extra: 'more' })
    const result = await store.create(record)
    assert.ok(result.ok)
    const { nowMs, ...read } = await readLive(store, record.recordId)
    const expected: Omit<StoredRecord, 'nowMs'> = {
      recordId: record.recordId,
      value: 'first',
      version: 1,
      idleMs: 60_000,
      createdAtMs: result.createdAtMs,
      expiresAtMs: result.expiresAtMs,
      deadlineMs: result.createdAtMs + 600_000,
      security: {
        secretHash: record.secretHash,
        previousHash: null,
        previousUntilMs: null,
        subject: 'ann',
        authenticatedAtMs: result.createdAtMs,
        labels: '{"a":1}',
        extra: 'more',
      },
      securityVersion: 1,
    }
    assert.deepEqual(read, expected)
    assert.equal(result.expiresAtMs, result.createdAtMs + 60_000)
    assert.ok(nowMs >= result.createdAtMs && nowMs < result.expiresAtMs, 'read tells the clock')
  },

  'create takes an id once, and the losers change nothing': async (store) => {
    const record = await created(store)
    const again = draft({ recordId: record.recordId, value: 'other' })
    assert.deepEqual(await store.create(again), { ok: false, reason: 'exists' })
    const read = await readLive(store, record.recordId)
    assert.deepEqual([read.value, read.security.secretHash], ['first', record.secretHash])
    const { recordId } = draft()
    const drafts = Array.from({ length: 8 }, (_, index) => draft({ recordId, value: `${index}` }))
    const results = await Promise.all(drafts.map(async (each) => store.create(each)))
    assert.equal(results.filter(({ ok }) => ok).length, 1)
    const winner = drafts[results.findIndex(({ ok }) => ok)]
    assert.equal((await readLive(store, recordId)).value, winner?.value)
  },

  'read of an unknown id is undefined': async (store) => {
    await created(store)
    assert.equal(await store.read(draft().recordId), undefined)
  },

  'values of any characters come back the same': async (store) => {
    for (const value of AWKWARD) {
      const { recordId, secretHash } = await created(store, { value })
      assert.equal((await readLive(store, recordId)).value, value)
      await store.update(recordId, secretHash, { value: `${value}${value}` })
      assert.equal((await readLive(store, recordId)).value, `${value}${value}`)
    }
  },

  'a value of one mebibyte comes back the same': async (store) => {
    const value = 'x€'.repeat(262_144)
    const { recordId } = await created(store, { value })
    assert.ok((await readLive(store, recordId)).value === value)
  },

  'an empty value and null are two things': async (store) => {
    const { recordId, secretHash } = await created(store, { value: null })
    assert.equal((await readLive(store, recordId)).value, null)
    await store.update(recordId, secretHash, { value: '' })
    assert.equal((await readLive(store, recordId)).value, '')
    await store.update(recordId, secretHash, { value: null })
    assert.equal((await readLive(store, recordId)).value, null)
    const empty = await created(store, { value: '' })
    assert.equal((await readLive(store, empty.recordId)).value, '')
  },

  'subject, labels and extra of any characters come back the same': async (store) => {
    for (const text of AWKWARD) {
      const { recordId } = await created(store, { subject: text, labels: text, extra: text })
      const { security } = await readLive(store, recordId)
      assert.deepEqual([security.subject, security.labels, security.extra], [text, text, text])
    }
  },

  'a record is gone from the very moment of its expiry': async (store, { advance }) => {
    const { recordId } = await created(store, { idleMs: 1000 })
    const read = await readLive(store, recordId)
    assert.ok(read.nowMs < read.expiresAtMs)
    await advance(1)
    assert.equal(await store.read(recordId), undefined)
  },

  'a record is live until just before its expiry': {
    exact: async (store, { advance }) => {
      const { recordId } = await created(store, { idleMs: 1000 })
      await advance(0.999)
      await readLive(store, recordId)
    },
  },

  'create keeps the expiry within the absolute deadline': async (store) => {
    const record = draft({ idleMs: 60_000, absoluteMs: 5000 })
    const result = await store.create(record)
    assert.ok(result.ok)
    assert.equal(result.expiresAtMs, result.createdAtMs + 5000)
    const read = await readLive(store, record.recordId)
    assert.equal(read.expiresAtMs, result.createdAtMs + 5000)
    assert.equal(read.idleMs, 60_000)
  },

  'delete ends a record, once': async (store) => {
    const { recordId, secretHash } = await created(store)
    assert.equal(await store.delete(recordId), true)
    assert.equal(await store.delete(recordId), false)
    assert.equal(await store.read(recordId), undefined)
    const late = await store.update(recordId, secretHash, { value: 'late' })
    assert.deepEqual(late, { ok: false, reason: 'gone' })
    assert.equal(await store.touch(recordId, secretHash, 0, Date.now() + 60_000), false)
  },

  'delete of an expired record is false': async (store, { advance }) => {
    const { recordId } = await created(store, { idleMs: 1000 })
    await advance(1)
    assert.equal(await store.delete(recordId), false)
  },

  'delete with a secret takes the current or the previous one, past its grace too': async (
    store,
  ) => {
    const { recordId, secretHash } = await created(store)
    assert.equal(await store.delete(recordId, newHash()), false)
    await readLive(store, recordId)
    const previous = { hash: secretHash, graceMs: 0 }
    await store.updateSecurity(recordId, { secretHash: newHash(), previous }, 1)
    assert.equal(await store.delete(recordId, secretHash), true)
    const other = await created(store)
    assert.equal(await store.delete(other.recordId, other.secretHash), true)
  },

  'delete leaves the neighbours alone': async (store) => {
    const records = [await created(store), await created(store), await created(store)]
    await store.delete(records[1]!.recordId)
    await readLive(store, records[0]!.recordId)
    await readLive(store, records[2]!.recordId)
  },

  'deleteAll ends every record and counts the live ones': async (store, { advance }) => {
    await created(store, { idleMs: 1000 })
    await advance(1)
    const { recordId } = await created(store, { subject: 'ann' })
    await created(store)
    assert.equal(await store.deleteAll(), 2)
    assert.equal(await store.read(recordId), undefined)
    assert.deepEqual(await store.list('ann'), [])
    assert.equal(await store.deleteAll(), 0)
  },

  'sweep removes expired records in bounded steps and spares live ones': async (
    store,
    { advance },
  ) => {
    for (let index = 0; index < 7; index++) await created(store, { idleMs: 1000 })
    const live = [await created(store), await created(store, { subject: 'ann' })]
    await advance(1)
    const removed = await unsweptCount(store, 9, 3)
    assert.ok(removed <= 7, 'sweep counts expired records only')
    assert.equal(await unsweptCount(store, 9, 3), 0)
    for (const { recordId } of live) await readLive(store, recordId)
    assert.equal((await store.list('ann')).length, 1)
  },

  // Some engines sweep a while after the end, so this takes an hour.
  'repeated sweeps reach every expired record, whose id is then free': {
    exact: async (store, { advance }) => {
      const records = Array.from({ length: 7 }, () => draft({ idleMs: 1000 }))
      for (const record of records) await store.create(record)
      await advance(3600)
      for (let call = 0; call < 9; call++) await store.sweep(3)
      for (const record of records) assert.equal((await store.create(record)).ok, true)
    },
  },
}
