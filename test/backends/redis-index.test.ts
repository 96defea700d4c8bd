import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { connectionOf } from '../../src/backends/redis/connection.ts'
import type { Connection } from '../../src/backends/redis/connection.ts'
import { indexNameOf } from '../../src/backends/redis/record.ts'
import { createRedisStore } from '../../src/backends/redis/store.ts'
import { SubjectLimitError } from '../../src/index.ts'
import { draft, newHash } from '../../src/testing/store-contract/draft.ts'
import { connectNodeRedis, newPrefix } from './redis/clients.ts'

const LIMIT = { ok: false, reason: 'limit' }
const refuse = { maxPerSubject: 1, atLimit: 'refuse' } as const

let node: Awaited<ReturnType<typeof connectNodeRedis>>

beforeAll(async () => {
  node = await connectNodeRedis(inject('redisUrl'))
})

afterAll(() => node?.close())

/** One server, or one that is used as a cluster is: an index cannot be reached from a record's script. */
const KINDS = [
  { kind: 'one server', connect: (): Connection => connectionOf(node.client) },
  { kind: 'slots', connect: (): Connection => ({ ...connectionOf(node.client), cluster: true }) },
]

describe.each(KINDS)('the index of a subject, on $kind', ({ connect }) => {
  function createStore() {
    const prefix = newPrefix()
    const store = createRedisStore(connect(), prefix)
    const index = `${prefix}subject:${indexNameOf('ann')}`
    const keyOf = (recordId: string) => `${prefix}{${recordId}}`
    return { prefix, store, index, keyOf }
  }

  async function created(store: ReturnType<typeof createStore>['store'], changes = {}) {
    const record = draft({ subject: 'ann', ...changes })
    expect(await store.create(record)).toMatchObject({ ok: true })
    return record
  }

  it('is healed by a list of what somebody has deleted by hand', async () => {
    const { store, index, keyOf } = createStore()
    const [lost, kept] = [await created(store), await created(store)]
    await node.client.del(keyOf(lost.recordId))
    expect(await store.list('ann')).toMatchObject([{ recordId: kept.recordId }])
    await expect.poll(() => node.client.zRange(index, 0, -1)).toEqual([kept.recordId])
    expect(await store.deleteSubject('ann')).toBe(1)
    expect(await node.client.exists(index)).toBe(0)
  })

  it('counts neither the deleted nor the expired against a bound', async () => {
    const { store, index, keyOf } = createStore()
    const lost = await created(store)
    expect(await store.create(draft({ subject: 'ann' }), refuse)).toEqual(LIMIT)
    await node.client.del(keyOf(lost.recordId))
    const short = draft({ subject: 'ann', idleMs: 100 })
    expect(await store.create(short, refuse)).toMatchObject({ ok: true })
    expect(await store.create(draft({ subject: 'ann' }), refuse)).toEqual(LIMIT)
    await expect.poll(() => node.client.exists(keyOf(short.recordId))).toBe(0)
    const last = draft({ subject: 'ann' })
    expect(await store.create(last, refuse)).toMatchObject({ ok: true })
    await store.delete(last.recordId)
    expect(await store.create(draft({ subject: 'ann' }), refuse)).toMatchObject({ ok: true })
    await store.deleteAll()
    expect(await node.client.exists(index)).toBe(0)
  })

  it('does not grow with logins whose sessions are gone', async () => {
    const { store, index, keyOf } = createStore()
    for (let login = 0; login < 100; login++) {
      const { recordId } = await created(store)
      await node.client.del(keyOf(recordId))
    }
    await expect.poll(() => node.client.zCard(index)).toBeLessThan(20)
    await store.deleteAll()
  })

  it('outlives its longest session, whatever has been made longer since, and does not stay', async () => {
    const { store, index, keyOf } = createStore()
    const record = await created(store, { idleMs: 1000, absoluteMs: 2000 })
    const first = await node.client.pExpireTime(index)
    expect(first).toBeGreaterThan(await node.client.pExpireTime(keyOf(record.recordId)))
    await store.updateSecurity(record.recordId, { authenticated: { absoluteMs: 9e9 } }, 1)
    const read = await store.read(record.recordId)
    const second = await node.client.pExpireTime(index)
    expect(second).toBeGreaterThan(read?.deadlineMs ?? Infinity)
    expect(second).toBeLessThan((read?.deadlineMs ?? 0) + 3e8)
    await created(store, { idleMs: 1000, absoluteMs: 2000 })
    expect(await node.client.pExpireTime(index)).toBe(second)
    await store.deleteAll()
  })

  it('of another subject does not show or end what has moved on', async () => {
    const { store } = createStore()
    const { recordId } = await created(store)
    expect(await store.updateSecurity(recordId, { subject: 'bob' }, 1)).toMatchObject({ ok: true })
    expect(await store.list('ann')).toEqual([])
    expect(await store.deleteSubject('ann')).toBe(0)
    expect(await store.create(draft({ subject: 'ann' }), refuse)).toMatchObject({ ok: true })
    expect(await store.read(recordId)).toMatchObject({ security: { subject: 'bob' } })
    expect(await store.updateSecurity(recordId, { subject: 'ann' }, 2, refuse)).toEqual(LIMIT)
    expect(await store.deleteSubject('ann')).toBe(1)
    expect(await store.updateSecurity(recordId, { subject: 'ann' }, 2, refuse)).toMatchObject({
      ok: true,
    })
    expect(await store.list('ann')).toHaveLength(1)
    expect(await store.list('bob')).toEqual([])
    await store.deleteAll()
  })

  it('tells a record too many from one that has changed or gone', async () => {
    const { store } = createStore()
    await created(store)
    const guest = await created(store, { subject: null })
    const bind = { subject: 'ann', secretHash: newHash() }
    const conflict = { ok: false, reason: 'conflict' }
    expect(await store.updateSecurity(guest.recordId, bind, 1, refuse)).toEqual(LIMIT)
    expect(await store.updateSecurity(guest.recordId, bind, 7, refuse)).toEqual(conflict)
    await store.delete(guest.recordId)
    const gone = { ok: false, reason: 'gone' }
    expect(await store.updateSecurity(guest.recordId, bind, 1, refuse)).toEqual(gone)
    await store.deleteAll()
  })

  it('ends the oldest of many at once, and never the newest', async () => {
    const { store } = createStore()
    const evict = { maxPerSubject: 3, atLimit: 'evict_oldest' } as const
    for (let at = 0; at < 5; at++) {
      expect(await store.create(draft({ subject: 'ann' }), evict)).toMatchObject({ ok: true })
    }
    const many = Array.from({ length: 8 }, () => draft({ subject: 'ann' }))
    await Promise.all(many.map(async (each) => store.create(each, evict)))
    const left = await store.list('ann')
    expect(left).toHaveLength(3)
    const ids = new Set<string>(many.map(({ recordId }) => recordId))
    expect(left.every(({ recordId }) => ids.has(recordId))).toBe(true)
    await store.deleteAll()
  })

  it('keeps logins, logouts and sign-outs everywhere in agreement, whatever their order', async () => {
    const { store, index, keyOf, prefix } = createStore()
    for (let round = 0; round < 10; round++) {
      const drafts = Array.from({ length: 6 }, () => draft({ subject: 'ann' }))
      const guest = await created(store, { subject: null })
      await Promise.all([
        ...drafts.map(async (each) => store.create(each)),
        store.updateSecurity(guest.recordId, { subject: 'ann' }, 1),
        store.deleteSubject('ann'),
        ...drafts.slice(3).map(async ({ recordId }) => store.delete(recordId)),
        store.list('ann'),
      ])
      // Whatever is left is listed, so that it can be ended.
      const records = (await node.client.keys(`${prefix}{*}`)).toSorted()
      const listed = (await store.list('ann')).map(({ recordId }) => keyOf(recordId))
      expect(listed.toSorted()).toEqual(records)
      await store.deleteSubject('ann')
      expect(await node.client.keys(`${prefix}{*}`)).toEqual([])
    }
    const left = async () => {
      await store.list('ann')
      return node.client.zCard(index)
    }
    await expect.poll(left).toBe(0)
  })

  it('refuses a login by the policy of the backend', async () => {
    const backend = createRedisBackend(node.client, { prefix: newPrefix(), maxPerSubject: 1 })
    await backend.generate({ subject: 'ann' })
    await expect(backend.generate({ subject: 'ann' })).rejects.toThrow(SubjectLimitError)
    await backend.clearAll()
  })
})
