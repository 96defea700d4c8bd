import { describe, expect, it } from 'vitest'
import type { Store, SubjectLimit } from '../../src/index.ts'
import { created, draft, newHash, readLive } from '../../src/testing/store-contract/draft.ts'
import { expectNoneTooManyEvicted } from './eviction-race.ts'
import { begin, untilOver, untilWaiting } from './postgres/locks.ts'
import { count, openPool, openStore, query } from './postgres/open.ts'

const GONE = { ok: false, reason: 'gone' }
const CONFLICT = { ok: false, reason: 'conflict' }
const EVICTING = { maxPerSubject: 1, atLimit: 'evict_oldest' } as const

/** The server's clock. */
const now = () => count("SELECT floor(date_part('epoch', clock_timestamp()) * 1000)")

async function open(): Promise<{ table: string; store: Store }> {
  return openStore(openPool().client)
}

const HOLDS = {
  'a lock alone': 'SELECT FROM {table} WHERE id = $1 FOR UPDATE',
  'a change': 'UPDATE {table} SET labels = labels WHERE id = $1',
  'a change that is undone': 'UPDATE {table} SET expires_at = expires_at + 60000 WHERE id = $1',
}

describe.concurrent('a write that waits for the row of another transaction', () => {
  it.each(Object.entries(HOLDS))(
    'finds the record gone that runs out in the wait (%s)',
    async (name, hold) => {
      const { table, store } = await open()
      const record = await created(store, { idleMs: 5000, subject: 'ann' })
      const { recordId, secretHash } = record
      const { expiresAtMs } = await readLive(store, recordId)
      const holder = await begin(hold.replace('{table}', table), [recordId])
      const authenticated = { absoluteMs: 60_000 }
      const change = (changes: object, limit?: SubjectLimit) =>
        store.updateSecurity(recordId, { authenticated, ...changes }, 1, limit)
      const writes = [
        async () => store.update(recordId, secretHash, { value: 'late' }),
        async () => store.update(recordId, secretHash, { idleMs: 60_000 }, 1),
        async () => change({}),
        async () => change({ subject: 'bob' }),
        async () => change({ subject: 'eve' }, { maxPerSubject: 1 }),
        async () => store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 60_000),
      ].map((write) => write())
      await untilWaiting(table, writes.length)
      expect(await readLive(store, recordId)).toMatchObject({ value: 'first' })
      await untilOver(store, recordId)
      await (name.endsWith('undone') ? holder.rollback() : holder.commit())
      expect(await Promise.all(writes)).toEqual([GONE, GONE, GONE, GONE, GONE, false])
      expect(await store.read(recordId)).toBeUndefined()
      const [row] = await query(`SELECT value, version, security_version FROM ${table}`)
      expect(row).toEqual(['first', '1', '1'])
    },
  )

  it.each(['delete', 'deleteSubject', 'deleteAll'] as const)(
    'does not count a record as live that runs out in the wait (%s)',
    async (operation) => {
      const { table, store } = await open()
      const { recordId } = await created(store, { idleMs: 5000, subject: 'ann' })
      const holder = await begin(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [recordId])
      const run = {
        delete: () => store.delete(recordId),
        deleteSubject: () => store.deleteSubject('ann'),
        deleteAll: () => store.deleteAll(),
      }[operation]
      const done = run()
      await untilWaiting(table, 1)
      await untilOver(store, recordId)
      await holder.commit()
      expect(Number(await done)).toBe(0)
      expect(await count(`SELECT count(*) FROM ${table}`)).toBe(0)
    },
  )

  it('finds the record gone that runs out in the wait for one that it would evict', async () => {
    const { table, store } = await open()
    const other = await created(store, { subject: 'ann' })
    const { recordId } = await created(store, { idleMs: 4000 })
    const holder = await begin(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [other.recordId])
    const change = { subject: 'ann', authenticated: { absoluteMs: 60_000 } }
    const bind = store.updateSecurity(recordId, change, 1, EVICTING)
    await untilWaiting(table, 1)
    await untilOver(store, recordId)
    await holder.commit()
    expect(await bind).toEqual(GONE)
    expect(await store.read(recordId)).toBeUndefined()
    expect(await store.list('ann')).toMatchObject([{ recordId: other.recordId }])
  })

  it('is made again when it and another would evict each other’s record', async () => {
    const { table, store } = await open()
    const [one, two] = [
      await created(store, { subject: 'ann' }),
      await created(store, { subject: 'bob' }),
    ]
    const holder = await begin(`SELECT FROM ${table} FOR UPDATE`)
    const binds = [
      store.updateSecurity(one.recordId, { subject: 'bob' }, 1, EVICTING),
      store.updateSecurity(two.recordId, { subject: 'ann' }, 1, EVICTING),
    ]
    await untilWaiting(table, 2)
    await holder.commit()
    const results = [await binds[0]!, await binds[1]!]
    expect(results.map((result) => (result.ok ? 'done' : result.reason)).toSorted()).toEqual([
      'done',
      'gone',
    ])
    expect([...(await store.list('ann')), ...(await store.list('bob'))]).toHaveLength(1)
  })

  it('goes by the record as it is after the wait', async () => {
    const { table, store } = await open()
    const { recordId, secretHash } = await created(store, { idleMs: 5000 })
    const change = `UPDATE ${table} SET value = 'other', version = 2, security_version = 2,
      expires_at = expires_at + 60000, deadline_at = deadline_at + 60000 WHERE id = $1`
    const holder = await begin(change, [recordId])
    const at = (version?: number) =>
      store.update(recordId, secretHash, { value: `at ${version}`, idleMs: 30_000 }, version)
    const atOne = at(1)
    const security = store.updateSecurity(recordId, { labels: 'late' }, 1)
    await untilWaiting(table, 2)
    await untilOver(store, recordId)
    await holder.commit()
    expect([await atOne, await security]).toEqual([CONFLICT, CONFLICT])
    const other = await begin(change.replace("'other'", "'another'"), [recordId])
    const anyVersion = at()
    await untilWaiting(table, 1)
    const fromMs = await now()
    await other.commit()
    const result = await anyVersion
    expect(result).toMatchObject({ ok: true, version: 3 })
    const read = await readLive(store, recordId)
    expect(result.ok && result.expiresAtMs - result.nowMs).toBe(30_000)
    expect(read.expiresAtMs).toBe(result.ok && result.expiresAtMs)
    expect(read.expiresAtMs).toBeGreaterThanOrEqual(fromMs + 30_000)
  })

  it('makes all times of a change of the security part at once, after the wait', async () => {
    const { table, store } = await open()
    const { recordId, secretHash } = await created(store)
    const holder = await begin(`UPDATE ${table} SET value = 'x' WHERE id = $1`, [recordId])
    const change = {
      secretHash: newHash(),
      previous: { hash: secretHash, graceMs: 700 },
      authenticated: { absoluteMs: 90_000 },
    }
    const pending = store.updateSecurity(recordId, change, 1)
    await untilWaiting(table, 1)
    const fromMs = await now()
    await holder.commit()
    const result = await pending
    if (!result.ok) throw new Error('the change was refused')
    const { nowMs } = result
    expect(result).toMatchObject({ authenticatedAtMs: nowMs, expiresAtMs: nowMs + 60_000 })
    const read = await readLive(store, recordId)
    expect(read).toMatchObject({ deadlineMs: nowMs + 90_000, value: 'x' })
    expect(read.security.previousUntilMs).toBe(nowMs + 700)
    expect(nowMs).toBeGreaterThanOrEqual(fromMs)
  })
})

