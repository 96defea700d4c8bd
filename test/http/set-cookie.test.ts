import { describe, expect, it } from 'vitest'
import { InvalidCookieError, InvalidPeriodError } from '../../src/core/errors.ts'
import { checkCookie } from '../../src/http/cookie-options.ts'
import type { CookieOptions } from '../../src/http/cookie-options.ts'
import { isCookieValue, serializeSetCookie } from '../../src/http/set-cookie.ts'

const cookie = checkCookie({ name: 'sid' })
const OCTETS =
  "!#$%&'()*+-./0123456789:<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"

describe('serializeSetCookie', () => {
  const rows: readonly (readonly [string, CookieOptions, string, number | undefined, string])[] = [
    [
      'the defaults',
      {},
      'v',
      60,
      '__Host-session=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax',
    ],
    ['no Max-Age', {}, 'v', undefined, '__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Lax'],
    [
      'a path',
      { name: 'sid', path: '/app' },
      'v',
      1,
      'sid=v; Max-Age=1; Path=/app; Secure; HttpOnly; SameSite=Lax',
    ],
    [
      'a domain',
      { name: 'sid', domain: 'a.example' },
      'v',
      1,
      'sid=v; Max-Age=1; Domain=a.example; Path=/; Secure; HttpOnly; SameSite=Lax',
    ],
    [
      'no Secure',
      { name: 'sid', secure: false },
      'v',
      1,
      'sid=v; Max-Age=1; Path=/; HttpOnly; SameSite=Lax',
    ],
    [
      'no HttpOnly',
      { name: 'sid', httpOnly: false },
      'v',
      1,
      'sid=v; Max-Age=1; Path=/; Secure; SameSite=Lax',
    ],
    [
      'SameSite=Strict',
      { name: 'sid', sameSite: 'strict' },
      'v',
      1,
      'sid=v; Max-Age=1; Path=/; Secure; HttpOnly; SameSite=Strict',
    ],
    [
      'SameSite=None',
      { name: 'sid', sameSite: 'none' },
      'v',
      1,
      'sid=v; Max-Age=1; Path=/; Secure; HttpOnly; SameSite=None',
    ],
    [
      'Partitioned',
      { name: 'sid', partitioned: true },
      'v',
      1,
      'sid=v; Max-Age=1; Path=/; Secure; HttpOnly; SameSite=Lax; Partitioned',
    ],
    [
      'Priority',
      { name: 'sid', priority: 'high' },
      'v',
      1,
      'sid=v; Max-Age=1; Path=/; Secure; HttpOnly; SameSite=Lax; Priority=High',
    ],
    [
      'every attribute, in this order',
      { name: 'sid', domain: 'a.example', path: '/p', partitioned: true, priority: 'low' },
      'v',
      3600,
      'sid=v; Max-Age=3600; Domain=a.example; Path=/p; Secure; HttpOnly; SameSite=Lax; Partitioned; Priority=Low',
    ],
    [
      'hardly any',
      { name: 'sid', secure: false, httpOnly: false },
      'v',
      undefined,
      'sid=v; Path=/; SameSite=Lax',
    ],
    [
      'an empty value with its equals sign',
      { name: 'sid' },
      '',
      undefined,
      'sid=; Path=/; Secure; HttpOnly; SameSite=Lax',
    ],
  ]
  it.each(rows)('writes %s', (_title, options, value, maxAge, line) => {
    expect(serializeSetCookie(checkCookie(options), value, maxAge)).toBe(line)
  })

  it('writes a removal with Max-Age=0, a date long ago and every attribute of the cookie', () => {
    expect(serializeSetCookie(checkCookie({}), '', 0)).toBe(
      '__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax',
    )
    const partitioned = checkCookie({
      name: 'sid',
      domain: 'a.example',
      path: '/p',
      partitioned: true,
    })
    expect(serializeSetCookie(partitioned, '', 0)).toBe(
      'sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=a.example; Path=/p; Secure; HttpOnly; SameSite=Lax; Partitioned',
    )
  })

  // cookie-octet = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E (RFC 6265bis §4.1.1).
  it('writes every cookie-octet as it is', () => {
    expect(OCTETS).toHaveLength(90)
    expect(serializeSetCookie(cookie, OCTETS)).toBe(
      `sid=${OCTETS}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    )
  })

  it('refuses every other character, alone, first, inside and last', () => {
    const others = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
      (character) => !OCTETS.includes(character),
    )
    expect(others).toHaveLength(166)
    for (const character of [...others, '☃', '\uD800', '\u2028']) {
      for (const value of [character, `${character}a`, `a${character}a`, `a${character}`]) {
        expect(() => serializeSetCookie(cookie, value)).toThrow(
          new InvalidCookieError('"value" must hold only cookie-octets'),
        )
      }
    }
  })

  it('refuses what would start a header of its own', () => {
    const split = 'a\r\nSet-Cookie: admin=1'
    expect(() => serializeSetCookie(cookie, split)).toThrow(InvalidCookieError)
    expect(() => checkCookie({ name: 'sid', path: `/${split}` })).toThrow(InvalidCookieError)
    expect(() => checkCookie({ name: 'sid', domain: split })).toThrow(InvalidCookieError)
    expect(() => checkCookie({ name: split })).toThrow(InvalidCookieError)
  })

  it('takes 4096 bytes of name and value together, and refuses one more', () => {
    const tooLong = new InvalidCookieError('name and value must be at most 4096 bytes together')
    const longest = 'v'.repeat(4093)
    expect(serializeSetCookie(cookie, longest)).toBe(
      `sid=${longest}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    )
    expect(() => serializeSetCookie(cookie, `${longest}v`)).toThrow(tooLong)
    const named = checkCookie({ name: 'n'.repeat(4030) })
    const rest = 'v'.repeat(66)
    expect(serializeSetCookie(named, rest).startsWith(`${'n'.repeat(4030)}=${rest}; `)).toBe(true)
    expect(() => serializeSetCookie(named, `${rest}v`)).toThrow(tooLong)
  })

  it('takes a Max-Age of 0 seconds to 400 days', () => {
    expect(serializeSetCookie(cookie, '', 0)).toContain('; Max-Age=0; ')
    expect(serializeSetCookie(cookie, '', 1)).toContain('; Max-Age=1; ')
    expect(serializeSetCookie(cookie, '', 34_560_000)).toContain('; Max-Age=34560000; ')
  })

  it('refuses any other Max-Age', () => {
    const refused = new InvalidPeriodError(
      '"maxAge" must be a whole number of seconds from 0 to 34560000',
    )
    for (const maxAge of [-1, 34_560_001, 0.5, 59.9, Number.NaN, Infinity, -Infinity, 1e21]) {
      expect(() => serializeSetCookie(cookie, 'v', maxAge)).toThrow(refused)
    }
    for (const maxAge of ['60', null, 60n, true]) {
      expect(() => serializeSetCookie(cookie, 'v', maxAge as unknown as number)).toThrow(refused)
    }
  })

  it('writes Expires in a removal alone', () => {
    expect(serializeSetCookie(cookie, '', 0)).toContain('Expires=')
    expect(serializeSetCookie(cookie, '', 1)).not.toContain('Expires')
    expect(serializeSetCookie(cookie, '')).not.toContain('Expires')
  })
})

describe('isCookieValue', () => {
  it('takes cookie-octets up to 4096 bytes with the name', () => {
    expect(isCookieValue('sid', '')).toBe(true)
    expect(isCookieValue('sid', OCTETS)).toBe(true)
    expect(isCookieValue('sid', 'v'.repeat(4093))).toBe(true)
    expect(isCookieValue('sid', 'v'.repeat(4094))).toBe(false)
    expect(isCookieValue('sidx', 'v'.repeat(4093))).toBe(false)
  })

  it('refuses anything else', () => {
    for (const value of ['a b', 'a;b', 'a,b', '"a"', 'a\\b', 'a\nb', 'é', '\0', '\u007F', 'a\n']) {
      expect(isCookieValue('sid', value)).toBe(false)
    }
  })
})
