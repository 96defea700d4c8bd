import { assert, boolean, jsonValue, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Codec } from '../../src/core/codec.ts'
import { assertWellFormed, decodeValue, encodeValue, jsonCodec } from '../../src/core/codec.ts'
import { InvalidValueError } from '../../src/core/errors.ts'

function caught(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

function accepts(text: string): boolean {
  try {
    assertWellFormed(text)
    return true
  } catch {
    return false
  }
}

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

describe('jsonCodec', () => {
  it('brings every JSON value back', () => {
    assert(
      property(jsonValue(), (value) => {
        const wire = JSON.parse(JSON.stringify(value)) as unknown
        expect(decodeValue(jsonCodec, encodeValue(jsonCodec, value))).toEqual(wire)
      }),
    )
  })

  it('keeps null, false, 0 and the empty string apart from no value', () => {
    for (const value of [null, false, 0, '']) {
      expect(decodeValue(jsonCodec, encodeValue(jsonCodec, value))).toBe(value)
    }
  })

  it('writes plain JSON', () => {
    expect(encodeValue(jsonCodec, { a: [1, 'é😀', null] })).toBe('{"a":[1,"é😀",null]}')
  })

  it('escapes a lone surrogate inside a value, and brings it back', () => {
    const text = encodeValue(jsonCodec, 'a\ud800b')
    expect(text.isWellFormed()).toBe(true)
    expect(decodeValue(jsonCodec, text)).toBe('a\ud800b')
  })
})

describe('encodeValue', () => {
  it.each([
    ['undefined', undefined, '"value" has no encoding in the codec'],
    ['a function', () => {}, '"value" has no encoding in the codec'],
    ['a symbol', Symbol('s'), '"value" has no encoding in the codec'],
    ['what hides itself from JSON', { toJSON: () => undefined }, '"value" has no encoding'],
    ['a cyclic object', cyclic, '"value" cannot be encoded by the codec'],
    ['a BigInt', 5n, '"value" cannot be encoded by the codec'],
  ])('refuses %s with InvalidValueError and no cause', (_, value, message) => {
    const error = caught(() => encodeValue(jsonCodec, value))
    expect(error).toBeInstanceOf(InvalidValueError)
    expect(error.message).toContain(message)
    expect(error).not.toHaveProperty('cause')
  })

  it.each([undefined, null, 5, Buffer.from('x'), new String('x'), ['x']])(
    'refuses a codec that makes %s',
    (made) => {
      const codec = { encode: () => made, decode: () => 1 } as unknown as Codec<number>
      expect(() => encodeValue(codec, 1)).toThrow('"value" has no encoding in the codec')
    },
  )

  it.each(['\ud800', 'a\udfffb', '\udc00\ud800'])('refuses a lone surrogate (case %#)', (text) => {
    const codec: Codec<string> = { encode: (value) => value, decode: (given) => given }
    expect(() => encodeValue(codec, text)).toThrow(InvalidValueError)
    expect(() => encodeValue(codec, text)).toThrow('"value" contains a lone surrogate')
  })

  it('decodes what another codec makes, so that nothing is stored that cannot be read', () => {
    const seen: string[] = []
    const codec: Codec<number> = {
      encode: (value) => `n${value}`,
      decode: (text) => {
        seen.push(text)
        return Number(text.slice(1))
      },
    }
    expect(encodeValue(codec, 7)).toBe('n7')
    expect(seen).toEqual(['n7'])
  })

  it('refuses what its codec cannot decode', () => {
    const codec: Codec<number> = {
      encode: () => '{',
      decode: JSON.parse as Codec<number>['decode'],
    }
    const error = caught(() => encodeValue(codec, 1))
    expect(error).toBeInstanceOf(InvalidValueError)
    expect(error).not.toHaveProperty('cause')
  })

  it('decodes nothing of what JSON makes', () => {
    const parse = JSON.parse
    let parsed = 0
    JSON.parse = () => parsed++
    try {
      encodeValue(jsonCodec, { a: 1 })
    } finally {
      JSON.parse = parse
    }
    expect(parsed).toBe(0)
  })
})

describe('decodeValue', () => {
  it.each(['{"secret": tru', '', 'undefined', "'secret'", '{"secret":1}{'])(
    'refuses text that is no JSON without quoting it (case %#)',
    (text) => {
      const error = caught(() => decodeValue(jsonCodec, text))
      expect(error).toBeInstanceOf(InvalidValueError)
      expect(error.message).toBe('the stored value cannot be decoded by the codec')
      expect(error).not.toHaveProperty('cause')
      expect(error.stack).not.toContain('secret')
    },
  )

  it('refuses undefined, which is no value', () => {
    const codec: Codec<unknown> = { encode: String, decode: () => undefined }
    expect(() => decodeValue(codec, 'x')).toThrow(InvalidValueError)
    expect(() => decodeValue(codec, 'x')).toThrow('the stored value decodes to undefined')
  })

  it('accepts null', () => expect(decodeValue(jsonCodec, 'null')).toBeNull())
})

describe('assertWellFormed', () => {
  it.each(['', 'a', '\0', '😀', '\ud83d\ude00', '\uffff'])('accepts %j', (text) => {
    expect(() => assertWellFormed(text)).not.toThrow()
  })

  it('refuses exactly the strings that change on their way through UTF-8', () => {
    assert(
      property(string({ unit: 'binary' }), boolean(), (text, broken) => {
        const given = broken ? `${text}\udead` : text
        const back = Buffer.from(given, 'utf8').toString('utf8')
        expect(accepts(given)).toBe(back === given)
      }),
    )
  })
})
