import { afterEach, describe, expect, it } from 'vitest'
import { cookieHeaderOf } from '../../src/http/header-source.ts'
import type { HeaderSource } from '../../src/http/header-source.ts'

const everyPrototype = Object.getPrototypeOf({}) as object
const MESSAGE = '"headers" must be Headers, the headers of a request, or a Cookie header'

describe('cookieHeaderOf', () => {
  afterEach(() => {
    Reflect.deleteProperty(everyPrototype, 'cookie')
  })

  it('gives nothing for nothing', () => {
    expect(cookieHeaderOf(undefined)).toBeUndefined()
    expect(cookieHeaderOf(null)).toBeUndefined()
  })

  it('takes a string for the header itself', () => {
    expect(cookieHeaderOf('a=1; b=2')).toBe('a=1; b=2')
    expect(cookieHeaderOf('')).toBe('')
  })

  it('reads Headers', () => {
    expect(cookieHeaderOf(new Headers({ Cookie: 'a=1' }))).toBe('a=1')
    expect(cookieHeaderOf(new Headers({ accept: '*/*' }))).toBeUndefined()
  })

  it('reads anything with get, by the name in lower case', () => {
    const asked: string[] = []
    const source = {
      get(name: string) {
        asked.push(name)
        return 'a=1'
      },
    }
    expect(cookieHeaderOf(source)).toBe('a=1')
    expect(asked).toStrictEqual(['cookie'])
    expect(cookieHeaderOf({ get: () => null })).toBeUndefined()
    expect(cookieHeaderOf({ get: () => '' })).toBe('')
  })

  it('reads a Map, which has get too', () => {
    const map = new Map([['cookie', 'a=1']])
    expect(cookieHeaderOf(map as unknown as HeaderSource)).toBe('a=1')
    expect(cookieHeaderOf(new Map() as unknown as HeaderSource)).toBeUndefined()
  })

  it('reads the headers of a node request', () => {
    expect(cookieHeaderOf({ host: 'a', cookie: 'a=1; b=2' })).toBe('a=1; b=2')
    expect(cookieHeaderOf({ host: 'a' })).toBeUndefined()
    expect(cookieHeaderOf({ cookie: undefined })).toBeUndefined()
    expect(cookieHeaderOf({ cookie: '' })).toBe('')
    expect(cookieHeaderOf({})).toBeUndefined()
  })

  it('reads headers without a prototype, as node:http2 has them', () => {
    const headers: Record<string, string> = Object.create(null) as Record<string, string>
    expect(cookieHeaderOf(headers)).toBeUndefined()
    headers['cookie'] = 'a=1'
    expect(cookieHeaderOf(headers)).toBe('a=1')
  })

  it('reads headers in which a header is called get', () => {
    expect(cookieHeaderOf({ get: 'x', cookie: 'a=1' })).toBe('a=1')
  })

  // A client may split the header to compress it better (RFC 9113 §8.2.3).
  it('joins several headers', () => {
    expect(cookieHeaderOf({ cookie: ['a=1', 'b=2; c=3'] })).toBe('a=1; b=2; c=3')
    expect(cookieHeaderOf({ cookie: ['a=1'] })).toBe('a=1')
    expect(cookieHeaderOf({ cookie: [] })).toBe('')
  })

  it('gives nothing for a Cookie header of another type', () => {
    for (const cookie of [1, null, {}, true]) {
      expect(cookieHeaderOf({ cookie } as unknown as HeaderSource)).toBeUndefined()
    }
  })

  it('does not read a name in another case, which node never has', () => {
    expect(cookieHeaderOf({ Cookie: 'a=1' })).toBeUndefined()
  })

  it('reads nothing from a polluted prototype', () => {
    Object.defineProperty(everyPrototype, 'cookie', {
      value: 'sid=stolen',
      configurable: true,
      writable: true,
      enumerable: true,
    })
    expect(cookieHeaderOf({ host: 'a' })).toBeUndefined()
    expect(cookieHeaderOf({ cookie: 'a=1' })).toBe('a=1')
  })

  it('throws a TypeError for anything else', () => {
    for (const source of [1, true, 10n, Symbol('a'), () => 'a=1', ['a=1'], []]) {
      const read = (): unknown => cookieHeaderOf(source as unknown as HeaderSource)
      expect(read).toThrow(TypeError)
      expect(read).toThrow(new TypeError(MESSAGE))
    }
  })
})
