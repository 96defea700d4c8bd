import { createHash } from 'node:crypto'
import { assert, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  generateKey,
  generateSuccessor,
  handleOf,
  isHandle,
  isKey,
  parseKey,
  sameSecretHash,
  secretHashOf,
} from '../../src/core/key.ts'
import type { SecretHash } from '../../src/core/key.ts'

const SHAPE = /^[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$/
const HANDLE = 'abcdefghijklmnopqrstuv'
const SECRET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-abcde'
const KEY = `${HANDLE}.${SECRET}`

const asHash = (text: string): SecretHash => text as SecretHash

describe('generateKey', () => {
  it('draws 22 characters, a dot and 43 characters of base64url', () => {
    for (let n = 0; n < 1000; n++) expect(generateKey()).toMatch(SHAPE)
  })

  it('draws 100,000 keys without a repeated handle or secret', () => {
    const handles = new Set<string>()
    const secrets = new Set<string>()
    for (let n = 0; n < 100_000; n++) {
      const [handle = '', secret = ''] = generateKey().split('.')
      handles.add(handle)
      secrets.add(secret)
    }
    expect(handles.size).toBe(100_000)
    expect(secrets.size).toBe(100_000)
  })

  it('spends 16 and 32 random bytes: every character place takes every value it can', () => {
    const seen = Array.from({ length: 66 }, () => new Set<string>())
    for (let n = 0; n < 5000; n++) {
      const key = generateKey()
      seen.forEach((chars, at) => chars.add(key.charAt(at)))
    }
    // The last character of 16 bytes carries 2 bits, that of 32 bytes 4 bits (RFC 4648 §5).
    const expected = seen.map((_, at) => (at === 21 ? 4 : at === 22 ? 1 : at === 65 ? 16 : 64))
    expect(seen.map((chars) => chars.size)).toEqual(expected)
  })

  it('never hands out a wiped stretch of its pool', () => {
    for (let n = 0; n < 1000; n++) {
      const key = n % 3 === 0 ? generateSuccessor(handleOf(generateKey())) : generateKey()
      expect(key).not.toContain('AAAAAAAAAA')
    }
  })
})

describe('generateSuccessor', () => {
  it('keeps the handle and draws another secret', () => {
    const first = generateKey()
    const next = generateSuccessor(handleOf(first))
    expect(next).toMatch(SHAPE)
    expect(handleOf(next)).toBe(handleOf(first))
    expect(secretHashOf(next)).not.toBe(secretHashOf(first))
  })

  it('draws 10,000 successors without a repeated secret', () => {
    const handle = handleOf(generateKey())
    const drawn = new Set(Array.from({ length: 10_000 }, () => generateSuccessor(handle)))
    expect(drawn.size).toBe(10_000)
  })
})

describe('isKey', () => {
  it.each([
    ['a key', KEY],
    ['a key of dashes', `${'-'.repeat(22)}.${'_'.repeat(43)}`],
  ])('accepts %s', (_, text) => expect(isKey(text)).toBe(true))

  it.each([
    ['the empty string', ''],
    ['a handle', HANDLE],
    ['a handle that is too short', KEY.slice(1)],
    ['a handle that is too long', `a${KEY}`],
    ['a secret that is too short', KEY.slice(0, -1)],
    ['a secret that is too long', `${KEY}a`],
    ['the dot one place early', `${HANDLE.slice(1)}.${SECRET}a`],
    ['the dot one place late', `${HANDLE}a.${SECRET.slice(1)}`],
    ['no dot', `${HANDLE}-${SECRET}`],
    ['a second dot', `${HANDLE}.${SECRET.slice(1)}.`],
    ['standard base64', KEY.replace('a', '+')],
    ['padding', `${KEY.slice(0, -1)}=`],
    ['a letter beyond ASCII', KEY.replace('a', 'ä')],
    ['a line feed at the end', `${KEY.slice(0, -1)}\n`],
    ['a line feed after the end', `${KEY}\n`],
    ['a NUL', KEY.replace('a', '\0')],
    ['a number', 66],
    ['undefined', undefined],
    ['null', null],
    ['an array of one key', [KEY]],
    ['an object with the length and text of a key', { length: 66, toString: () => KEY }],
  ])('refuses %s', (_, text) => {
    expect(isKey(text)).toBe(false)
    expect(parseKey(text as string)).toBeUndefined()
  })

  it('refuses whatever its pattern does not match', () => {
    assert(
      property(string({ unit: 'binary', maxLength: 70 }), (text) => {
        expect(isKey(text)).toBe(SHAPE.test(text) && text.length === 66)
      }),
    )
  })
})

describe('isHandle', () => {
  it.each([
    ['a handle', HANDLE, true],
    ['a key', KEY, false],
    ['21 characters', HANDLE.slice(1), false],
    ['23 characters', `${HANDLE}a`, false],
    ['a dot', `.${HANDLE.slice(1)}`, false],
    ['a line feed after the end', `${HANDLE}\n`, false],
    ['a line feed before the start', `\n${HANDLE}`, false],
    ['an array of one handle', [HANDLE], false],
    ['undefined', undefined, false],
  ])('says of %s: %s %s', (_, text, expected) => expect(isHandle(text)).toBe(expected))
})

describe('parseKey', () => {
  it('splits a key into its handle and the SHA-256 of its secret', () => {
    expect(parseKey(KEY)).toEqual({
      handle: HANDLE,
      secretHash: createHash('sha256').update(SECRET).digest('base64url'),
    })
  })

  it('never shows the secret', () => {
    const key = generateKey()
    expect(JSON.stringify(parseKey(key))).not.toContain(key.slice(23))
  })

  it('gives the halves that handleOf and secretHashOf give', () => {
    const key = generateKey()
    expect(parseKey(key)).toEqual({ handle: handleOf(key), secretHash: secretHashOf(key) })
  })
})

describe('sameSecretHash', () => {
  const hash = secretHashOf(generateKey())

  it('is true of equal hashes and of nothing else', () => {
    expect(sameSecretHash(hash, asHash(Buffer.from(hash).toString()))).toBe(true)
    expect(sameSecretHash(hash, secretHashOf(generateKey()))).toBe(false)
  })

  it.each([0, 21, 42])('sees a difference at character %d', (at) => {
    const other = asHash(`${hash.slice(0, at)}${hash[at] === 'A' ? 'B' : 'A'}${hash.slice(at + 1)}`)
    expect(sameSecretHash(hash, other)).toBe(false)
    expect(sameSecretHash(other, hash)).toBe(false)
  })

  it.each(['', hash.slice(1), `${hash}A`, `${hash}${hash}`])(
    'is false, and throws nothing, where one of them has the wrong length (case %#)',
    (text) => {
      expect(sameSecretHash(hash, asHash(text))).toBe(false)
      expect(sameSecretHash(asHash(text), hash)).toBe(false)
    },
  )

  it('is false of two equal texts that are no hashes', () => {
    expect(sameSecretHash(asHash('short'), asHash('short'))).toBe(false)
    const long = asHash('A'.repeat(44))
    expect(sameSecretHash(long, long)).toBe(false)
  })

  it('remembers nothing of an earlier comparison', () => {
    expect(sameSecretHash(hash, hash)).toBe(true)
    const wide = asHash(`${'é'.repeat(21)}x`.padEnd(43, 'x'))
    expect(sameSecretHash(wide, hash)).toBe(false)
    expect(sameSecretHash(hash, hash)).toBe(true)
  })
})
