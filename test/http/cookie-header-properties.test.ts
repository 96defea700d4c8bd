import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCookie, readCookies } from '../../src/http/cookie-header.ts'
import { checkCookie } from '../../src/http/cookie-options.ts'
import { serializeSetCookie } from '../../src/http/set-cookie.ts'
import { cookieHeaders, hostileHeaders, LONG, readCookiesNaively } from './hostile-headers.ts'

const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz"
const OCTETS = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code)).filter((one) =>
  /[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]/.test(one),
)
const VALUES = ['key', '', 'a=b', `${'r'.repeat(22)}.${'s'.repeat(43)}`]

const tokens = fc
  .string({ unit: fc.constantFrom(...TOKEN.split('')), minLength: 1, maxLength: 20 })
  .filter((name) => !name.toLowerCase().startsWith('__'))
const cookieValues = fc.string({ unit: fc.constantFrom(...OCTETS), maxLength: 80 })

describe('readCookies', () => {
  it('gives back what serializeSetCookie wrote, between any other cookies', () => {
    const others = fc.array(fc.tuple(tokens, cookieValues), { maxLength: 5 })
    fc.assert(
      fc.property(tokens, cookieValues, others, others, (name, value, before, after) => {
        const [pair = ''] = serializeSetCookie(checkCookie({ name }), value).split(';')
        const rest = (pairs: [string, string][]): string[] =>
          pairs.filter(([other]) => other !== name).map((both) => both.join('='))
        const header = [...rest(before), pair, ...rest(after)].join('; ')
        expect(readCookies(header, name)).toStrictEqual([value])
      }),
      { numRuns: 2000 },
    )
  })

  it('agrees with a naive parser on 100,000 generated headers', () => {
    const names = ['__Host-session', 'a', 'aa', 'aba', '__proto__', 'constructor', '']
    for (const name of names) {
      fc.assert(
        fc.property(cookieHeaders(name, VALUES), (header) => {
          const found = readCookies(header, name)
          const naive = readCookiesNaively(header, name)
          const same =
            found.length === naive.length && found.every((value, n) => value === naive[n])
          expect(same).toBe(true)
        }),
        { numRuns: Math.ceil(100_000 / names.length) },
      )
    }
  })

  it('agrees with a naive parser on names of any text', () => {
    const bits = fc.string({ unit: fc.constantFrom('a', 'b', '"', '\0', '\uD800'), maxLength: 4 })
    fc.assert(
      fc.property(bits, fc.array(bits, { maxLength: 12 }), fc.array(fc.nat(5)), (name, all, at) => {
        const joints = ['=', ';', ' ', '\t', '; ', name]
        const header = all.map((text, n) => text + (joints[at[n] ?? 0] ?? '')).join('')
        expect(readCookies(header, name)).toStrictEqual(readCookiesNaively(header, name))
      }),
      { numRuns: 20_000 },
    )
  })

  it('agrees with a naive parser on 64 KiB of what invites quadratic work', () => {
    for (const header of hostileHeaders('__Host-session', 'key', LONG).values()) {
      const naive = readCookiesNaively(header, '__Host-session')
      expect(readCookies(header, '__Host-session')).toStrictEqual(naive)
    }
  })

  it('never throws, whatever the text and the name', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 })
    fc.assert(
      fc.property(text, text, (header, name) => {
        for (const value of readCookies(header, name)) expect(header).toContain(value)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('readCookie', () => {
  it('gives the first of the values of readCookies', () => {
    fc.assert(
      fc.property(cookieHeaders('a', VALUES), (header) => {
        expect(readCookie(header, 'a')).toBe(readCookies(header, 'a')[0])
      }),
      { numRuns: 2000 },
    )
  })
})
