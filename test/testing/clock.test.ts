import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../src/testing/index.ts'

describe('createTestClock', () => {
  it('stands still until it is advanced', () => {
    const clock = createTestClock()
    const start = clock.now()
    expect(start).toBe(Date.UTC(2026, 0, 1))
    expect(clock.now()).toBe(start)
  })

  it('moves by whole and by parts of seconds, and never back', () => {
    const clock = createTestClock(1000)
    clock.advance(2)
    expect(clock.now()).toBe(3000)
    clock.advance(0.001)
    expect(clock.now()).toBe(3001)
    clock.advance(0)
    expect(clock.now()).toBe(3001)
    expect(() => clock.advance(-1)).toThrow(RangeError)
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError)
    expect(clock.now()).toBe(3001)
  })
})
