import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { connectionOf } from '../../src/backends/redis/connection.ts'
import { createRedisStore } from '../../src/backends/redis/store.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'
import { connectNodeRedis, newPrefix } from './redis/clients.ts'

let node: Awaited<ReturnType<typeof connectNodeRedis>>

beforeAll(async () => {
  node = await connectNodeRedis(inject('redisUrl'))
})

afterAll(() => node?.close())

async function serverNow(): Promise<number> {
  const [seconds, micros] = (await node.client.sendCommand(['TIME'])) as unknown as string[]
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}

/** A store, its prefix, and the keys below it that a pattern matches. */
function createStore() {
  const prefix = newPrefix()
  const store = createRedisStore(connectionOf(node.client), prefix)
  return { prefix, store, keys: async (like: string) => node.client.keys(`${prefix}${like}`) }
}

/** Waits until the server's clock has passed `atMs`. */
async function serverPast(atMs: number): Promise<void> {
  for (let now = await serverNow(); now < atMs; now = await serverNow()) await pause(atMs - now)
}

describe('a record of createRedisStore', () => {
  it('is live before its expiry by the server’s clock and gone from then on', async () => {
    const { store } = createStore()
    const gaps: number[] = []
    for (let round = 0; round < 5; round++) {
      const record = draft({ idleMs: 400 })
      const created = await store.create(record)
      if (!created.ok) throw new Error('the record is new')
      await pause(250)
      let lastSeen = 0
      let foundGone = 0
      while (foundGone === 0) {
        const before = await serverNow()
        const read = await store.read(record.recordId)
        if (read === undefined) foundGone = await serverNow()
        else lastSeen = before
      }
      expect(foundGone).toBeGreaterThanOrEqual(created.expiresAtMs)
      expect(lastSeen).toBeLessThan(created.expiresAtMs)
      gaps.push(created.expiresAtMs - lastSeen)
    }
    // One at least was followed to its very end, and not merely found dead later.
    expect(Math.min(...gaps)).toBeLessThan(20)
  })

  it('is gone at its expiry even where somebody has made its key persist', async () => {
    const { prefix, store, keys } = createStore()
    const record = draft({ idleMs: 300, subject: 'ann' })
    const created = await store.create(record)
    if (!created.ok) throw new Error('the record is new')
    const key = `${prefix}{${record.recordId}}`
    expect(await node.client.persist(key)).toBe(1)
    expect(await store.read(record.recordId)).toMatchObject({ value: 'first' })
    await serverPast(created.expiresAtMs)
    expect(await node.client.exists(key)).toBe(1)
    const { recordId, secretHash } = record
    const gone = { ok: false, reason: 'gone' }
    // A read goes by an estimate of the clock, which is off by half a trip at the most: on a busy machine that may be long.
    await expect.poll(async () => store.read(recordId)).toBeUndefined()
    expect(await store.update(recordId, secretHash, { value: 'late' })).toEqual(gone)
    expect(await store.updateSecurity(recordId, { labels: 'late' }, 1)).toEqual(gone)
    const { expiresAtMs } = created
    expect(await store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 9000)).toBe(false)
    expect(await store.create(draft({ recordId }))).toEqual({ ok: false, reason: 'exists' })
    expect(await store.list('ann')).toEqual([])
    expect(await store.delete(recordId)).toBe(false)
    expect(await keys('*')).toEqual([])
  })

  it('lives as long as the last write or touch has said', async () => {
    const { prefix, store } = createStore()
    const record = draft({ idleMs: 60_000, absoluteMs: 100_000 })
    const { recordId, secretHash } = record
    const created = await store.create(record)
    if (!created.ok) throw new Error('the record is new')
    const key = `${prefix}{${recordId}}`
    expect(await node.client.pExpireTime(key)).toBe(created.expiresAtMs - 1)
    const toMs = created.expiresAtMs + 1234
    expect(await store.touch(recordId, secretHash, created.expiresAtMs, toMs)).toBe(true)
    expect(await node.client.pExpireTime(key)).toBe(toMs - 1)
    const updated = await store.update(recordId, secretHash, { value: 'v', idleMs: 5000 })
    expect(updated).toMatchObject({ ok: true })
    const expiresAtMs = updated.ok ? updated.expiresAtMs : 0
    expect(await node.client.pExpireTime(key)).toBe(expiresAtMs - 1)
    await store.updateSecurity(recordId, { labels: 'x' }, 1)
    expect(await node.client.pExpireTime(key)).toBe(expiresAtMs - 1)
    await store.delete(recordId)
  })

  it('touches a mebibyte without sending or rewriting it', async () => {
    const { store } = createStore()
    const value = 'x'.repeat(2 ** 20)
    const record = draft({ value })
    const created = await store.create(record)
    if (!created.ok) throw new Error('the record is new')
    const before = await node.client.info('persistence')
    const { recordId, secretHash } = record
    const { expiresAtMs } = created
    expect(await store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 1000)).toBe(true)
    const after = await node.client.info('persistence')
    const size = (info: string) => Number(/aof_current_size:(\d+)/.exec(info)?.[1] ?? 0)
    expect(size(after) - size(before)).toBeLessThan(1000)
    const read = await store.read(recordId)
    expect([read?.value === value, read?.expiresAtMs]).toEqual([true, expiresAtMs + 1000])
    await store.delete(recordId)
  })
})

