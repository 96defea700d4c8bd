import { describe, expect, it } from 'vitest'
import { InvalidPeriodError } from '../../src/core/errors.ts'
import {
  assertExpiry,
  assertPeriod,
  MAX_PERIOD,
  ONE_WEEK,
  periodLeft,
  THIRTY_DAYS,
} from '../../src/core/period.ts'

const NO_PERIODS = [
  0.5,
  1.5,
  34_560_001,
  2 ** 53,
  Number.MAX_VALUE,
  NaN,
  Infinity,
  -Infinity,
  '5',
  '',
  null,
  undefined,
  true,
  5n,
  [5],
  {},
  new Date(5),
]

describe('periods', () => {
  it('are seconds', () => {
    expect([ONE_WEEK, THIRTY_DAYS, MAX_PERIOD]).toEqual([604_800, 2_592_000, 34_560_000])
  })
})

describe('assertPeriod', () => {
  it.each([1, 2, 60, 604_800, 34_559_999, 34_560_000])('accepts %d', (period) => {
    expect(() => assertPeriod('expiry', period)).not.toThrow()
  })

  it.each([0, -0, -1, -604_800, ...NO_PERIODS])('refuses %s', (period) => {
    expect(() => assertPeriod('expiry', period)).toThrow(InvalidPeriodError)
    expect(() => assertPeriod('expiry', period)).toThrow(
      '"expiry" must be a whole number of seconds from 1 to 34560000',
    )
  })
})

describe('assertExpiry', () => {
  it.each([1, 0, -0, -1, -1000, -(2 ** 53 - 1), 34_560_000])('accepts %d', (expiry) => {
    expect(() => assertExpiry('expiry', expiry)).not.toThrow()
  })

  it.each([-1.5, -(2 ** 53), ...NO_PERIODS])('refuses %s', (expiry) => {
    expect(() => assertExpiry('expiry', expiry)).toThrow(InvalidPeriodError)
    expect(() => assertExpiry('expiry', expiry)).toThrow(
      '"expiry" must be a whole number of seconds up to 34560000',
    )
  })
})

describe('periodLeft', () => {
  it.each([
    [1000, 0, 1],
    [1001, 0, 2],
    [1, 0, 1],
    [0, 0, 0],
    [1_800_000_001_999, 1_800_000_000_000, 2],
    [0, 1, 0],
    [0, 5000, 0],
  ])('counts from %d at %d: %d', (expiresAtMs, nowMs, expected) => {
    expect(periodLeft(expiresAtMs, nowMs)).toBe(expected)
  })
})
