// The assertions that stand in for Vitest's, beside Vitest's own: they agree on what holds and on what does not.
import { describe, expect, it } from 'vitest'
import { expect as ours } from './expect.ts'

type Attempt = (of: typeof ours) => void

const MATCHING = /^a+$/

const HOLDS: readonly Attempt[] = [
  (of) => of(NaN).toBe(NaN),
  (of) => of(1).not.toBe(2),
  (of) => of(undefined).toBeUndefined(),
  (of) => of('abc').toContain('b'),
  (of) => of([1, 2]).toContain(2),
  (of) => of({ a: 1, b: undefined }).toEqual({ a: 1 }),
  (of) => of([1]).toHaveLength(1),
  (of) => of('aa').toMatch(MATCHING),
  (of) => of({ a: { b: 1, c: 2 }, d: 3 }).toMatchObject({ a: { b: 1 } }),
  (of) => of({ a: [1, { b: 'aa' }] }).toStrictEqual({ a: [1, { b: of.stringMatching(MATCHING) }] }),
  (of) => of(new Set([1, 2])).toStrictEqual(new Set([2, 1])),
]

const FAILS: readonly Attempt[] = [
  (of) => of(0).toBe(-0),
  (of) => of(1).not.toBe(1),
  (of) => of(null).toBeUndefined(),
  (of) => of('abc').toContain('d'),
  (of) => of([1, 2]).toContain(3),
  (of) => of({ a: 1, b: null }).toEqual({ a: 1 }),
  (of) => of({ a: 1 }).toEqual({ a: 1, b: 2 }),
  (of) => of([]).toHaveLength(1),
  (of) => of('b').toMatch(MATCHING),
  (of) => of({ a: { b: 2 } }).toMatchObject({ a: { b: 1 } }),
  (of) => of(undefined).toMatchObject({ a: 1 }),
  (of) => of({ a: 1, b: undefined }).toStrictEqual({ a: 1 }),
  (of) => of({ a: 1 }).toStrictEqual({ a: 1, b: undefined }),
  (of) => of([1, 2]).toStrictEqual([1]),
  (of) => of([1]).toStrictEqual([1, 2]),
  (of) => of([]).toStrictEqual({}),
  (of) => of(['b']).toStrictEqual([of.stringMatching(MATCHING)]),
  (of) => of([1]).toStrictEqual([of.stringMatching(MATCHING)]),
  (of) => of(new Set([1])).toStrictEqual(new Set([2])),
  (of) => of(new Map()).toStrictEqual({}),
]

const theirs = expect as unknown as typeof ours

function fails(attempt: Attempt, of: typeof ours): boolean {
  try {
    attempt(of)
    return false
  } catch {
    return true
  }
}

describe('expect', () => {
  it.each(HOLDS.map((attempt) => [attempt]))('accepts %s', (attempt) => {
    expect([theirs, ours].map((of) => fails(attempt, of))).toEqual([false, false])
  })

  it.each(FAILS.map((attempt) => [attempt]))('refuses %s', (attempt) => {
    expect([theirs, ours].map((of) => fails(attempt, of))).toEqual([true, true])
  })

  it('tells a rejection from a result', async () => {
    await ours(Promise.reject(new Error('was aborted'))).rejects.toThrow('aborted')
    await expect(ours(Promise.resolve(1)).rejects.toThrow('aborted')).rejects.toThrow('nothing')
    const other = Promise.reject(new Error('refused'))
    await expect(ours(other).rejects.toThrow('aborted')).rejects.toThrow('refused')
  })
})