describe.concurrent('a bound on a subject’s sessions', () => {
  const extend = 'UPDATE {table} SET expires_at = expires_at + 60000 WHERE id = $1'

  it.each(['refuse', 'evict_oldest'] as const)(
    'counts one that a write has kept alive which is not yet committed (%s)',
    async (atLimit) => {
      const { table, store } = await open()
      const { recordId } = await created(store, { idleMs: 2000, subject: 'ann' })
      const guest = await created(store)
      const holder = await begin(extend.replace('{table}', table), [recordId])
      await untilOver(store, recordId)
      const limit = { maxPerSubject: 1, atLimit }
      const logins = [
        store.create(draft({ subject: 'ann' }), limit),
        store.updateSecurity(guest.recordId, { subject: 'ann' }, 1, limit),
      ]
      await untilWaiting(table, 2)
      await holder.commit()
      const results = [await logins[0]!, await logins[1]!]
      expect(results.map(({ ok }) => ok)).toEqual(Array(2).fill(atLimit === 'evict_oldest'))
      expect(await store.list('ann')).toHaveLength(1)
    },
  )

  it('ends none too many when another leaves the subject meanwhile', async () => {
    const { store } = await open()
    await expectNoneTooManyEvicted(store)
  })

  it('finds the record gone that runs out in the wait for such a write', async () => {
    const { table, store } = await open()
    const { recordId } = await created(store, { idleMs: 1000, subject: 'ann' })
    const guest = await created(store, { idleMs: 3000 })
    const holder = await begin(extend.replace('{table}', table), [recordId])
    await untilOver(store, recordId)
    const change = { subject: 'ann', authenticated: { absoluteMs: 60_000 } }
    const bind = store.updateSecurity(guest.recordId, change, 1, EVICTING)
    await untilWaiting(table, 1)
    await untilOver(store, guest.recordId)
    await holder.commit()
    expect(await bind).toEqual(GONE)
    expect(await store.list('ann')).toMatchObject([{ recordId }])
  })

  it('does not count one whose write is undone', async () => {
    const { table, store } = await open()
    const { recordId } = await created(store, { idleMs: 2000, subject: 'ann' })
    const holder = await begin(extend.replace('{table}', table), [recordId])
    await untilOver(store, recordId)
    const login = store.create(draft({ subject: 'ann' }), { maxPerSubject: 1 })
    await untilWaiting(table, 1)
    await holder.rollback()
    expect((await login).ok).toBe(true)
  })
})

