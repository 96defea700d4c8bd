import { describe, expect, it } from 'vitest'
import { created, draft, newHash } from '../../src/testing/store-contract/draft.ts'
import type { Handle, SecretHash } from '../../src/core/key.ts'
import type { MysqlStore } from '../../src/backends/mysql/store.ts'
import { begin, locking, waiting, whileHeld } from './mysql/locks.ts'
import { DRIVER_NAMES, open, openStore } from './mysql/open.ts'

const GONE = { ok: false, reason: 'gone' }
const CONFLICT = { ok: false, reason: 'conflict' }

type Change = (store: MysqlStore, id: Handle, hash: SecretHash) => Promise<unknown>

// Each with what it says of a record that has ended.
const CHANGES: Readonly<Record<string, readonly [Change, unknown]>> = {
  'an update at a version': [
    async (store, id, hash) => store.update(id, hash, { value: 'late', idleMs: 60_000 }, 1),
    GONE,
  ],
  'an update at a version, of the expiry': [
    async (store, id, hash) => store.update(id, hash, { idleMs: 60_000 }, 1),
    GONE,
  ],
  'an update at any version': [
    async (store, id, hash) => store.update(id, hash, { value: 'late', idleMs: 60_000 }),
    GONE,
  ],
  'a change of the security part': [
    async (store, id) => store.updateSecurity(id, { authenticated: { absoluteMs: 60_000 } }, 1),
    GONE,
  ],
  'a change of subject': [
    async (store, id) => store.updateSecurity(id, { subject: 'ann' }, 1, { maxPerSubject: 1 }),
    GONE,
  ],
  'a delete': [async (store, id) => store.delete(id), false],
}

