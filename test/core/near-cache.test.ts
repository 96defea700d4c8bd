import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { isPromise } from '../../src/core/awaitable.ts'
import { assertNearCache, createNearCache } from '../../src/core/near-cache.ts'
import type { NearCacheOptions } from '../../src/core/near-cache.ts'
import type { NewRecord, Store, StoredRecord } from '../../src/core/store.ts'
import { createTestClock } from '../../src/testing/index.ts'
import { draft, newHash } from '../../src/testing/store-contract/draft.ts'
import { settle } from './manual-clock.ts'
import { spyOn } from './spy-store.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** A memory store and the cache of a process before it. `hold` lets answers of reads wait for `release`. */
function create(options: Partial<NearCacheOptions> = {}) {
  const clock = createTestClock()
  const wall = createTestClock()
  const memory = createMemoryStore(clock.now)
  let held: (() => void)[] = []
  let holding = false
  const engine = spyOn(memory, {
    async read(recordId) {
      const record = await memory.read(recordId)
      if (holding) await new Promise<void>((resolve) => held.push(resolve))
      return record
    },
  })
  const cache = createNearCache(
    engine,
    { maxStaleness: 1, ...options },
    { monotonicMs: clock.now, wallMs: wall.now },
  )
  const { store } = cache
  return {
    ...cache,
    clock,
    wall,
    /** What another process does. */
    memory,
    engine,
    /** How many reads the engine has had. */
    reads: () => engine.calls.filter((name) => name === 'read').length,
    hold: (): void => void (holding = true),
    release: async (): Promise<void> => {
      holding = false
      for (const go of held) go()
      held = []
      await settle()
    },
    /** A cache of its own before the same records, with another way to do some things. */
    cacheOf: (replaced: Partial<Store>): Store => {
      const clocks = { monotonicMs: clock.now, wallMs: wall.now }
      return createNearCache({ ...memory, ...replaced }, { maxStaleness: 1 }, clocks).store
    },
    /** A record that is kept. */
    warm: async (changes: Partial<NewRecord> = {}): Promise<NewRecord> => {
      const record = draft(changes)
      await memory.create(record)
      await store.read(record.recordId)
      return record
    },
  }
}

const valueOf = async (read: PromiseLike<StoredRecord | undefined> | StoredRecord | undefined) =>
  (await read)?.value

