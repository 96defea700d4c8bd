import assert from 'node:assert/strict'
import type { SecretHash } from '../../core/key.ts'
import type { Store } from '../../core/store.ts'
import type { CaseTable } from '../contract-case.ts'
import { created, draft, newHash, readLive } from './draft.ts'

const GONE = { ok: false, reason: 'gone' }
const CONFLICT = { ok: false, reason: 'conflict' }

/** Changing who may use a record. */
export const securityCases: CaseTable<Store> = {
  'updateSecurity changes what it names and leaves the rest': async (store) => {
    const { recordId, secretHash } = await created(store, { labels: 'old', extra: 'kept' })
    const { nowMs: _then, ...before } = await readLive(store, recordId)
    const next = newHash()
    const change = {
      secretHash: next,
      previous: { hash: secretHash, graceMs: null },
      labels: 'new',
    }
    const result = await store.updateSecurity(recordId, change, 1)
    assert.ok(result.ok)
    const { nowMs, expiresAtMs, ...rest } = result
    assert.deepEqual(rest, { ok: true, securityVersion: 2, authenticatedAtMs: null })
    assert.deepEqual([expiresAtMs, nowMs < expiresAtMs], [before.expiresAtMs, true])
    const { nowMs: _now, ...after } = await readLive(store, recordId)
    const security = {
      ...before.security,
      secretHash: next,
      previousHash: secretHash,
      previousUntilMs: null,
      labels: 'new',
    }
    assert.deepEqual(after, { ...before, security, securityVersion: 2 })
  },

  'updateSecurity can take labels, extra, subject and the previous secret away': async (store) => {
    const { recordId, secretHash } = await created(store, { labels: 'l', extra: 'e', subject: 's' })
    const previous = { hash: secretHash, graceMs: 1000 }
    await store.updateSecurity(recordId, { secretHash: newHash(), previous }, 1)
    const change = { labels: null, extra: null, subject: null, previous: null }
    await store.updateSecurity(recordId, change, 2)
    const { security } = await readLive(store, recordId)
    const { labels, extra, subject, previousHash, previousUntilMs } = security
    assert.deepEqual([labels, extra, subject, previousHash, previousUntilMs], Array(5).fill(null))
  },

  'of changes at one securityVersion exactly one wins and the others conflict': async (store) => {
    const { recordId } = await created(store)
    const labels = Array.from({ length: 8 }, (_, index) => `writer ${index}`)
    const results = await Promise.all(
      labels.map(async (label) => store.updateSecurity(recordId, { labels: label }, 1)),
    )
    assert.equal(results.filter(({ ok }) => ok).length, 1)
    for (const loser of results.filter(({ ok }) => !ok)) assert.deepEqual(loser, CONFLICT)
    const winner = labels[results.findIndex(({ ok }) => ok)]
    assert.equal((await readLive(store, recordId)).security.labels, winner)
    assert.deepEqual(await store.updateSecurity(recordId, { labels: 'late' }, 1), CONFLICT)
  },

  'updateSecurity of an unknown id is gone and creates nothing': async (store) => {
    const { recordId } = draft()
    assert.deepEqual(await store.updateSecurity(recordId, { labels: 'new' }, 1), GONE)
    assert.equal(await store.read(recordId), undefined)
  },

  'updateSecurity of an expired record is gone and does not revive it': async (
    store,
    { advance },
  ) => {
    const { recordId } = await created(store, { idleMs: 1000 })
    await advance(1)
    const authenticated = { absoluteMs: 600_000 }
    assert.deepEqual(await store.updateSecurity(recordId, { authenticated }, 1), GONE)
  },

  'a rotation without grace ends the old secret’s writes at once': async (store) => {
    const { recordId, secretHash } = await created(store)
    const next = newHash()
    const previous = { hash: secretHash, graceMs: 0 }
    await store.updateSecurity(recordId, { secretHash: next, previous }, 1)
    // Not the moment of the rotation: a clock that is set back would make the old secret good again.
    assert.equal((await readLive(store, recordId)).security.previousUntilMs, 0)
    assert.deepEqual(await store.update(recordId, secretHash, { value: 'late' }), GONE)
    assert.ok((await store.update(recordId, next, { value: 'on time' })).ok)
    assert.equal((await readLive(store, recordId)).value, 'on time')
  },

  'the previous secret may write while its grace lasts': async (store) => {
    for (const graceMs of [60_000, null]) {
      const { recordId, secretHash } = await created(store)
      const previous = { hash: secretHash, graceMs }
      await store.updateSecurity(recordId, { secretHash: newHash(), previous }, 1)
      assert.ok((await store.update(recordId, secretHash, { value: 'in time' })).ok)
      const { expiresAtMs } = await readLive(store, recordId)
      assert.ok(await store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 1000))
    }
  },

  'the previous secret may not write once its grace has ended': async (store, { advance }) => {
    const { recordId, secretHash } = await created(store)
    const previous = { hash: secretHash, graceMs: 1000 }
    await store.updateSecurity(recordId, { secretHash: newHash(), previous }, 1)
    await advance(1)
    assert.deepEqual(await store.update(recordId, secretHash, { value: 'late' }), GONE)
    const { expiresAtMs } = await readLive(store, recordId)
    assert.equal(await store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 1000), false)
  },

  'a grace until further notice can be given an end in its place': async (store, { advance }) => {
    const { recordId, secretHash } = await created(store)
    const next = newHash()
    const graceFor = (graceMs: number | null) => ({ previous: { hash: secretHash, graceMs } })
    await store.updateSecurity(recordId, { secretHash: next, ...graceFor(null), extra: 'e' }, 1)
    const { security: before } = await readLive(store, recordId)
    const given = await store.updateSecurity(recordId, { ...graceFor(60_000), extra: null }, 2)
    assert.ok(given.ok)
    const { security, securityVersion } = await readLive(store, recordId)
    const previousUntilMs = given.nowMs + 60_000
    assert.deepEqual([security, securityVersion], [{ ...before, previousUntilMs, extra: null }, 3])
    assert.ok((await store.update(recordId, secretHash, { value: 'in time' })).ok)
    assert.ok((await store.updateSecurity(recordId, graceFor(1000), 3)).ok)
    await advance(1)
    assert.deepEqual(await store.update(recordId, secretHash, { value: 'late' }), GONE)
    assert.ok((await store.update(recordId, next, { value: 'as before' })).ok)
  },

  'a second rotation takes the place of the first': async (store) => {
    const { recordId, secretHash } = await created(store)
    const [second, third] = [newHash(), newHash()]
    const rotate = async (from: SecretHash, to: SecretHash, securityVersion: number) =>
      store.updateSecurity(
        recordId,
        { secretHash: to, previous: { hash: from, graceMs: null } },
        securityVersion,
      )
    await rotate(secretHash, second, 1)
    await rotate(second, third, 2)
    const { security } = await readLive(store, recordId)
    assert.deepEqual([security.secretHash, security.previousHash], [third, second])
    assert.ok((await store.update(recordId, second, { value: 'in time' })).ok)
  },

  'authenticated anchors deadline and expiry anew': {
    exact: async (store, { advance }) => {
      const { recordId } = await created(store, { idleMs: 60_000, absoluteMs: 65_000 })
      await advance(10)
      const change = { authenticated: { absoluteMs: 600_000 } }
      const result = await store.updateSecurity(recordId, change, 1)
      assert.ok(result.ok)
      const { nowMs } = result
      assert.deepEqual([result.authenticatedAtMs, result.expiresAtMs], [nowMs, nowMs + 60_000])
      const read = await readLive(store, recordId)
      assert.deepEqual([read.deadlineMs, read.expiresAtMs], [nowMs + 600_000, nowMs + 60_000])
      assert.equal(read.security.authenticatedAtMs, nowMs)
    },
  },

  'authenticated keeps the expiry within the new deadline': async (store) => {
    const { recordId } = await created(store)
    const change = { authenticated: { absoluteMs: 5000 } }
    const result = await store.updateSecurity(recordId, change, 1)
    assert.ok(result.ok)
    assert.equal(result.expiresAtMs, result.nowMs + 5000)
  },

  'a change of the value undoes nothing in the security part': async (store) => {
    const { recordId, secretHash } = await created(store, { subject: 'ann' })
    const change = { secretHash: newHash(), previous: { hash: secretHash, graceMs: null } }
    const write = async (value: string) => store.update(recordId, secretHash, { value })
    const [, rotated] = await Promise.all([
      write('beside it'),
      store.updateSecurity(recordId, change, 1),
    ])
    assert.ok(rotated.ok)
    await write('last')
    const { security, securityVersion, value } = await readLive(store, recordId)
    assert.deepEqual([security.secretHash, securityVersion, value], [change.secretHash, 2, 'last'])
  },

  'a change of the security part undoes nothing in the value part': async (store) => {
    for (let round = 0; round < 8; round++) {
      const { recordId, secretHash } = await created(store)
      const change = async () => store.updateSecurity(recordId, { labels: 'beside it' }, 1)
      const write = async () => store.update(recordId, secretHash, { value: 'kept' })
      await Promise.all(round % 2 === 0 ? [change(), write()] : [write(), change()])
      const { value, version, security } = await readLive(store, recordId)
      assert.equal(value, 'kept')
      assert.notEqual(version, 1)
      assert.equal(security.labels, 'beside it')
    }
  },
}
