import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { clientLabels } from '../../src/http/client-labels.ts'
import type { HeaderSource } from '../../src/http/header-source.ts'

const everyPrototype = Object.getPrototypeOf({}) as object
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
const agentOf = (text: string) => clientLabels({ 'user-agent': text })['userAgent']
const addressOf = (address: unknown) => clientLabels({}, { address: address as string })['address']

describe('clientLabels', () => {
  afterEach(() => {
    Reflect.deleteProperty(everyPrototype, 'user-agent')
  })

  it('gives what a request of either kind says of its client', () => {
    const labels = { userAgent: FIREFOX }
    expect(clientLabels({ 'user-agent': FIREFOX, cookie: 'a=1' })).toStrictEqual(labels)
    expect(clientLabels(new Headers({ 'User-Agent': FIREFOX }))).toStrictEqual(labels)
  })

  it.each([
    undefined,
    null,
    {},
    new Headers(),
    'a=1',
    { 'user-agent': '' },
    { 'user-agent': ' <> ' },
  ])('gives nothing for %o', (headers) => {
    expect(clientLabels(headers)).toStrictEqual({})
  })

  it('takes nothing from a prototype', () => {
    Reflect.set(everyPrototype, 'user-agent', 'polluted')
    expect(clientLabels({ cookie: 'a=1' })).toStrictEqual({})
  })

  it.each([5, true, ['a'], () => 'a'])('refuses %o for headers', (headers) => {
    expect(() => clientLabels(headers as unknown as HeaderSource)).toThrow(TypeError)
  })

  it('keeps 256 characters and no more', () => {
    expect(agentOf('a'.repeat(256))).toBe('a'.repeat(256))
    expect(agentOf(`${'a'.repeat(256)}b`)).toBe('a'.repeat(256))
    expect(agentOf('a'.repeat(1_000_000))).toHaveLength(256)
  })

  it('puts a space in place of what would need escaping', () => {
    expect(agentOf('a<script>alert("1")</script>')).toBe('a script alert( 1 ) /script')
    expect(agentOf('a\r\nlevel=admin\u0000\u001B[31m')).toBe('a level=admin [31m')
    expect(agentOf("a&b'c`d\\e")).toBe('a b c d e')
    expect(agentOf(' café \uD800 ')).toBe('caf')
  })

  it('never gives anything else, whatever it is sent', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
    const safe = (userAgent: string): void => {
      const label = agentOf(userAgent) ?? 'none'
      expect(label).toMatch(/^[!#-%(-;=?-[\]-_a-~](?:[ !#-%(-;=?-[\]-_a-~]{0,255})$/)
      expect(label).toBe(label.trim())
    }
    fc.assert(fc.property(text, safe), { numRuns: 1000 })
  })

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:DB8::1', '2001:db8::1'],
    ['::1', '::1'],
    ['::', '::'],
    ['fe80::1%eth0', 'fe80::1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::192.0.2.33'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ])('keeps the address %s as %s, where it is given', (address, kept) => {
    expect(clientLabels({ 'user-agent': FIREFOX }, { address })).toStrictEqual({
      userAgent: FIREFOX,
      address: kept,
    })
  })

  it.each([
    undefined,
    '',
    'unknown',
    'localhost',
    '203.0.113',
    '<b>',
    '1'.repeat(50),
    'a',
    5,
    null,
    '::<',
    ':'.repeat(46),
    ':::',
    '1:2',
    '1::2::3',
    '::1]:80/[',
    '203.0.113.256',
    '999.1.1.1',
    '1.2.3.4.',
    '::ffff:999.1.1.1',
  ])('leaves out %j, which is none', (address) => {
    expect(addressOf(address)).toBeUndefined()
  })

  it('keeps no address unless it is given', () => {
    const headers = { 'user-agent': FIREFOX, 'x-forwarded-for': '203.0.113.9' }
    expect(clientLabels(headers)).toStrictEqual({ userAgent: FIREFOX })
  })
})