describe('a near cache', () => {
  it('answers at once and without the store until the bound, counted from the question', async () => {
    const { store, memory, clock, reads, hold, release } = create()
    const { recordId, secretHash } = draft()
    await memory.create(draft({ recordId, secretHash }))
    hold()
    const slow = store.read(recordId)
    clock.advance(0.4)
    await release()
    await slow
    clock.advance(0.599)
    expect(isPromise(store.read(recordId))).toBe(false)
    await memory.update(recordId, secretHash, { value: 'of elsewhere' })
    expect(await valueOf(store.read(recordId))).toBe('first')
    clock.advance(0.001)
    expect(await valueOf(store.read(recordId))).toBe('of elsewhere')
    expect(reads()).toBe(2)
  })

  it('does not show what has been answered too late to count', async () => {
    const { store, memory, clock, reads, hold, release } = create()
    const record = draft()
    await memory.create(record)
    hold()
    const slow = store.read(record.recordId)
    clock.advance(1)
    await release()
    expect(await valueOf(slow)).toBe('first')
    await store.read(record.recordId)
    expect(reads()).toBe(2)
  })

  it('counts the time for which the machine has slept', async () => {
    const { store, wall, reads, warm } = create()
    const { recordId } = await warm()
    wall.advance(1)
    await store.read(recordId)
    expect(reads()).toBe(2)
  })

  it('moves the clock of the store on, so that a session ends in time', async () => {
    const { store, clock, reads, warm } = create({ maxStaleness: 60 })
    const { recordId } = await warm({ idleMs: 2000 })
    const { nowMs = 0, expiresAtMs = 0 } = (await store.read(recordId)) ?? {}
    clock.advance(1.999)
    expect(store.read(recordId)).toMatchObject({ nowMs: nowMs + 1999, expiresAtMs })
    expect(reads()).toBe(1)
    clock.advance(0.001)
    expect(await store.read(recordId)).toBeUndefined()
  })

  it('never shows a session past its end, however slow the answer was', async () => {
    const { store, memory, clock, reads, hold, release } = create({ maxStaleness: 60 })
    const record = draft({ idleMs: 2000 })
    await memory.create(record)
    hold()
    const slow = store.read(record.recordId)
    clock.advance(1)
    await release()
    await slow
    // The store may have read its clock when it was asked, or now: the end may be near.
    clock.advance(1)
    expect(await store.read(record.recordId)).toBeUndefined()
    expect(reads()).toBe(2)
  })

  it('leaves it to the store to say that a session is over: it may have been used elsewhere', async () => {
    const { store, memory, clock, warm } = create({ maxStaleness: 60 })
    const { recordId, secretHash } = await warm({ idleMs: 2000 })
    clock.advance(1)
    await memory.update(recordId, secretHash, { idleMs: 10_000 })
    clock.advance(1)
    expect(await valueOf(store.read(recordId))).toBe('first')
  })

  it('finds what has just been made elsewhere', async () => {
    const { store, memory, hold, release } = create()
    const record = draft()
    expect(await store.read(record.recordId)).toBeUndefined()
    hold()
    const before = store.read(record.recordId)
    await settle()
    await memory.create(record)
    const after = Promise.all([store.read(record.recordId), store.read(record.recordId)])
    await release()
    expect(await before).toBeUndefined()
    expect(await after).toMatchObject([{ value: 'first' }, { value: 'first' }])
  })

  it('finds a session under a key that it has just got elsewhere', async () => {
    const { store, memory, reads, hold, release, warm } = create()
    const { recordId } = await warm()
    const [next, third] = [newHash(), newHash()]
    await memory.updateSecurity(recordId, { secretHash: next }, 1)
    expect(await store.read(recordId, next)).toMatchObject({ security: { secretHash: next } })
    expect(isPromise(store.read(recordId, next))).toBe(false)
    hold()
    const wrong = store.read(recordId, newHash())
    await settle()
    await memory.updateSecurity(recordId, { secretHash: third }, 2)
    const right = store.read(recordId, third)
    await release()
    expect(await wrong).toMatchObject({ security: { secretHash: next } })
    expect(await right).toMatchObject({ security: { secretHash: third } })
    expect(reads()).toBe(4)
  })

  it('takes no secret for good whose time is over', async () => {
    const { store, memory, clock, reads } = create()
    const record = draft()
    const previous = { hash: record.secretHash, graceMs: 500 }
    await memory.create(record)
    await memory.updateSecurity(record.recordId, { secretHash: newHash(), previous }, 1)
    await store.read(record.recordId, record.secretHash)
    clock.advance(0.499)
    await store.read(record.recordId, record.secretHash)
    expect(reads()).toBe(1)
    clock.advance(0.001)
    await store.read(record.recordId, record.secretHash)
    expect(reads()).toBe(2)
  })

  it('leaves it to the store to say that there is no value', async () => {
    const { store, memory, hold, release, warm } = create()
    const { recordId, secretHash } = await warm({ value: null })
    hold()
    const before = store.read(recordId)
    await settle()
    await memory.update(recordId, secretHash, { value: 'set' })
    const after = store.read(recordId)
    await release()
    expect(await valueOf(before)).toBeNull()
    expect(await valueOf(after)).toBe('set')
    expect(await valueOf(store.read(recordId))).toBe('set')
  })

  it('makes one read of many at once, and lets nobody join one that is older than the bound', async () => {
    const { store, memory, clock, reads, hold, release } = create()
    const { recordId, secretHash } = draft()
    await memory.create(draft({ recordId, secretHash }))
    hold()
    const many = Array.from({ length: 100 }, () => store.read(recordId, secretHash))
    clock.advance(0.999)
    many.push(store.read(recordId, secretHash))
    await settle()
    expect(reads()).toBe(1)
    await memory.update(recordId, secretHash, { value: 'of elsewhere' })
    clock.advance(0.001)
    const late = store.read(recordId, secretHash)
    expect(reads()).toBe(2)
    await release()
    expect(await Promise.all(many.map(valueOf))).toEqual(Array(101).fill('first'))
    expect(await valueOf(late)).toBe('of elsewhere')
    expect(await valueOf(store.read(recordId))).toBe('of elsewhere')
    expect(reads()).toBe(2)
  })

  it('keeps no more records than it may, and none for longer than they count', async () => {
    const { store, clock, reads, warm } = create({ maxRecords: 2 })
    const [first, second, third] = [await warm(), await warm(), await warm()]
    await store.read(second.recordId)
    await store.read(third.recordId)
    expect(reads()).toBe(3)
    await store.read(first.recordId)
    expect(reads()).toBe(4)
    clock.advance(1)
    await warm()
    await store.read(first.recordId)
    expect(reads()).toBe(6)
  })

  it('lets go of what no longer counts', async () => {
    const { memory, clock, cacheOf } = create()
    const seen: WeakRef<object>[] = []
    const store = cacheOf({
      async read(recordId) {
        const record = await memory.read(recordId)
        if (record === undefined) return undefined
        const security = { ...record.security }
        seen.push(new WeakRef(security))
        return { ...record, security }
      },
    })
    const [first, second] = [draft(), draft()]
    await memory.create(first)
    await memory.create(second)
    await store.read(first.recordId)
    clock.advance(1)
    await store.read(second.recordId)
    await settle()
    collectGarbage()
    expect(seen.map((each) => each.deref() !== undefined)).toEqual([false, true])
  })

  it('makes two reads of many at once that find nothing', async () => {
    const { store, reads } = create()
    const { recordId } = draft()
    const many = await Promise.all(Array.from({ length: 100 }, async () => store.read(recordId)))
    expect(many).toEqual(Array(100).fill(undefined))
    expect(reads()).toBe(2)
  })

  it('answers nothing that it has kept while a write is under way', async () => {
    const { memory, clock, cacheOf } = create()
    const store = cacheOf({ update: () => new Promise(() => {}) })
    const { recordId, secretHash } = draft()
    await memory.create(draft({ recordId, secretHash }))
    await store.read(recordId)
    void store.update(recordId, secretHash, { value: 'never told' })
    await memory.update(recordId, secretHash, { value: 'done' })
    clock.advance(0.001)
    expect(await valueOf(store.read(recordId))).toBe('done')
  })

  it('gives an error of the store to all who wait for it, and keeps none', async () => {
    const { memory, cacheOf } = create()
    let failing = true
    const record = draft()
    await memory.create(record)
    const store = cacheOf({
      async read(recordId) {
        await settle()
        if (failing) throw new Error('broken')
        return memory.read(recordId)
      },
    })
    const reads = Array.from({ length: 2 }, async () => store.read(record.recordId))
    expect(await Promise.allSettled(reads)).toMatchObject([
      { reason: { message: 'broken' } },
      { reason: { message: 'broken' } },
    ])
    failing = false
    expect(await valueOf(store.read(record.recordId))).toBe('first')
  })
})

