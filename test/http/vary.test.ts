import { describe, expect, it } from 'vitest'
import { varyWithCookie } from '../../src/http/vary.ts'

describe('varyWithCookie', () => {
  it('names Cookie where nothing was named', () => {
    for (const present of [undefined, '', ' ', '\t '])
      expect(varyWithCookie(present)).toBe('Cookie')
  })

  it('names Cookie beside what was named', () => {
    expect(varyWithCookie('Accept')).toBe('Accept, Cookie')
    expect(varyWithCookie('Accept, Accept-Encoding')).toBe('Accept, Accept-Encoding, Cookie')
    expect(varyWithCookie('Cookies')).toBe('Cookies, Cookie')
    expect(varyWithCookie('Set-Cookie')).toBe('Set-Cookie, Cookie')
    expect(varyWithCookie('X-Cookie,Cookie2')).toBe('X-Cookie,Cookie2, Cookie')
  })

  it('adds nothing where Cookie is named already', () => {
    for (const present of [
      'Cookie',
      'cookie',
      'COOKIE',
      ' Cookie ',
      'Accept,cookie',
      'Cookie, a',
    ]) {
      expect(varyWithCookie(present)).toBeUndefined()
    }
    expect(varyWithCookie('a , \tCookie\t, b')).toBeUndefined()
  })

  it('adds nothing to *', () => {
    for (const present of ['*', ' * ', 'Accept, *', '*, Accept']) {
      expect(varyWithCookie(present)).toBeUndefined()
    }
    expect(varyWithCookie('a*')).toBe('a*, Cookie')
  })
})
