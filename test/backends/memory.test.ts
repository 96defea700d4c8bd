import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createMemoryBackend, createMemoryStore } from '../../src/backends/memory.ts'
import type { Store } from '../../src/index.ts'
import { createSessionManager } from '../../src/index.ts'
import { backendContract, createTestClock, storeContract } from '../../src/testing/index.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'
import { createCellStore } from './memory/cell-store.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }
const clock = createTestClock()

async function removeAllExpired(store: Store): Promise<number> {
  return store.sweep(Number.MAX_SAFE_INTEGER)
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

describe.each([
  ['on the heap', createMemoryStore],
  ['in cells', createCellStore],
])('createMemoryStore, %s', (_place, createAt) => {
  const create = () => createAt(clock.now)
  for (const { name, run } of storeContract({ create, advance: clock.advance })) it(name, run)

  it('reads its clock once for each read', async () => {
    let nowMs = 0
    const store = await createAt(() => nowMs++)
    const record = draft({ idleMs: 2 })
    await store.create(record)
    const read = await store.read(record.recordId)
    expect(read === undefined || read.nowMs < read.expiresAtMs).toBe(true)
    expect(await store.read(record.recordId)).toBeUndefined()
  })

  it('keeps names that objects have by themselves apart', async () => {
    const store = await create()
    expect(await store.list('__proto__')).toEqual([])
    await store.create(draft({ subject: '__proto__' }))
    await store.create(draft({ subject: 'constructor' }))
    expect(await store.list('__proto__')).toHaveLength(1)
    expect(await store.deleteSubject('toString')).toBe(0)
  })

  it('shows no change of a record in what was read before', async () => {
    const store = await create()
    const { recordId, secretHash } = draft()
    await store.create(draft({ recordId, secretHash }))
    const before = await store.read(recordId)
    await store.update(recordId, secretHash, { value: 'second' })
    await store.updateSecurity(recordId, { subject: 'ann' }, 1)
    expect(before).toMatchObject({ value: 'first', version: 1, securityVersion: 1 })
    expect(before?.security.subject).toBeNull()
  })

  it('removes no more than the limit in one step, and all that has expired in one round', async () => {
    const store = await create()
    for (let n = 0; n < 90; n++) await store.create(draft({ idleMs: n % 3 === 0 ? 60_000 : 1000 }))
    clock.advance(1)
    const removed: number[] = []
    for (let step = 0; step < 10; step++) removed.push(await store.sweep(10))
    expect(Math.max(...removed)).toBeLessThanOrEqual(10)
    expect(removed.reduce((sum, count) => sum + count)).toBe(60)
    expect(await store.deleteAll()).toBe(30)
  })

  it.each([0, -1, NaN])('looks at no record when the limit is %d', async (limit) => {
    const store = await create()
    await store.create(draft({ idleMs: 0 }))
    expect(await store.sweep(limit)).toBe(0)
    expect(await removeAllExpired(store)).toBe(1)
  })

  it('does not grow while sessions come and go: 100,000 created, 100 alive at a time', async () => {
    const churn = createTestClock()
    const store = await createAt(churn.now)
    let most = 0
    for (let n = 1; n <= 100_000; n++) {
      await store.create(draft({ idleMs: 1000, subject: `user ${n}` }))
      churn.advance(0.01)
      // Only a full sweep tells how much was held that had expired: one after each 10,000.
      if (n % 10_000 === 0) most = Math.max(most, await removeAllExpired(store))
    }
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(300)
  }, 20_000)

  it('gives the memory of a subject back with its last session', async () => {
    const store = await create()
    const subject = 'x'.repeat(100_000)
    const before = heapUsed()
    for (let n = 0; n < 1000; n++) {
      const record = draft({ subject: `${subject}${n}`.slice(-100_000), idleMs: 1000 })
      await store.create(record)
      if (n % 2 === 0) await store.delete(record.recordId)
      else await store.updateSecurity(record.recordId, { subject: null }, 1)
    }
    expect(heapUsed() - before).toBeLessThan(20_000_000)
  })
})

describe('createMemoryBackend', () => {
  const create = () => createMemoryBackend({ period: 60, now: clock.now, sweepEveryMs: 0 })
  for (const { name, run } of backendContract({ create, advance: clock.advance })) it(name, run)

  const inCells = async () => createBackend(await createCellStore(clock.now), { period: 60 })
  for (const { name, run } of backendContract({ create: inCells, advance: clock.advance })) {
    it(`${name}, in cells`, run)
  }

  it('goes by the clock it is given', async () => {
    const own = createTestClock()
    const backend = createMemoryBackend({ period: 10, now: own.now, sweepEveryMs: 0 })
    const key = await backend.generate({ value: 'a' })
    own.advance(9.999)
    expect(await backend.get(key)).toMatchObject({ ok: true, period: 1 })
    own.advance(0.001)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('removes nothing that is live when its clock goes back', async () => {
    let nowMs = 1_000_000
    const backend = createMemoryBackend({ period: 10, now: () => nowMs, sweepEveryMs: 0 })
    const key = await backend.generate({ value: 'a' })
    nowMs = 500_000
    expect(await backend.sweep()).toBe(0)
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
    nowMs = 1_010_000
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })

  it('takes a version that is no number for another version', async () => {
    const backend = create()
    const key = await backend.generate({ value: 'a' })
    for (const version of [NaN, null as never, 1e300, -1, 1.5, Infinity]) {
      expect(await backend.set(key, 'b', { version })).toEqual({ ok: false, reason: 'conflict' })
    }
    expect(await backend.get(key)).toMatchObject({ value: 'a', version: 1 })
  })

  it('keeps sessions readable after close, which may be called again', async () => {
    const backend = createMemoryBackend({ now: clock.now })
    const key = await backend.generate({ value: 'a' })
    backend.close()
    backend.close()
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
    expect(await backend.set(key, 'b')).toMatchObject({ ok: true, version: 2 })
  })

  it('counts every increment of many updates at once', async () => {
    const sessions = createSessionManager<number>({ backend: create() })
    const { key } = await sessions.generate(0)
    const increment = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    await Promise.all(Array.from({ length: 64 }, increment))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64 } })
  })
})
