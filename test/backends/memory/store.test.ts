import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTieredStore } from '../../../src/backends/memory/store.ts'
import type { Handle } from '../../../src/core/key.ts'
import type { ListedRecord } from '../../../src/core/store.ts'
import { created, draft } from '../../../src/testing/store-contract/draft.ts'
import { createCellStore, settled } from './cell-store.ts'
import { createWorld, liveIn, steps } from './steps.ts'

const NOW = () => 1_000_000

describe.each([
  ['on the heap', (now: () => number) => createTieredStore(now)],
  ['in cells', createCellStore],
  ['on the way from one to the other', (now: () => number) => createTieredStore(now, 3)],
])('a memory store, its records %s', (_place, createStore) => {
  it('holds what it was given, whatever moves', async () => {
    const property = fc.asyncProperty(steps, async (all) => {
      const world = await createWorld(createStore)
      for (const step of all) {
        const [actual, expected] = step(world)
        expect(actual).toStrictEqual(expected)
        if (world.kept.size % 4 === 0) await settled()
      }
      const { store, kept, nowMs } = world
      const live = liveIn(world)
      const expected = live.map((record) => ({ ...record, nowMs }))
      expect(live.map(({ recordId }) => store.read(recordId))).toStrictEqual(expected)
      const dead = [...kept.values()].filter((record) => !live.includes(record))
      expect(dead.filter(({ recordId }) => store.read(recordId) !== undefined)).toEqual([])
      expect(store.deleteAll()).toBe(live.length)
    })
    await fc.assert(property, { numRuns: 40 })
  })

  it.each(['', 'a'.repeat(21), 'a'.repeat(23), `${'a'.repeat(21)}é`, `Ā${'a'.repeat(21)}`])(
    'takes the id %j for itself and for no other',
    async (text) => {
      const store = await createStore(NOW)
      const recordId = text as Handle
      await created(store, { recordId, value: 'odd' })
      await created(store)
      await settled()
      await created(store)
      expect(await store.read(recordId)).toMatchObject({ recordId, value: 'odd' })
      expect(await store.read(`${text}a` as Handle)).toBeUndefined()
      expect(await store.delete(recordId)).toBe(true)
      expect(await store.read(recordId)).toBeUndefined()
      expect(await store.deleteAll()).toBe(2)
    },
  )

  it('tells ids apart that differ in one character, wherever that is', async () => {
    const store = await createStore(NOW)
    const { recordId } = await created(store)
    for (let at = 0; at < 22; at++) {
      const other = recordId[at] === 'A' ? 'B' : 'A'
      const neighbour = recordId.slice(0, at) + other + recordId.slice(at + 1)
      expect(await store.read(neighbour as Handle)).toBeUndefined()
    }
    expect(await store.read(recordId)).toBeDefined()
  })

  it('takes a secret hash of any form', async () => {
    const store = await createStore(NOW)
    for (const hash of ['', 'short', '["list"]', 'Ā'.repeat(43)]) {
      const secretHash = hash as never
      const { recordId } = await created(store, { secretHash })
      expect(await store.read(recordId)).toMatchObject({ security: { secretHash } })
      expect(await store.update(recordId, secretHash, { value: 'x' })).toMatchObject({ ok: true })
    }
  })

  it('finds all sessions of each of many subjects, oldest first', async () => {
    let nowMs = 0
    const store = await createStore(() => nowMs)
    for (let n = 0; n < 5000; n++) {
      nowMs++
      await created(store, { subject: `user ${n % 500}` })
    }
    const records = await store.list('user 7')
    expect(records.map(({ createdAtMs }) => createdAtMs)).toEqual(
      Array.from({ length: 10 }, (_, n) => 8 + 500 * n),
    )
    expect(await store.deleteSubject('user 7')).toBe(10)
    expect(await store.list('user 8')).toHaveLength(10)
    expect(await store.list('user 500')).toEqual([])
    expect(await store.deleteAll()).toBe(4990)
  })
})

describe('createTieredStore', () => {
  it('moves its records while they are used, and loses none', async () => {
    let nowMs = 0
    const store = createTieredStore(() => nowMs, 50)
    const records = []
    for (let n = 0; n < 60; n++) {
      nowMs++
      records.push(await created(store, { subject: 'ann', labels: `${n}` }))
    }
    await settled()
    for (const [n, { recordId, secretHash }] of records.entries()) {
      nowMs++
      expect(await store.update(recordId, secretHash, { value: `${n}` })).toMatchObject({
        ok: true,
      })
      if (n % 3 === 0) await created(store)
      const listed = (await store.list('ann')) as ListedRecord[]
      expect(listed.map(({ labels }) => labels)).toEqual(records.map((_, at) => `${at}`))
    }
    for (const [n, { recordId }] of records.entries()) {
      expect(await store.read(recordId)).toMatchObject({ value: `${n}`, version: 2 })
    }
    expect(await store.deleteSubject('ann')).toBe(60)
    expect(await store.deleteAll()).toBe(20)
  })

  it('begins anew on the heap when nothing is left, and goes to cells again', async () => {
    let nowMs = 0
    const store = createTieredStore(() => nowMs, 50)
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 200; n++) {
        await created(store, { idleMs: 1000 })
        if (n === 100) await settled()
      }
      nowMs += 1000
      let removed = 0
      for (let step = 0; step < 400; step++) removed += await store.sweep(1)
      expect(removed).toBe(200)
      expect(await store.deleteAll()).toBe(0)
    }
  })

  it('holds nothing that it was given before everything was deleted', async () => {
    const store = createTieredStore(NOW, 5)
    for (let n = 0; n < 9; n++) await created(store)
    expect(await store.deleteAll()).toBe(9)
    await settled()
    const { recordId } = await created(store, draft())
    expect(await store.read(recordId)).toBeDefined()
    expect(await store.deleteAll()).toBe(1)
  })
})