describe('the keys of createRedisBackend', () => {
  it('hold nothing of a key but its public half', async () => {
    const prefix = newPrefix()
    const backend = createRedisBackend(node.client, { prefix })
    const key = await backend.generate({ value: 'the value', subject: 'ann', labels: { on: 'pc' } })
    const rotated = await backend.rotate(key, 1)
    const secrets = [key, rotated.ok ? rotated.key : ''].map((each) => each.split('.')[1] ?? '')
    expect(secrets.every((secret) => secret.length === 43)).toBe(true)
    const names = await node.client.keys(`${prefix}*`)
    expect(names).toHaveLength(2)
    const raw = await Promise.all(
      names.map(async (name) =>
        (await node.client.type(name)) === 'string'
          ? node.client.get(name)
          : node.client.zRange(name, 0, -1),
      ),
    )
    const all = JSON.stringify([names, raw])
    expect(all).toContain('the value')
    for (const secret of secrets) expect(all).not.toContain(secret)
    expect(names.join('')).not.toContain('ann')
    await backend.clearAll()
  })

  it('leave no other prefix’s records alive or dead by mistake', async () => {
    const prefix = newPrefix()
    // One prefix begins with the other, and one holds what a pattern would take for more.
    const own = createRedisBackend(node.client, { prefix: `${prefix}a` })
    const others = [`${prefix}a:b`, prefix, `${prefix}[a]*`].map((each) =>
      createRedisBackend(node.client, { prefix: each }),
    )
    const kept = await Promise.all(
      others.map((each) => each.generate({ value: 'v', subject: 's' })),
    )
    await own.generate({ value: 'v', subject: 's' })
    expect(await own.clearAll()).toBe(1)
    for (const [at, other] of others.entries()) {
      expect(await other.get(kept[at] ?? '')).toMatchObject({ ok: true })
      expect(await other.list('s')).toHaveLength(1)
    }
    for (const other of others.toReversed()) expect(await other.clearAll()).toBe(1)
    expect(await node.client.keys(`${prefix}*`)).toEqual([])
  })

  it('end more records than one step of a scan sees', async () => {
    const backend = createRedisBackend(node.client, { prefix: newPrefix() })
    await Promise.all(Array.from({ length: 3000 }, () => backend.generate({ value: 'v' })))
    expect(await backend.clearAll()).toBe(3000)
    expect(await backend.clearAll()).toBe(0)
  })
})
