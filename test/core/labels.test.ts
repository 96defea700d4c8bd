import { describe, expect, it } from 'vitest'
import { BackendError, InvalidValueError } from '../../src/core/errors.ts'
import { decodeLabels, encodeLabels, NO_LABELS } from '../../src/core/labels.ts'
import type { Labels } from '../../src/core/session-backend.ts'

describe('encodeLabels', () => {
  it('keeps no labels as null, and an empty object as itself', () => {
    expect(encodeLabels(undefined)).toBeNull()
    expect(encodeLabels({})).toBe('{}')
  })

  it.each([
    { device: 'phone' },
    { device: '', place: '\0', ['__proto__x']: '😀' },
    { quote: '"\\', lone: '\ud800' },
  ])('writes text that decodeLabels reads back (case %#)', (labels) => {
    const text = encodeLabels(labels)
    expect(text?.isWellFormed()).toBe(true)
    expect(decodeLabels(text)).toEqual(labels)
  })

  it.each([
    null,
    'phone',
    5,
    true,
    [],
    ['a'],
    { device: 5 },
    { device: undefined },
    { a: 'x', b: null },
  ])('refuses %j', (labels) => {
    expect(() => encodeLabels(labels as unknown as Labels)).toThrow(InvalidValueError)
    expect(() => encodeLabels(labels as unknown as Labels)).toThrow(
      '"labels" must be an object of strings',
    )
  })
})

describe('decodeLabels', () => {
  it('reads null as no labels', () => {
    expect(decodeLabels(null)).toBe(NO_LABELS)
    expect(NO_LABELS).toEqual({})
    expect(Object.isFrozen(NO_LABELS)).toBe(true)
  })

  it.each(['', '{', 'phone', 'null', '5', '"phone"', '["phone"]', '{"device":5}'])(
    'reports %j as a fault of the store, without quoting it',
    (text) => {
      expect(() => decodeLabels(text)).toThrow(BackendError)
      expect(() => decodeLabels(text)).toThrow(/^the store gave back labels/)
    },
  )
})
