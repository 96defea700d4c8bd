import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashOf } from '../../../src/backends/memory/cell.ts'
import { createHashTable } from '../../../src/backends/memory/hash-table.ts'
import { createSlab } from '../../../src/backends/memory/slab.ts'
import type { Ref } from '../../../src/backends/memory/slab.ts'
import { created } from '../../../src/testing/store-contract/draft.ts'
import { createCellStore } from './cell-store.ts'

/** A table of so many cells, each with a hash that it shares with some. */
function createFilled(count: number) {
  const slab = createSlab()
  const hashes = new Map<Ref, number>()
  const table = createHashTable(slab, 4, (ref) => hashes.get(ref)!)
  for (let n = 0; n < count; n++) {
    const ref = slab.allocate(27)
    hashes.set(ref, hashOf(`${n % Math.ceil(count / 3)}`))
    table.insert(ref)
  }
  const found = (hash: number): Ref[] => {
    const refs: Ref[] = []
    for (let ref = table.first(hash); ref !== 0; ref = table.next(ref)) refs.push(ref)
    return refs.filter((ref) => hashes.get(ref) === hash).toSorted((a, b) => a - b)
  }
  const expected = (hash: number): Ref[] =>
    [...hashes]
      .filter(([, own]) => own === hash)
      .map(([ref]) => ref)
      .toSorted((a, b) => a - b)
  return { table, hashes, found, expected }
}

/** Two names of the same hash, which are another two in each process. */
function namesakes(): [string, string] {
  const names = new Map<number, string>()
  for (;;) {
    const name = randomUUID()
    const other = names.get(hashOf(name))
    if (other !== undefined) return [other, name]
    names.set(hashOf(name), name)
  }
}

describe('createHashTable', () => {
  it.each([1, 1023, 1024, 1025, 2049, 4500])('finds each of %d cells', (count) => {
    const { hashes, found, expected } = createFilled(count)
    for (const hash of [...new Set(hashes.values())].slice(0, 50)) {
      expect(found(hash)).toEqual(expected(hash))
    }
  })

  it('finds the others when some are removed, in any order', () => {
    const property = fc.property(fc.infiniteStream(fc.nat()), (draws) => {
      const { table, hashes, found, expected } = createFilled(60)
      for (const draw of draws) {
        const left = [...hashes.keys()]
        if (left.length === 0) break
        const ref = left[draw % left.length]!
        const hash = hashes.get(ref)!
        table.remove(ref)
        hashes.delete(ref)
        expect(found(hash)).toEqual(expected(hash))
      }
    })
    fc.assert(property, { numRuns: 20 })
  })
})

describe('a memory store in cells', () => {
  it('tells subjects of the same hash apart', async () => {
    const store = await createCellStore(() => 0)
    const [ann, bob] = namesakes()
    const { recordId } = await created(store, { subject: ann })
    await created(store, { subject: bob })
    expect(await store.list(ann)).toMatchObject([{ recordId }])
    expect(await store.deleteSubject(bob)).toBe(1)
    expect(await store.updateSecurity(recordId, { subject: bob }, 1)).toMatchObject({ ok: true })
    expect(await store.list(ann)).toEqual([])
    expect(await store.list(bob)).toMatchObject([{ recordId }])
  })

  it('takes a record from its subject where it lies', async () => {
    const store = await createCellStore(() => 0)
    const records = []
    for (let n = 0; n < 3; n++)
      records.push(await created(store, { subject: 'annabel', labels: null }))
    // As many bytes as before, so that it stays in its cell.
    const change = { subject: null, labels: 'annabel' }
    const { recordId } = records[1]!
    expect(await store.updateSecurity(recordId, change, 1)).toMatchObject({ ok: true })
    expect(await store.delete(recordId)).toBe(true)
    await created(store, { subject: 'bob', labels: null })
    const left = (await store.list('annabel')).map((listed) => listed.recordId)
    expect(left).toEqual([records[0]!.recordId, records[2]!.recordId])
  })

  it('finds no record by an id that only begins like its own', async () => {
    const store = await createCellStore(() => 0)
    const { recordId } = await created(store)
    // One in 1024 meets it in its chain.
    const found: unknown[] = []
    for (let n = 0; n < 10_000; n++) found.push(await store.read(`${recordId}${n}` as never))
    expect(found.filter((record) => record !== undefined)).toEqual([])
  })
})
