import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { generateKey, handleOf, parseKey, secretHashOf } from '../../src/core/key.ts'
import type { StoredRecord } from '../../src/core/store.ts'
import type { SessionFound } from '../../src/core/session-backend.ts'
import { foundOf, isAuthorised, summaryOf } from '../../src/core/stored-record.ts'

const key = generateKey()
const recordId = handleOf(key)
const current = secretHashOf(key)
const previous = secretHashOf(generateKey())
const stranger = secretHashOf(generateKey())

function recordWith({
  security,
  ...rest
}: {
  [Name in keyof StoredRecord]?: Name extends 'security'
    ? Partial<StoredRecord['security']>
    : StoredRecord[Name]
} = {}): StoredRecord {
  return {
    recordId,
    value: 'text',
    version: 3,
    idleMs: 60_000,
    createdAtMs: 1000,
    expiresAtMs: 61_000,
    deadlineMs: 1_000_000_000,
    securityVersion: 2,
    nowMs: 1000,
    ...rest,
    security: {
      secretHash: current,
      previousHash: null,
      previousUntilMs: null,
      subject: null,
      authenticatedAtMs: null,
      labels: null,
      extra: null,
      ...security,
    },
  }
}

describe('isAuthorised', () => {
  it('accepts the current secret, and no other', () => {
    expect(isAuthorised(recordWith(), current)).toBe(true)
    expect(isAuthorised(recordWith(), stranger)).toBe(false)
  })

  it.each([
    ['a millisecond before its grace is over', 5001, true],
    ['when its grace is over', 5000, false],
    ['after its grace', 4999, false],
    ['with no end of grace', null, true],
  ])('judges the previous secret %s', (_, previousUntilMs, expected) => {
    const record = recordWith({
      nowMs: 5000,
      security: { previousHash: previous, previousUntilMs },
    })
    expect(isAuthorised(record, previous)).toBe(expected)
    expect(isAuthorised(record, current)).toBe(true)
    expect(isAuthorised(record, stranger)).toBe(false)
  })
})

function found(record: StoredRecord, value: string): SessionFound {
  return foundOf(record, value, key, parseKey(key)!)
}

describe('foundOf', () => {
  it('reports a record that nobody owns', () => {
    expect(found(recordWith(), 'text')).toEqual({
      ok: true,
      value: 'text',
      period: 60,
      version: 3,
      facts: {
        createdAtMs: 1000,
        subject: undefined,
        authenticatedAtMs: undefined,
        nowMs: 1000,
        labels: {},
        securityVersion: 2,
        extra: {},
      },
      touchDue: undefined,
    })
  })

  it('reports owner, authentication and labels', () => {
    const security = { subject: 'ann', authenticatedAtMs: 0, labels: '{"device":"phone"}' }
    expect(found(recordWith({ security }), '').facts).toEqual({
      createdAtMs: 1000,
      subject: 'ann',
      authenticatedAtMs: 0,
      nowMs: 1000,
      labels: { device: 'phone' },
      securityVersion: 2,
      extra: {},
    })
  })

  it('rounds the period up, so that a live record never shows 0', () => {
    expect(found(recordWith({ nowMs: 60_999, expiresAtMs: 61_000 }), '').period).toBe(1)
    expect(found(recordWith({ nowMs: 59_999, expiresAtMs: 61_000 }), '').period).toBe(2)
    expect(found(recordWith({ nowMs: 60_000, expiresAtMs: 61_000 }), '').period).toBe(1)
  })

  it('shows no hash and no key', () => {
    const shown = found(recordWith({ security: { previousHash: previous } }), 'value')
    const copy = structuredClone(shown)
    const texts = [
      JSON.stringify(shown),
      inspect(shown, { depth: 9, showHidden: true }),
      inspect(copy),
    ]
    for (const secret of [current, previous, key]) {
      for (const text of texts) expect(text).not.toContain(secret)
    }
  })
})

// Seconds of the period, then milliseconds of use after which a touch is due: min(period/2, max(60 s, period/20)).
const TOUCHES: readonly (readonly [period: number, leastMs: number])[] = [
  [1, 500],
  [10, 5000],
  [119, 59_500],
  [120, 60_000],
  [121, 60_000],
  [600, 60_000],
  [1199, 60_000],
  [1200, 60_000],
  [1201, 60_050],
  [1800, 90_000],
  [604_800, 30_240_000],
  [34_560_000, 1_728_000_000],
]

describe('touchDue', () => {
  const deadlineMs = 10 ** 13

  it.each(TOUCHES)('of a period of %d s is due after %d ms', (period, leastMs) => {
    const idleMs = period * 1000
    const at = (usedMs: number) =>
      found(recordWith({ idleMs, expiresAtMs: idleMs, deadlineMs, nowMs: usedMs }), '').touchDue
    expect(at(0)).toBeUndefined()
    expect(at(leastMs - 1)).toBeUndefined()
    expect(at(leastMs)).toEqual({ fromMs: idleMs, toMs: idleMs + leastMs, period })
    expect(at(leastMs + 1)).toEqual({ fromMs: idleMs, toMs: idleMs + leastMs + 1, period })
  })

  it('never leads past the absolute deadline', () => {
    const at = (deadlineMs: number) =>
      found(recordWith({ idleMs: 10_000, expiresAtMs: 10_000, nowMs: 8000, deadlineMs }), '')
    expect(at(18_001).touchDue).toEqual({ fromMs: 10_000, toMs: 18_000, period: 10 })
    expect(at(18_000).touchDue).toEqual({ fromMs: 10_000, toMs: 18_000, period: 10 })
    expect(at(17_999).touchDue).toEqual({ fromMs: 10_000, toMs: 17_999, period: 10 })
    expect(at(15_000).touchDue).toEqual({ fromMs: 10_000, toMs: 15_000, period: 7 })
    expect(at(14_999).touchDue).toBeUndefined()
    expect(at(10_000).touchDue).toBeUndefined()
  })

  it('is never due where the expiry was set beyond the period', () => {
    const record = recordWith({ idleMs: 1000, expiresAtMs: 100_000, nowMs: 50_000, deadlineMs })
    expect(found(record, '').touchDue).toBeUndefined()
  })
})

describe('summaryOf', () => {
  const listed = {
    recordId,
    idleMs: 60_000,
    createdAtMs: 1000,
    expiresAtMs: 75_000,
    deadlineMs: 10 ** 9,
    authenticatedAtMs: null,
    labels: null,
  }

  it('shows dates, labels and the handle', () => {
    expect(summaryOf({ ...listed, authenticatedAtMs: 0, labels: '{"device":"tv"}' })).toEqual({
      handle: recordId,
      createdAt: new Date(1000),
      lastSeenAt: new Date(15_000),
      expiresAt: new Date(75_000),
      authenticatedAt: new Date(0),
      labels: { device: 'tv' },
    })
  })

  it('shows no authentication and no labels where there are none', () => {
    expect(summaryOf(listed)).toMatchObject({ authenticatedAt: undefined, labels: {} })
  })

  it('was last seen at its creation at the earliest, though the deadline has cut its expiry', () => {
    expect(summaryOf({ ...listed, expiresAtMs: 30_000 }).lastSeenAt).toEqual(new Date(1000))
  })
})
