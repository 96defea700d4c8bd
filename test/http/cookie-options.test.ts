import { describe, expect, it } from 'vitest'
import { InvalidCookieError } from '../../src/core/errors.ts'
import { checkCookie } from '../../src/http/cookie-options.ts'
import type { CookieOptions } from '../../src/http/cookie-options.ts'

const DEFAULTS = {
  name: '__Host-session',
  path: '/',
  domain: undefined,
  secure: true,
  httpOnly: true,
  sameSite: 'Lax',
  partitioned: false,
  priority: undefined,
}
const NAME = '"name" must be an HTTP token'
const PATH = '"path" must start with / and hold no control character or semicolon'
const DOMAIN = '"domain" must be a host name without a leading dot'
const SAME_SITE = '"sameSite" must be one of Strict, Lax, None'
const PRIORITY = '"priority" must be one of Low, Medium, High'

/** The error that `options` are refused with. */
function refusal(options: unknown): InvalidCookieError {
  try {
    checkCookie(options as CookieOptions)
  } catch (error) {
    if (error instanceof InvalidCookieError) return error
    throw error
  }
  throw new Error(`not refused: ${JSON.stringify(options)}`)
}

function characters(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, n) => String.fromCharCode(from + n))
}

const UNKNOWN =
  '"cookie" has an unknown option, beside name, path, domain, sameSite, priority, secure, httpOnly, partitioned'

describe('checkCookie', () => {
  it('takes a name that leaves room for a key, and none longer', () => {
    expect(checkCookie({ name: 'n'.repeat(4030) }).name).toHaveLength(4030)
    const tooLong = new InvalidCookieError('"name" must be at most 4030 bytes')
    expect(() => checkCookie({ name: 'n'.repeat(4031) })).toThrow(tooLong)
  })

  it('reads own options only, whatever Object.prototype has', () => {
    const prototype = Object.prototype as { secure?: unknown; domain?: unknown }
    prototype.secure = false
    prototype.domain = 'evil.example'
    try {
      expect(checkCookie({ name: 'sid' })).toMatchObject({ secure: true, domain: undefined })
    } finally {
      delete prototype.secure
      delete prototype.domain
    }
  })

  it('fills in the defaults', () => {
    expect(checkCookie({})).toStrictEqual(DEFAULTS)
  })

  it('takes every option as given', () => {
    const given = {
      name: 'sid',
      path: '/app',
      domain: 'example.com',
      secure: false,
      httpOnly: false,
      sameSite: 'Strict',
      partitioned: false,
      priority: 'High',
    } as const
    expect(checkCookie(given)).toStrictEqual(given)
  })

  it('treats undefined as left out', () => {
    const left = Object.fromEntries(Object.keys(DEFAULTS).map((option) => [option, undefined]))
    expect(checkCookie(left)).toStrictEqual(DEFAULTS)
  })

  it('fills in from a base what is left out', () => {
    const base = checkCookie({
      name: 'sid',
      path: '/app',
      domain: 'example.com',
      httpOnly: false,
      sameSite: 'none',
      partitioned: true,
      priority: 'low',
    })
    expect(checkCookie({}, base)).toStrictEqual(base)
    const bare = checkCookie({ name: 'sid', secure: false })
    expect(checkCookie({}, bare)).toStrictEqual(bare)
  })

  it('prefers what is given to the base', () => {
    const base = checkCookie({ name: 'sid', path: '/app', domain: 'a.example', priority: 'low' })
    const given = {
      name: 'other',
      path: '/b',
      domain: 'b.example',
      secure: false,
      httpOnly: false,
      sameSite: 'Strict',
      partitioned: false,
      priority: 'High',
    } as const
    expect(checkCookie(given, base)).toStrictEqual(given)
  })

  it('checks the combination with the base', () => {
    const base = checkCookie({ name: 'sid', sameSite: 'none' })
    expect(() => checkCookie({ secure: false }, base)).toThrow('"sameSite" None requires "secure"')
    expect(() => checkCookie({ domain: 'example.com' }, checkCookie({}))).toThrow(
      'a name with __Host- allows no "domain"',
    )
  })

  it('gives a frozen object of its own', () => {
    const options = { name: 'sid' }
    const cookie = checkCookie(options)
    options.name = 'other'
    expect(cookie.name).toBe('sid')
    expect(Object.isFrozen(cookie)).toBe(true)
  })

  it('refuses what is no object', () => {
    for (const options of [undefined, null, 'sid', 1, true, () => ({})]) {
      expect(refusal(options).message).toBe('"cookie" must be an object')
    }
  })

  it('refuses an unknown option without repeating it', () => {
    for (const option of ['maxAge', 'expires', 'SameSite', 'HttpOnly', '']) {
      expect(refusal({ [option]: 'secret' }).message).toBe(UNKNOWN)
    }
    expect(refusal(JSON.parse('{"__proto__": {}}')).message).toBe(UNKNOWN)
  })

  it('refuses flags that are not true or false', () => {
    for (const option of ['secure', 'httpOnly', 'partitioned']) {
      for (const given of [0, 1, 'true', '', null, {}]) {
        expect(refusal({ name: 'sid', [option]: given }).message).toBe(
          `"${option}" must be true or false`,
        )
      }
    }
  })
})

