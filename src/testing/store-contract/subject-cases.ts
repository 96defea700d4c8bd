import assert from 'node:assert/strict'
import type { Handle } from '../../core/key.ts'
import type { Store } from '../../core/store.ts'
import type { CaseTable } from '../contract-case.ts'
import { created, draft, newHash, readLive } from './draft.ts'

const LIMIT = { ok: false, reason: 'limit' }

async function listed(store: Store, subject: string): Promise<Handle[]> {
  return (await store.list(subject)).map(({ recordId }) => recordId)
}

/** Records of one subject, and bounds on them. */
export const subjectCases: CaseTable<Store> = {
  'list gives what is known of a subject’s records, oldest first': async (store, { advance }) => {
    const first = await created(store, { subject: 'ann', labels: 'one', authenticated: true })
    await created(store, { subject: 'bob' })
    await created(store)
    await advance(0.01)
    const second = await created(store, { subject: 'ann', idleMs: 30_000 })
    assert.deepEqual(await listed(store, 'ann'), [first.recordId, second.recordId])
    const [record] = await store.list('ann')
    const { createdAtMs, expiresAtMs, deadlineMs } = await readLive(store, first.recordId)
    assert.deepEqual(
      { ...record },
      {
        recordId: first.recordId,
        idleMs: 60_000,
        createdAtMs,
        expiresAtMs,
        deadlineMs,
        authenticatedAtMs: createdAtMs,
        labels: 'one',
      },
    )
    assert.deepEqual(await listed(store, 'nobody'), [])
  },

  'subjects that look alike stay apart': async (store) => {
    const subjects = ['ann', 'Ann', 'ánn', 'ann ', 'a_n', 'a%', 'a*', 'ann:1', "a'n"]
    for (const subject of subjects) await created(store, { subject })
    for (const subject of subjects) assert.equal((await store.list(subject)).length, 1)
  },

  'list leaves out the expired': async (store, { advance }) => {
    await created(store, { subject: 'ann', idleMs: 1000 })
    await advance(1)
    assert.deepEqual(await listed(store, 'ann'), [])
  },

  'list leaves out the deleted': async (store) => {
    const { recordId } = await created(store, { subject: 'ann' })
    await store.delete(recordId)
    assert.deepEqual(await listed(store, 'ann'), [])
  },

  'list and deleteSubject know a record for as long as it lives': async (store, { advance }) => {
    await created(store, { subject: 'ann', idleMs: 1000 })
    const longer = await created(store, { subject: 'ann' })
    // Later than was known when it became the subject's.
    const extended = await created(store, { subject: 'bob', idleMs: 1000 })
    await store.update(extended.recordId, extended.secretHash, { idleMs: 60_000 })
    await advance(1)
    assert.ok((await listed(store, 'ann')).includes(longer.recordId), 'it is in the list')
    assert.ok((await listed(store, 'bob')).includes(extended.recordId), 'it is in the list')
    for (const subject of ['ann', 'bob']) await store.deleteSubject(subject)
    for (const { recordId } of [longer, extended]) {
      assert.equal(await store.read(recordId), undefined)
    }
  },

  'a change of subject moves the record from one list to the other': async (store) => {
    const { recordId } = await created(store, { subject: 'ann' })
    const guest = await created(store)
    await store.updateSecurity(recordId, { subject: 'bob' }, 1)
    await store.updateSecurity(guest.recordId, { subject: 'bob' }, 1)
    assert.deepEqual(await listed(store, 'ann'), [])
    assert.deepEqual(new Set(await listed(store, 'bob')), new Set([recordId, guest.recordId]))
    await store.updateSecurity(recordId, { subject: null }, 2)
    assert.deepEqual(await listed(store, 'bob'), [guest.recordId])
  },

  'deleteSubject ends the subject’s records, counts the live ones and spares all others': async (
    store,
    { advance },
  ) => {
    await created(store, { subject: 'ann', idleMs: 1000 })
    await advance(1)
    const own = [await created(store, { subject: 'ann' }), await created(store, { subject: 'ann' })]
    const others = [await created(store, { subject: 'bob' }), await created(store)]
    assert.equal(await store.deleteSubject('ann'), 2)
    for (const { recordId } of own) assert.equal(await store.read(recordId), undefined)
    for (const { recordId } of others) await readLive(store, recordId)
    assert.equal(await store.deleteSubject('ann'), 0)
  },

  'deleteSubject spares the one record it is told to': async (store) => {
    const kept = await created(store, { subject: 'ann' })
    const ended = await created(store, { subject: 'ann' })
    assert.equal(await store.deleteSubject('ann', kept.recordId), 1)
    await readLive(store, kept.recordId)
    assert.equal(await store.read(ended.recordId), undefined)
  },

  'deleteSubject ends a record that was bound before it': async (store) => {
    const { recordId, secretHash } = await created(store)
    const change = { subject: 'ann', secretHash: newHash() }
    const bound = await store.updateSecurity(recordId, change, 1)
    assert.ok(bound.ok)
    await store.deleteSubject('ann')
    for (const hash of [secretHash, change.secretHash]) {
      const late = await store.update(recordId, hash, { value: 'late' })
      assert.deepEqual(late, { ok: false, reason: 'gone' })
    }
  },

  'deleteSubject ends a record in the middle of a rotation': async (store) => {
    for (let round = 0; round < 8; round++) {
      const { recordId } = await created(store, { subject: 'ann' })
      const rotate = async () => store.updateSecurity(recordId, { secretHash: newHash() }, 1)
      const [rotated] = await Promise.all([rotate(), store.deleteSubject('ann')])
      if (!rotated.ok) assert.equal(rotated.reason, 'gone')
      assert.equal(await store.read(recordId), undefined)
    }
  },

  'maxPerSubject refuses a record too many and changes nothing': async (store) => {
    const limit = { maxPerSubject: 2 }
    const own = [await created(store, { subject: 'ann' }), await created(store, { subject: 'ann' })]
    const surplus = draft({ subject: 'ann' })
    assert.deepEqual(await store.create(surplus, limit), LIMIT)
    assert.equal(await store.read(surplus.recordId), undefined)
    const others = [draft({ subject: 'bob' }), draft()]
    for (const record of others) assert.ok((await store.create(record, limit)).ok)
    for (const { recordId } of own) await readLive(store, recordId)
  },

  'maxPerSubject counts live records only': async (store, { advance }) => {
    await created(store, { subject: 'ann', idleMs: 1000 })
    await advance(1)
    assert.ok((await store.create(draft({ subject: 'ann' }), { maxPerSubject: 1 })).ok)
  },

  'maxPerSubject can evict the oldest instead': async (store, { advance }) => {
    const limit = { maxPerSubject: 2, atLimit: 'evict_oldest' } as const
    const oldest = await created(store, { subject: 'ann' })
    await advance(0.01)
    const older = await created(store, { subject: 'ann' })
    await advance(0.01)
    const newest = draft({ subject: 'ann' })
    assert.ok((await store.create(newest, limit)).ok)
    assert.equal(await store.read(oldest.recordId), undefined)
    const left = new Set(await listed(store, 'ann'))
    assert.deepEqual(left, new Set([older.recordId, newest.recordId]))
  },

  'maxPerSubject bounds a change of subject too': async (store) => {
    const own = await created(store, { subject: 'ann' })
    const guest = await created(store)
    const refuse = { maxPerSubject: 1 }
    assert.deepEqual(
      await store.updateSecurity(guest.recordId, { subject: 'ann' }, 1, refuse),
      LIMIT,
    )
    assert.equal((await readLive(store, guest.recordId)).securityVersion, 1)
    assert.ok((await store.updateSecurity(own.recordId, { subject: 'ann' }, 1, refuse)).ok)
    const evict = { maxPerSubject: 1, atLimit: 'evict_oldest' } as const
    assert.ok((await store.updateSecurity(guest.recordId, { subject: 'ann' }, 1, evict)).ok)
    assert.deepEqual(await listed(store, 'ann'), [guest.recordId])
  },

  'maxPerSubject holds against creates at once': async (store) => {
    const drafts = Array.from({ length: 8 }, () => draft({ subject: 'ann' }))
    const results = await Promise.all(
      drafts.map(async (record) => store.create(record, { maxPerSubject: 3 })),
    )
    assert.equal(results.filter(({ ok }) => ok).length, 3)
    assert.equal((await store.list('ann')).length, 3)
  },

  'maxPerSubject holds against changes of subject at once': async (store) => {
    const guests = await Promise.all(Array.from({ length: 8 }, async () => created(store)))
    const bind = async ({ recordId }: { readonly recordId: Handle }) =>
      store.updateSecurity(recordId, { subject: 'ann' }, 1, { maxPerSubject: 3 })
    const results = await Promise.all(guests.map(bind))
    assert.equal(results.filter(({ ok }) => ok).length, 3)
    for (const loser of results.filter(({ ok }) => !ok)) assert.deepEqual(loser, LIMIT)
    assert.equal((await store.list('ann')).length, 3)
  },
}
