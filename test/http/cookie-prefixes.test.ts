import { describe, expect, it } from 'vitest'
import { InvalidCookieError } from '../../src/core/errors.ts'
import { readCookies } from '../../src/http/cookie-header.ts'
import { checkCookie } from '../../src/http/cookie-options.ts'
import type { CookieOptions } from '../../src/http/cookie-options.ts'

type Refusal = readonly [broken: CookieOptions, message: string]

interface Prefix {
  readonly prefix: string
  readonly takes: readonly CookieOptions[]
  readonly refuses: readonly Refusal[]
}

const insecure = (prefix: string): Refusal => [
  { secure: false },
  `a name with ${prefix} requires "secure"`,
]
const scripted = (prefix: string): Refusal => [
  { httpOnly: false },
  `a name with ${prefix} requires "httpOnly"`,
]
const shared = (prefix: string): Refusal[] => [
  [{ domain: 'example.com' }, `a name with ${prefix} allows no "domain"`],
  [{ path: '/app' }, `a name with ${prefix} requires "path" /`],
  [{ path: '//' }, `a name with ${prefix} requires "path" /`],
  [{ domain: 'example.com', path: '/app' }, `a name with ${prefix} allows no "domain"`],
]

// RFC 6265bis §4.1.3; `__Http-` and `__Host-Http-` are of its successor, layered cookies.
const PREFIXES: readonly Prefix[] = [
  {
    prefix: '__Secure-',
    takes: [{}, { httpOnly: false }, { domain: 'example.com', path: '/app' }],
    refuses: [insecure('__Secure-')],
  },
  {
    prefix: '__Host-',
    takes: [{}, { httpOnly: false }, { path: '/' }, { sameSite: 'none', partitioned: true }],
    refuses: [insecure('__Host-'), ...shared('__Host-')],
  },
  {
    prefix: '__Http-',
    takes: [{}, { domain: 'example.com', path: '/app' }],
    refuses: [insecure('__Http-'), scripted('__Http-')],
  },
  {
    prefix: '__Host-Http-',
    takes: [{}, { path: '/' }],
    refuses: [insecure('__Host-Http-'), scripted('__Host-Http-'), ...shared('__Host-Http-')],
  },
]

describe.each(PREFIXES)('checkCookie: $prefix', ({ prefix, takes, refuses }) => {
  it('takes what browsers accept', () => {
    for (const options of takes) {
      expect(checkCookie({ name: `${prefix}sid`, ...options }).name).toBe(`${prefix}sid`)
      expect(checkCookie({ name: prefix, ...options }).name).toBe(prefix)
    }
  })

  it('refuses what browsers drop', () => {
    for (const [broken, message] of refuses) {
      for (const name of [`${prefix}sid`, prefix]) {
        expect(() => checkCookie({ name, ...broken })).toThrow(new InvalidCookieError(message))
      }
    }
  })

  it('refuses a miscased look-alike, which browsers treat as the prefix', () => {
    const message = `"name" must spell its prefix ${prefix}`
    for (const lookalike of [prefix.toLowerCase(), prefix.toUpperCase(), miscased(prefix)]) {
      expect(lookalike).not.toBe(prefix)
      const check = (): unknown => checkCookie({ name: `${lookalike}sid` })
      expect(check).toThrow(new InvalidCookieError(message))
    }
  })

  it('is foreign to a reader when it is miscased', () => {
    const header = `${prefix.toLowerCase()}sid=a; ${prefix.toUpperCase()}sid=b; ${prefix}sid=c`
    expect(readCookies(header, `${prefix}sid`)).toStrictEqual(['c'])
  })

  it('asks nothing of a name that has it elsewhere or not whole', () => {
    const loose = { secure: false, httpOnly: false, domain: 'example.com', path: '/app' }
    for (const name of [`x${prefix}sid`, `_${prefix}sid`, prefix.slice(1), prefix.slice(0, 5)]) {
      expect(checkCookie({ name, ...loose }).name).toBe(name)
    }
  })
})

/** The prefix with the case of its last letter changed: __Host-Http- becomes __Host-HttP-. */
function miscased(prefix: string): string {
  const last = prefix.slice(-2, -1)
  return `${prefix.slice(0, -2)}${last.toUpperCase()}-`
}

describe('checkCookie: prefixes within prefixes', () => {
  it('holds __Host-http- to be a miscased __Host-Http-', () => {
    expect(() => checkCookie({ name: '__Host-http-sid' })).toThrow(
      new InvalidCookieError('"name" must spell its prefix __Host-Http-'),
    )
    expect(() => checkCookie({ name: '__host-Http-sid' })).toThrow(
      new InvalidCookieError('"name" must spell its prefix __Host-Http-'),
    )
  })

  it('holds __Host-https to be a plain __Host-', () => {
    expect(checkCookie({ name: '__Host-https', httpOnly: false }).httpOnly).toBe(false)
  })
})
