import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkName, chunksOf, cookiesFor, joinChunks } from '../../src/http/chunked-cookie.ts'
import { readCookies } from '../../src/http/cookie-header.ts'
import { checkCookie } from '../../src/http/cookie-options.ts'
import { serializeSetCookie } from '../../src/http/set-cookie.ts'
import { cookieHeaders, LONG } from './hostile-headers.ts'

const NAME = '__Host-session'
const OCTETS = "!#$%&'()*+-./0123456789:<=>?@ABCZ[]^_`abcz{|}~"

/** The `Cookie` header that carries `value`. */
function headerOf(value: string, name = NAME): string {
  const pairs = chunksOf(name, value).map((chunk, at) => `${chunkName(name, at)}=${chunk}`)
  return pairs.join('; ')
}

/** What the cookies called `name` in a header are read as. */
function joined(header: string, name = NAME): string[] {
  return readCookies(header, name).map((value) => joinChunks(header, name, value))
}

/** A text of `length` characters that differs from place to place. */
function long(length: number, seed = 'a'): string {
  let text = ''
  for (let at = 0; text.length < length; at++) text += `${seed}${at}.`
  return text.slice(0, length)
}

const values = fc.oneof(
  fc.string({ unit: fc.constantFrom(...OCTETS.split('')), minLength: 6, maxLength: 60 }),
  fc.integer({ min: 6, max: 15_000 }).map((length) => long(length)),
  fc.integer({ min: 4070, max: 4100 }).map((length) => `~${long(length)}`),
)

describe('chunksOf and joinChunks', () => {
  it('bring back every value, in cookies that browsers take', () => {
    fc.assert(
      fc.property(
        values,
        fc.constantFrom(NAME, 's', `__Secure-${'n'.repeat(200)}`),
        (value, name) => {
          const chunks = chunksOf(name, value)
          // What the longest of the names leaves of one.
          expect(chunks.length).toBeLessThanOrEqual(Math.max(1, Math.ceil(value.length / 3799)))
          for (const [at, chunk] of chunks.entries()) {
            const cookie = checkCookie({ name: chunkName(name, at) })
            // It throws for more than 4096 bytes of name and value.
            const line = serializeSetCookie(cookie, chunk, 34_560_000)
            expect(line.length).toBeLessThanOrEqual(4096)
            expect(line).toContain(`${chunkName(name, at)}=`)
          }
          expect(joined(headerOf(value, name), name).join(' ') === value).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keep a value that fits one cookie as it is', () => {
    const value = long(4020 - NAME.length)
    expect(chunksOf(NAME, value)).toEqual([value])
    expect(chunksOf(NAME, `${value}x`)).toHaveLength(2)
  })

  it('bring back a value that looks like a part of one', () => {
    for (const value of ['~2~AAAAAA~x', '~1~AAAAAA~x', 'AAAAAA~x']) {
      expect(joined(headerOf(value))).toEqual([value])
    }
  })

  it('keep the prefix of the name, which browsers go by', () => {
    expect([0, 1, 2].map((at) => chunkName(NAME, at))).toEqual([
      '__Host-session',
      '__Host-session.1',
      '__Host-session.2',
    ])
  })
})

describe('joinChunks', () => {
  const value = long(9000)
  const [first = '', second = '', third = ''] = headerOf(value).split('; ')

  it('takes the cookies in any order, among others', () => {
    expect(joined([third, 'a=b', second, first, 'c=d'].join('; '))).toEqual([value])
  })

  it('passes over what a longer value has left behind', () => {
    const stale = `${NAME}.1=${long(100)}; ${NAME}.2=${long(100)}; ${NAME}.3=x`
    expect(joined(`${headerOf('short')}; ${stale}`)).toEqual(['short'])
  })

  it('gives no value when a part is missing, and none that is part of it', () => {
    for (const header of [first, [first, third].join('; '), [first, second].join('; ')]) {
      expect(joined(header)).toEqual([first.slice(NAME.length + 1)])
    }
    expect(joined([second, third].join('; '))).toEqual([])
  })

  it('does not put parts of two values together', () => {
    const other = headerOf(long(9000, 'b')).split('; ')
    const header = [first, other[1], third].join('; ')
    expect(joined(header)).toEqual([first.slice(NAME.length + 1)])
  })

  it('finds its own part beside one that another host has planted', () => {
    const planted = `${NAME}.1=AAAAAA~planted`
    expect(joined([first, planted, second, third].join('; '))).toEqual([value])
    expect(joined([planted, planted, third, second, first].join('; '))).toEqual([value])
  })

  it('gives each of two sets with its own parts', () => {
    const other = long(9000, 'b')
    const header = `${headerOf(other)}; ${headerOf(value)}`
    expect(joined(header)).toEqual([other, value])
  })

  it.each([
    '~',
    '~~',
    '~2',
    '~2~',
    '~9~AAAAAA~x',
    '~0~AAAAAA~x',
    '~2~short~',
    '~ ~AAAAAA~x',
    '~NaN~',
  ])('takes %j for no frame', (text) => {
    expect(joinChunks(`${NAME}=${text}; ${NAME}.1=AAAAAA~y`, NAME, text)).toBe(text)
  })

  it('never throws, and never makes more than the header holds', () => {
    const given = [first, second, third].map((pair) => pair.slice(pair.indexOf('=') + 1))
    const headers = cookieHeaders('s', [...given, '~2~AAAAAA~', 'AAAAAA~x', '~4~'])
    fc.assert(
      fc.property(headers, (header) => {
        for (const text of joined(header, 's'))
          expect(text.length).toBeLessThanOrEqual(header.length)
      }),
      { numRuns: 10_000 },
    )
  })

  it('takes linear time for a hostile header', () => {
    const time = (size: number): number => {
      const header = `s=~4~AAAAAA~x; ${`s.1=AAAAAB~; `.repeat(size / 13)}`
      const start = performance.now()
      for (let run = 0; run < 20; run++) joined(header, 's')
      return performance.now() - start
    }
    time(LONG)
    expect(time(LONG * 4)).toBeLessThan(time(LONG) * 40 + 50)
  })
})

describe('cookiesFor', () => {
  it('says how many cookies a value may take', () => {
    expect([100, 4006, 4007, 7168, 12_288].map((length) => cookiesFor(NAME, length))).toEqual([
      1, 1, 2, 2, 4,
    ])
  })

  it.each([
    [NAME, 17_000],
    ['n'.repeat(2000), 12_288],
    ['n'.repeat(4090), 7168],
  ])('refuses a name and a length that four cookies cannot carry', (name, length) => {
    expect(() => cookiesFor(name, length)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_INVALID_COOKIE' }),
    )
  })
})