// token (RFC 9110 §5.6.2).
describe('checkCookie: name', () => {
  it('takes every character of a token, first and later', () => {
    const token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    expect(token).toHaveLength(77)
    for (const character of token) {
      expect(checkCookie({ name: character }).name).toBe(character)
      expect(checkCookie({ name: `a${character}` }).name).toBe(`a${character}`)
    }
    expect(checkCookie({ name: token }).name).toBe(token)
  })

  it('refuses every other character, first, later and last', () => {
    const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/
    const others = characters(0, 255).filter((character) => !token.test(character))
    expect(others).toHaveLength(179)
    for (const character of [...others, '☃', '\uD800', '\u2028']) {
      expect(refusal({ name: character }).message).toBe(NAME)
      expect(refusal({ name: `a${character}b` }).message).toBe(NAME)
      expect(refusal({ name: `a${character}` }).message).toBe(NAME)
      expect(refusal({ name: `${character}a` }).message).toBe(NAME)
    }
  })

  it('refuses an empty name and what is no string', () => {
    expect(refusal({ name: '' }).message).toBe(NAME)
    expect(refusal({ name: 1 }).message).toBe(NAME)
    expect(refusal({ name: ['sid'] }).message).toBe(NAME)
  })
})

// path-value = *av-octet, av-octet = %x20-3A / %x3C-7E (RFC 6265bis §4.1.1).
describe('checkCookie: path', () => {
  it('takes every av-octet after the slash', () => {
    const octets = [...characters(0x20, 0x3a), ...characters(0x3c, 0x7e)]
    expect(octets).toHaveLength(94)
    for (const octet of octets) {
      expect(checkCookie({ name: 'sid', path: `/${octet}` }).path).toBe(`/${octet}`)
    }
  })

  it('refuses every other character, in the middle and at the end', () => {
    for (const character of [...characters(0, 0x1f), ';', ...characters(0x7f, 0xff), '☃']) {
      expect(refusal({ name: 'sid', path: `/${character}a` }).message).toBe(PATH)
      expect(refusal({ name: 'sid', path: `/a${character}` }).message).toBe(PATH)
    }
  })

  it('refuses a path that does not start with a slash', () => {
    for (const path of ['', 'a', ' /', '.', 'a/', '\n/', 1, ['/']])
      expect(refusal({ name: 'sid', path }).message).toBe(PATH)
  })

  it('takes 1024 bytes and refuses 1025', () => {
    const longest = `/${'p'.repeat(1023)}`
    expect(checkCookie({ name: 'sid', path: longest }).path).toBe(longest)
    expect(refusal({ name: 'sid', path: `${longest}p` }).message).toBe(
      '"path" must be at most 1024 bytes',
    )
  })
})

// Labels of letters, digits and inner hyphens (RFC 1034 §3.5).
describe('checkCookie: domain', () => {
  const good = [
    'a',
    'Z9',
    '0',
    'localhost',
    'example.com',
    'EXAMPLE.com',
    'a.b.c.d',
    'xn--bcher-kva.example',
    'a-b.c--d.e',
    '127.0.0.1',
  ]
  it.each(good)('takes %s', (domain) => {
    expect(checkCookie({ name: 'sid', domain }).domain).toBe(domain)
  })

  const bad = [
    '',
    '.',
    '.example.com',
    'example.com.',
    'a..b',
    '-a',
    'a-',
    'a-.b',
    'b.-a',
    'a.b-',
    '-',
    'a_b',
    'a b',
    ' a',
    'a ',
    'a;b',
    'a\n',
    'a\r\nb',
    'a:80',
    'http://a',
    '[::1]',
    'bücher.example',
    'a.\u2028',
    1,
    ['a'],
  ]
  it.each(bad)('refuses %j', (domain) => {
    expect(refusal({ name: 'sid', domain }).message).toBe(DOMAIN)
  })

  it('takes 253 characters and refuses 254', () => {
    const longest = `${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61)
    expect(longest).toHaveLength(253)
    expect(checkCookie({ name: 'sid', domain: longest }).domain).toBe(longest)
    expect(refusal({ name: 'sid', domain: `${longest}a` }).message).toBe(DOMAIN)
  })
})

describe('checkCookie: sameSite and priority', () => {
  it('spells them as the standards do, whatever their case', () => {
    for (const [given, spelled] of [
      ['Strict', 'Strict'],
      ['strict', 'Strict'],
      ['STRICT', 'Strict'],
      ['lax', 'Lax'],
      ['LaX', 'Lax'],
      ['none', 'None'],
      ['None', 'None'],
    ]) {
      expect(checkCookie({ sameSite: given } as CookieOptions).sameSite).toBe(spelled)
    }
    for (const [given, spelled] of [
      ['low', 'Low'],
      ['Medium', 'Medium'],
      ['medium', 'Medium'],
      ['HIGH', 'High'],
    ]) {
      expect(checkCookie({ priority: given } as CookieOptions).priority).toBe(spelled)
    }
  })

  it('refuses anything else', () => {
    for (const given of ['', 'lax ', 'default', '__proto__', 'laxx', 1, true, false, {}]) {
      expect(refusal({ sameSite: given }).message).toBe(SAME_SITE)
      expect(refusal({ priority: given }).message).toBe(PRIORITY)
    }
  })

  it('refuses None without secure', () => {
    expect(refusal({ name: 'sid', sameSite: 'none', secure: false }).message).toBe(
      '"sameSite" None requires "secure"',
    )
    expect(checkCookie({ name: 'sid', sameSite: 'none' }).sameSite).toBe('None')
    expect(checkCookie({ name: 'sid', sameSite: 'lax', secure: false }).secure).toBe(false)
    expect(checkCookie({ name: 'sid', sameSite: 'strict', secure: false }).secure).toBe(false)
  })

  it('refuses partitioned without secure', () => {
    expect(refusal({ name: 'sid', partitioned: true, secure: false }).message).toBe(
      '"partitioned" requires "secure"',
    )
    expect(checkCookie({ name: 'sid', partitioned: true }).partitioned).toBe(true)
  })
})
