import assert from 'node:assert/strict'
import type { Store } from '../../core/store.ts'
import type { CaseTable } from '../contract-case.ts'
import { created, draft, newHash, readLive } from './draft.ts'

const GONE = { ok: false, reason: 'gone' }
const CONFLICT = { ok: false, reason: 'conflict' }

/** Changing the value and the expiry. */
export const updateCases: CaseTable<Store> = {
  'update changes the value and adds one to the version': async (store) => {
    const { recordId, secretHash } = await created(store)
    const result = await store.update(recordId, secretHash, { value: 'second' }, 1)
    assert.ok(result.ok)
    assert.equal(result.version, 2)
    const read = await readLive(store, recordId)
    assert.deepEqual([read.value, read.version], ['second', 2])
    assert.equal(read.expiresAtMs, result.expiresAtMs)
  },

  'update without a version changes a live record at any version': async (store) => {
    const { recordId, secretHash } = await created(store)
    await store.update(recordId, secretHash, { value: 'second' })
    const result = await store.update(recordId, secretHash, { value: 'third' })
    assert.ok(result.ok)
    assert.equal((await readLive(store, recordId)).value, 'third')
  },

  // The barrier between load and commit: all have read version 1 before the first of them writes.
  'of updates at one version exactly one wins and the others conflict': async (store) => {
    const { recordId, secretHash } = await created(store)
    const values = Array.from({ length: 8 }, (_, index) => `writer ${index}`)
    const results = await Promise.all(
      values.map(async (value) => store.update(recordId, secretHash, { value }, 1)),
    )
    assert.equal(results.filter(({ ok }) => ok).length, 1)
    const losers = results.filter(({ ok }) => !ok)
    for (const loser of losers) assert.deepEqual(loser, CONFLICT)
    const winner = values[results.findIndex(({ ok }) => ok)]
    assert.equal((await readLive(store, recordId)).value, winner)
    assert.deepEqual(await store.update(recordId, secretHash, { value: 'late' }, 1), CONFLICT)
    assert.equal((await readLive(store, recordId)).value, winner)
  },

  'update of the expiry alone keeps value and version': async (store) => {
    const { recordId, secretHash } = await created(store)
    const result = await store.update(recordId, secretHash, { idleMs: 30_000 })
    assert.ok(result.ok)
    assert.equal(result.version, 1)
    const read = await readLive(store, recordId)
    assert.deepEqual([read.value, read.version], ['first', 1])
  },

  'update with an idle span makes it the record’s own': async (store) => {
    const { recordId, secretHash } = await created(store)
    const result = await store.update(recordId, secretHash, { value: 'second', idleMs: 30_000 })
    assert.ok(result.ok)
    assert.equal(result.expiresAtMs, result.nowMs + 30_000)
    assert.equal((await readLive(store, recordId)).idleMs, 30_000)
  },

  'update without an idle span starts the record’s own anew': {
    exact: async (store, { advance }) => {
      const { recordId, secretHash } = await created(store, { idleMs: 7000 })
      await advance(3)
      const result = await store.update(recordId, secretHash, { value: 'second' })
      assert.ok(result.ok)
      assert.equal(result.expiresAtMs, result.nowMs + 7000)
      assert.equal((await readLive(store, recordId)).idleMs, 7000)
    },
  },

  'update with an idle span of 0 or less ends the record': async (store) => {
    for (const idleMs of [0, -1000]) {
      const { recordId, secretHash } = await created(store)
      await store.update(recordId, secretHash, { idleMs })
      assert.deepEqual(await store.update(recordId, secretHash, { value: 'late' }), GONE)
    }
  },

  'update keeps the expiry within the absolute deadline': async (store) => {
    const { recordId, secretHash } = await created(store, { absoluteMs: 90_000 })
    const { deadlineMs } = await readLive(store, recordId)
    const result = await store.update(recordId, secretHash, { value: 'second', idleMs: 500_000 })
    assert.ok(result.ok)
    assert.equal(result.expiresAtMs, deadlineMs)
    assert.equal((await readLive(store, recordId)).deadlineMs, deadlineMs)
  },

  'update of an unknown id is gone and creates nothing': async (store) => {
    const { recordId, secretHash } = draft()
    assert.deepEqual(await store.update(recordId, secretHash, { value: 'new' }), GONE)
    assert.deepEqual(await store.update(recordId, secretHash, { value: 'new' }, 1), GONE)
    assert.equal(await store.read(recordId), undefined)
  },

  'update of an expired record is gone and does not revive it': async (store, { advance }) => {
    const { recordId, secretHash } = await created(store, { idleMs: 1000 })
    await advance(1)
    assert.deepEqual(await store.update(recordId, secretHash, { value: 'late' }), GONE)
    assert.deepEqual(await store.update(recordId, secretHash, { idleMs: 60_000 }, 1), GONE)
  },

  'update with a secret that was never good is gone and changes nothing': async (store) => {
    const { recordId, secretHash } = await created(store)
    assert.deepEqual(await store.update(recordId, newHash(), { value: 'forged' }, 1), GONE)
    const read = await readLive(store, recordId)
    assert.deepEqual([read.value, read.security.secretHash], ['first', secretHash])
  },

  // Logout against save, at once: whichever comes first, the record is dead.
  'a delete beats the updates under way': async (store) => {
    for (let round = 0; round < 8; round++) {
      const { recordId, secretHash } = await created(store)
      const save = async (value: string) => store.update(recordId, secretHash, { value })
      const { expiresAtMs } = await readLive(store, recordId)
      await Promise.all([
        save('a'),
        store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 1000),
        store.updateSecurity(recordId, { labels: 'beside it' }, 1),
        store.delete(recordId),
        save('b'),
        store.updateSecurity(recordId, { labels: 'after it' }, 2),
      ])
      assert.equal(await store.read(recordId), undefined)
    }
  },

  'touch moves the expiry and nothing else': async (store) => {
    const { recordId, secretHash } = await created(store)
    const { nowMs: _then, ...before } = await readLive(store, recordId)
    const toMs = before.expiresAtMs + 5000
    assert.equal(await store.touch(recordId, secretHash, before.expiresAtMs, toMs), true)
    const { nowMs: _now, ...after } = await readLive(store, recordId)
    assert.deepEqual(after, { ...before, expiresAtMs: toMs })
  },

  'touch leaves an expiry alone that has moved since it was read': async (store) => {
    const { recordId, secretHash } = await created(store)
    const { expiresAtMs } = await readLive(store, recordId)
    await store.update(recordId, secretHash, { idleMs: 5000 })
    const moved = (await readLive(store, recordId)).expiresAtMs
    assert.equal(await store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 9000), false)
    assert.equal((await readLive(store, recordId)).expiresAtMs, moved)
  },

  'touch keeps the expiry within the absolute deadline': async (store) => {
    const { recordId, secretHash } = await created(store, { absoluteMs: 70_000 })
    const { expiresAtMs, deadlineMs } = await readLive(store, recordId)
    await store.touch(recordId, secretHash, expiresAtMs, deadlineMs + 60_000)
    assert.equal((await readLive(store, recordId)).expiresAtMs, deadlineMs)
  },

  'touch with a secret that was never good moves nothing': async (store) => {
    const { recordId } = await created(store)
    const { expiresAtMs } = await readLive(store, recordId)
    assert.equal(await store.touch(recordId, newHash(), expiresAtMs, expiresAtMs + 5000), false)
    assert.equal((await readLive(store, recordId)).expiresAtMs, expiresAtMs)
  },

  'touch of an expired record is false and does not revive it': async (store, { advance }) => {
    const { recordId, secretHash } = await created(store, { idleMs: 4000 })
    const { expiresAtMs } = await readLive(store, recordId)
    await advance(4)
    assert.equal(await store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 60_000), false)
  },
}