describe.each(DRIVER_NAMES)('a store on %s that waits for a lock', (driver) => {
  // Where the local time is not UTC, by a part of an hour.
  const waiter = open(driver)

  it.each(Object.entries(CHANGES))(
    'finds a record gone that ended meanwhile: %s',
    async (_, [change, gone]) => {
      const store = await openStore(waiter)
      const { recordId, secretHash } = await created(store, { idleMs: 700 })
      const before = (await store.read(recordId))!
      const late = await whileHeld(store.table, recordId, 750, async () =>
        change(store, recordId, secretHash),
      )
      expect(late).toEqual(gone)
      expect(await store.read(recordId)).toBeUndefined()
      const [row] = await locking.query(
        `SELECT expires_at, version, security_version FROM ${store.table} WHERE id = ?`,
        [recordId],
      )
      expect(row?.map(Number) ?? 'deleted').toEqual(
        gone === false ? 'deleted' : [before.expiresAtMs, 1, 1],
      )
    },
  )

  it('finds a record gone that ended before a touch of it', async () => {
    const store = await openStore(waiter)
    const { recordId, secretHash } = await created(store, { idleMs: 700 })
    const { expiresAtMs } = (await store.read(recordId))!
    const touched = await whileHeld(store.table, recordId, 750, async () =>
      store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 60_000),
    )
    expect(touched).toBe(false)
    expect(await store.read(recordId)).toBeUndefined()
  })

  it('finds a record gone that ended in the wait for one that it would evict', async () => {
    const store = await openStore(waiter)
    const other = await created(store, { subject: 'ann' })
    const { recordId } = await created(store, { idleMs: 700 })
    const limit = { maxPerSubject: 1, atLimit: 'evict_oldest' } as const
    const change = { subject: 'ann', authenticated: { absoluteMs: 60_000 } }
    const late = await whileHeld(store.table, other.recordId, 750, async () =>
      store.updateSecurity(recordId, change, 1, limit),
    )
    expect(late).toEqual(GONE)
    expect(await store.read(recordId)).toBeUndefined()
    expect(await store.list('ann')).toMatchObject([{ recordId: other.recordId }])
  })

  it('finds a previous secret gone whose grace ended meanwhile', async () => {
    const store = await openStore(waiter)
    for (const version of [1, undefined]) {
      const { recordId, secretHash } = await created(store)
      const previous = { hash: secretHash, graceMs: 700 }
      await store.updateSecurity(recordId, { secretHash: newHash(), previous }, 1)
      const late = await whileHeld(store.table, recordId, 750, async () =>
        store.update(recordId, secretHash, { value: 'late' }, version),
      )
      expect(late).toEqual(GONE)
    }
  })

  it('tells a conflict from a record that was deleted meanwhile', async () => {
    const store = await openStore(waiter)
    for (const version of [1, undefined]) {
      const { recordId, secretHash } = await created(store)
      const update = async () => store.update(recordId, secretHash, { value: 'late' }, version)
      const remove = `DELETE FROM ${store.table} WHERE id = ?`
      expect(await whileHeld(store.table, recordId, 0, update, remove)).toEqual(GONE)
    }
    const { recordId, secretHash } = await created(store)
    const update = async () => store.update(recordId, secretHash, { value: 'late' }, 1)
    const overtake = `UPDATE ${store.table} SET version = 2 WHERE id = ?`
    expect(await whileHeld(store.table, recordId, 0, update, overtake)).toEqual(CONFLICT)
  })

  it('goes by the time after the wait for what it does then', async () => {
    const store = await openStore(waiter)
    const { recordId, secretHash } = await created(store)
    const { nowMs: before } = (await store.read(recordId))!
    const done = await whileHeld(store.table, recordId, 500, async () =>
      store.update(recordId, secretHash, { value: 'b' }),
    )
    expect(done.ok && done.nowMs).toBeGreaterThanOrEqual(before + 500)
    expect(done.ok && done.expiresAtMs - done.nowMs).toBe(60_000)
  })

  it('takes a clock that was set back during a statement for no wait', async () => {
    const store = await openStore(waiter)
    const { recordId, secretHash } = await created(store)
    const one = open(driver, { connectionLimit: 1 })
    const behind = await openStore(one, store.table)
    // The statement begins at a time that SYSDATE(), which it asks as it goes on, has not come to.
    await one.query('SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) + 5')
    expect(await behind.update(recordId, secretHash, { value: 'b' }, 1)).toMatchObject({ ok: true })
    const { expiresAtMs } = (await store.read(recordId))!
    expect(await behind.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 1)).toBe(true)
  })

  it('counts a subject’s sessions after the wait for its lock', async () => {
    const store = await openStore(waiter)
    const limit = { maxPerSubject: 1 }
    const end = await begin(`SELECT slot FROM ${store.table}_locks FOR UPDATE`)
    const one = Promise.resolve(store.create(draft({ subject: 'ann' }), limit))
    const two = Promise.resolve(store.create(draft({ subject: 'ann' }), limit))
    await waiting(store.table)
    await end()
    const results = await Promise.all([one, two])
    expect(results.filter(({ ok }) => ok)).toHaveLength(1)
    expect(await store.list('ann')).toHaveLength(1)
  })

  it.each(['refuse', 'evict_oldest'] as const)(
    'counts a session that a change has kept alive which is not yet committed (%s)',
    async (atLimit) => {
      const store = await openStore(waiter)
      const { recordId } = await created(store, { idleMs: 700, subject: 'ann' })
      const guest = await created(store)
      const limit = { maxPerSubject: 1, atLimit }
      const logins = async () => {
        while (await store.read(recordId)) await new Promise((resolve) => setTimeout(resolve, 50))
        return Promise.all([
          store.create(draft({ subject: 'ann' }), limit),
          store.updateSecurity(guest.recordId, { subject: 'ann' }, 1, limit),
        ])
      }
      const extend = `UPDATE ${store.table} SET expires_at = expires_at + 60000 WHERE id = ?`
      const results = await whileHeld(store.table, recordId, 100, logins, extend)
      expect(results.map(({ ok }) => ok)).toEqual(Array(2).fill(atLimit === 'evict_oldest'))
      expect(await store.list('ann')).toHaveLength(1)
    },
  )

  it('leaves nothing locked when it is interrupted', async () => {
    const store = await openStore(waiter)
    const { recordId } = await created(store)
    const end = await begin(`SELECT id FROM ${store.table} WHERE id = ? FOR UPDATE`, [recordId])
    const interrupted = Promise.resolve(
      store.updateSecurity(recordId, { subject: 'ann' }, 1, { maxPerSubject: 1 }),
    ).catch((error: unknown) => error)
    await locking.query(`KILL QUERY ${await waiting(store.table)}`)
    expect(await interrupted).toMatchObject({ errno: 1317 })
    await end()
    // Neither the subject nor the record is held by what was open then.
    const other = await store.create(draft({ subject: 'ann' }), { maxPerSubject: 1 })
    expect(other).toMatchObject({ ok: true })
    expect(await store.delete(recordId)).toBe(true)
  })
})