describe('assertNearCache', () => {
  it('takes what is in range', () => {
    for (const maxStaleness of [0.001, 0.25, 5, 60]) {
      expect(() => assertNearCache({ maxStaleness })).not.toThrow()
    }
    for (const maxRecords of [1, 1_000_000, undefined]) {
      expect(() => assertNearCache({ maxStaleness: 1, maxRecords })).not.toThrow()
    }
  })

  it.each([0, 0.0009, 60.1, -1, NaN, Infinity, '5', null, undefined])(
    'refuses a staleness of %s',
    (maxStaleness) => {
      expect(() => assertNearCache({ maxStaleness } as never)).toThrow(/"maxStaleness"/)
    },
  )

  it.each([0, -1, 1.5, 1_000_001, '5', null])('refuses %s records', (maxRecords) => {
    const options = { maxStaleness: 1, maxRecords } as never
    expect(() => assertNearCache(options)).toThrow(RangeError)
  })

  it('refuses what is no object, and what it does not know', () => {
    expect(() => assertNearCache(true as never)).toThrow(TypeError)
    expect(() => assertNearCache(null as never)).toThrow(TypeError)
    expect(() => assertNearCache({ maxStaleness: 1, ttl: 1 } as never)).toThrow(/no option "ttl"/)
  })
})
