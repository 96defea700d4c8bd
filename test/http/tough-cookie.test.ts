import * as fc from 'fast-check'
import { Cookie as Judge, CookieJar } from 'tough-cookie'
import { describe, expect, it } from 'vitest'
import { checkCookie } from '../../src/http/cookie-options.ts'
import type { CookieOptions } from '../../src/http/cookie-options.ts'
import { serializeSetCookie } from '../../src/http/set-cookie.ts'

const URL = 'https://www.example.com/app/page'

const names = fc.constantFrom('sid', '__Secure-sid', '__Http-sid', "!#$%&'*+-.^_`|~")
const options: fc.Arbitrary<CookieOptions> = fc.record(
  {
    name: names,
    path: fc.constantFrom('/', '/app', '/app/page', '/a b"c'),
    domain: fc.constantFrom('example.com', 'www.example.com'),
    sameSite: fc.constantFrom('strict', 'lax', 'none'),
    partitioned: fc.boolean(),
    priority: fc.constantFrom('low', 'medium', 'high'),
  },
  { requiredKeys: ['name'] },
)
const loose: fc.Arbitrary<CookieOptions> = fc.record({
  name: fc.constantFrom('sid', 'a'),
  secure: fc.boolean(),
  httpOnly: fc.boolean(),
  sameSite: fc.constantFrom('strict', 'lax'),
})
const OCTETS = 'abcXYZ0129-_.~!#$%&()*+/:<=>?@[]^`{|}'
const values = fc.string({
  unit: fc.constantFrom(...OCTETS.split('')),
  maxLength: 40,
})
const maxAges = fc.option(fc.integer({ min: 0, max: 34_560_000 }), { nil: undefined })

/** What tough-cookie, an independent reader, makes of a line in its strict mode. */
function judged(line: string): Judge {
  const cookie = Judge.parse(line, { loose: false })
  if (cookie === undefined) throw new Error('tough-cookie cannot read the header')
  return cookie
}

describe('serializeSetCookie, read by tough-cookie', () => {
  it('means what was asked for, attribute by attribute', () => {
    fc.assert(
      fc.property(fc.oneof(options, loose), values, maxAges, (given, value, maxAge) => {
        const cookie = checkCookie(given)
        const read = judged(serializeSetCookie(cookie, value, maxAge))
        const extensions = [
          ...(cookie.partitioned ? ['Partitioned'] : []),
          ...(cookie.priority === undefined ? [] : [`Priority=${cookie.priority}`]),
        ]
        expect({
          key: read.key,
          value: read.value,
          path: read.path,
          domain: read.domain,
          secure: read.secure,
          httpOnly: read.httpOnly,
          sameSite: read.sameSite,
          maxAge: read.maxAge,
          expires: read.expires,
          extensions: read.extensions ?? [],
        }).toStrictEqual({
          key: cookie.name,
          value,
          path: cookie.path,
          domain: cookie.domain ?? null,
          secure: cookie.secure,
          httpOnly: cookie.httpOnly,
          sameSite: cookie.sameSite.toLowerCase(),
          maxAge: maxAge ?? null,
          expires: maxAge === 0 ? new Date(0) : 'Infinity',
          extensions,
        })
      }),
      { numRuns: 2000 },
    )
  })

  const kinds: readonly CookieOptions[] = [
    {},
    { name: 'sid' },
    { name: 'sid', path: '/app' },
    { name: 'sid', domain: 'example.com' },
    { name: '__Secure-sid', domain: 'www.example.com', path: '/app' },
    { name: 'sid', sameSite: 'none', partitioned: true, priority: 'high' },
  ]
  it.each(kinds)('is removed from a jar by the removal of the same options: %j', async (given) => {
    const jar = new CookieJar(undefined, { prefixSecurity: 'strict' })
    const cookie = checkCookie(given)
    await jar.setCookie(serializeSetCookie(cookie, 'value', 3600), URL)
    expect(await jar.getCookieString(URL)).toBe(`${cookie.name}=value`)
    await jar.setCookie(serializeSetCookie(cookie, '', 0), URL)
    expect(await jar.getCookies(URL)).toStrictEqual([])
    expect((await jar.serialize()).cookies).toStrictEqual([])
  })

  it('is not removed by a removal for another path or domain', async () => {
    for (const [kept, removed] of [
      [{ name: 'sid', path: '/app' }, { name: 'sid' }],
      [{ name: 'sid' }, { name: 'sid', path: '/app' }],
      [{ name: 'sid', domain: 'example.com' }, { name: 'sid' }],
    ] satisfies [CookieOptions, CookieOptions][]) {
      const jar = new CookieJar()
      await jar.setCookie(serializeSetCookie(checkCookie(kept), 'value', 3600), URL)
      await jar.setCookie(serializeSetCookie(checkCookie(removed), '', 0), URL)
      expect(await jar.getCookieString(URL)).toBe('sid=value')
    }
  })

  it('keeps every prefix acceptable to a jar that enforces them', async () => {
    for (const name of ['__Host-a', '__Secure-a', '__Http-a', '__Host-Http-a']) {
      const jar = new CookieJar(undefined, { prefixSecurity: 'strict' })
      await jar.setCookie(serializeSetCookie(checkCookie({ name }), 'value'), URL)
      expect(await jar.getCookieString(URL)).toBe(`${name}=value`)
    }
  })
})
