import { describe, expect, it } from 'vitest'
import { createSlab, refOf, unitOf, unitsFor } from '../../../src/backends/memory/slab.ts'

describe('createSlab', () => {
  it('takes a sixteenth more than what is asked for, or the rest of 8 bytes', () => {
    for (let bytes = 1; bytes < 300_000; bytes += bytes < 3000 ? 1 : 97) {
      const taken = unitsFor(bytes) * 8
      expect(taken).toBeGreaterThanOrEqual(bytes)
      expect(taken - bytes).toBeLessThan(Math.max(8, bytes / 16 + 8))
    }
  })

  it('gives no byte to two cells', () => {
    const slab = createSlab()
    const cells = new Map<number, number>()
    for (let n = 0; n < 3000; n++) {
      const units = unitsFor(64 + ((n * 7919) % 3000))
      const ref = slab.allocate(units)
      slab.page(ref).words.fill(n, unitOf(ref) * 2, (unitOf(ref) + units) * 2)
      cells.set(ref, n)
      if (n % 3 !== 0) continue
      const [first] = cells.keys()
      slab.release(first!)
      cells.delete(first!)
    }
    for (const [ref, n] of cells) {
      const { words, cellUnits } = slab.page(ref)
      const own = words.subarray(unitOf(ref) * 2, (unitOf(ref) + cellUnits) * 2)
      expect(own.every((word) => word === n)).toBe(true)
    }
  })

  it('uses again what was given back, and gives up a page with its last cell', () => {
    const slab = createSlab()
    const refs = Array.from({ length: 5000 }, () => slab.allocate(27))
    const pages = slab.pages.length
    for (const ref of refs) slab.release(ref)
    expect(slab.pages.filter(Boolean)).toHaveLength(1)
    for (let n = 0; n < 5000; n++) slab.allocate(27)
    expect(slab.pages.length).toBeLessThanOrEqual(pages)
  })

  it('gives a big cell a page to itself, and that back at once', () => {
    const slab = createSlab()
    const ref = slab.allocate(unitsFor(1_048_576))
    const page = slab.page(ref)
    expect(page.bytes.length).toBe(1_048_576)
    expect(refOf(page, unitOf(ref))).toBe(ref)
    slab.release(ref)
    expect(slab.pages[page.index]).toBeUndefined()
  })

  it('has changed nothing when there is no memory', () => {
    const slab = createSlab()
    const ref = slab.allocate(27)
    expect(() => slab.allocate(2 ** 60)).toThrow(RangeError)
    expect(slab.pages.length).toBe(2)
    expect(slab.allocate(27)).not.toBe(ref)
  })
})