describe.concurrent('the end of a subject', () => {
  it('waits for those who are becoming the subject’s, and ends them too', async () => {
    const { table, store, statements } = await openStore(openPool().client)
    const { recordId } = await created(store)
    // The store's own statement, in a transaction that is held open.
    const values = [recordId, '1', null, '0', null, null, '1', 'ann', '0', null, '0', null]
    const bind = await begin(statements.bindSubject.text, [...values, null, null, '0'])
    const ended = store.deleteSubject('ann')
    await untilWaiting(table, 1)
    await bind.commit()
    expect(await ended).toBe(1)
    expect(await store.read(recordId)).toBeUndefined()
  })

  it('is waited for by those who would become the subject’s, who are then alive', async () => {
    const { table, store } = await open()
    const old = await created(store, { subject: 'ann' })
    const guest = await created(store)
    const holder = await begin(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [old.recordId])
    const ended = store.deleteSubject('ann')
    await untilWaiting(table, 1)
    const draftOfAnn = draft({ subject: 'ann' })
    const creates = store.create(draftOfAnn)
    const binds = store.updateSecurity(guest.recordId, { subject: 'ann' }, 1)
    await untilWaiting(table, 3)
    await holder.commit()
    expect(await ended).toBe(1)
    expect([(await creates).ok, (await binds).ok]).toEqual([true, true])
    expect(await store.list('ann')).toHaveLength(2)
  })

  it('is not kept waiting by other subjects, nor by nobody’s records', async () => {
    const { table, store } = await open()
    await created(store, { subject: 'ann' })
    const held = await created(store, { subject: 'bob' })
    const holder = await begin(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [held.recordId])
    expect(await store.deleteSubject('ann')).toBe(1)
    await holder.rollback()
  })

  it('does not stand in a circle with evictions and the end of all', async () => {
    const { store } = await open()
    const limit = { maxPerSubject: 3, atLimit: 'evict_oldest' } as const
    const step = async (n: number): Promise<unknown> => {
      if (n % 16 === 7) return store.deleteAll()
      if (n % 4 === 3) return store.deleteSubject('ann')
      const { recordId } = n % 4 === 1 ? await created(store) : draft()
      return n % 4 === 1
        ? store.updateSecurity(recordId, { subject: 'ann' }, 1, limit)
        : store.create(draft({ subject: 'ann' }), limit)
    }
    await Promise.all(Array.from({ length: 160 }, (_, n) => step(n)))
    expect((await store.list('ann')).length).toBeLessThanOrEqual(3)
  })
})

it('refuses to look at the past of a transaction that is not "read committed"', async () => {
  const options = '-c default_transaction_isolation=repeatable\\ read'
  const { table } = await open()
  const { client } = openPool({ options })
  await expect(openStore(client, table)).rejects.toThrow('read committed')
  const { store } = await openStore(openPool().client, table)
  await created(store, { subject: 'ann' })
  const { store: strict } = await openStore(client, table, { migrate: false })
  await expect(strict.deleteSubject('ann')).rejects.toThrow('read committed')
  await expect(strict.deleteAll()).rejects.toThrow('read committed')
  await expect(strict.create(draft({ subject: 'ann' }))).rejects.toThrow('read committed')
  expect(await store.list('ann')).toHaveLength(1)
})
