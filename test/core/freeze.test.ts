import { assert, jsonValue, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freezeDeeply } from '../../src/core/freeze.ts'

const READ_ONLY = 'the value of a session is read-only: write it with set or update'

/** The objects in a JSON value that are not frozen. */
function openIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return [...(Object.isFrozen(value) ? [] : [value]), ...Object.values(value).flatMap(openIn)]
}

describe('freezeDeeply', () => {
  it('freezes everything in a JSON value, and changes nothing', () => {
    assert(
      property(jsonValue(), (value) => {
        const text = JSON.stringify(value)
        expect(freezeDeeply(value)).toBe(value)
        expect(openIn(value)).toEqual([])
        expect(JSON.stringify(value)).toBe(text)
      }),
    )
  })

  it('goes on behind undefined, null and what is frozen already', () => {
    const inner = { n: 1 }
    const value = freezeDeeply([undefined, null, Object.freeze({ inner }), undefined])
    expect(Object.isFrozen(inner)).toBe(true)
    expect(value[2]?.inner).toBe(inner)
  })

  it('ends on a value that holds itself', () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = [cyclic]
    expect(Object.isFrozen(freezeDeeply(cyclic).self)).toBe(true)
  })

  it('goes as deep as JSON can be read', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown[]
    expect(Object.isFrozen(freezeDeeply(deep)[0])).toBe(true)
  })

  it('makes maps and sets refuse changes, and freezes what they hold', () => {
    const map = new Map([[{ key: 1 }, { value: 1 }]])
    const set = new Set([{ member: 1 }])
    freezeDeeply({ map, set })
    expect(() => map.set({ key: 2 }, { value: 2 })).toThrow(READ_ONLY)
    expect(() => map.clear()).toThrow(READ_ONLY)
    for (const key of map.keys()) expect(() => map.delete(key)).toThrow(TypeError)
    expect(() => set.add({ member: 2 })).toThrow(READ_ONLY)
    expect([...map.keys(), ...map.values(), ...set].every((held) => Object.isFrozen(held))).toBe(
      true,
    )
    expect([map.size, set.size]).toEqual([1, 1])
  })

  it('leaves a map as equal as it was, and its copy open', () => {
    const map = freezeDeeply(new Map([['a', 1]]))
    expect(map).toEqual(new Map([['a', 1]]))
    expect(structuredClone(map).set('b', 2).size).toBe(2)
    expect(new Map(map).set('b', 2).size).toBe(2)
  })

  it('makes a date refuse to be set', () => {
    const date = freezeDeeply(new Date(0))
    expect(() => date.setTime(1)).toThrow(READ_ONLY)
    expect(() => date.setUTCHours(1)).toThrow(READ_ONLY)
    expect(date).toEqual(new Date(0))
    expect(date.toISOString()).toBe('1970-01-01T00:00:00.000Z')
  })

  it('leaves bytes and functions as they are, and calls no getter', () => {
    const run = (): void => {}
    const bytes = Uint8Array.of(1)
    const value = {
      run,
      bytes,
      get never(): unknown {
        throw new Error('called')
      },
    }
    expect(freezeDeeply(value)).toBe(value)
    expect(Object.isFrozen(run)).toBe(false)
    bytes[0] = 2
    expect([...bytes]).toEqual([2])
  })

  it.each([undefined, null, 1, 'a', true, 1n, Symbol('s')])('gives %o back', (value) => {
    expect(freezeDeeply(value)).toBe(value)
  })
})
