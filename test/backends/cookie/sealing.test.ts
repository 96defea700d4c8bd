import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCookieBackend } from '../../../src/backends/cookie.ts'
import { createKeyRing } from '../../../src/backends/cookie/key-ring.ts'
import { make, NOT_FOUND, OLDER, SECRET } from './fixture.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function sealedBy(secrets: readonly (string | Uint8Array)[], audience = 'test') {
  return make({ secrets, audience }).backend.generate({ value: 'value' })
}

describe('a sealed session', () => {
  it('shows nothing of what it holds', async () => {
    const { backend } = make()
    const value = 'SECRETVALUE'
    const key = await backend.generate({ value, subject: 'SUBJECT', labels: { a: 'LABEL' } })
    const body = Buffer.from(key.slice(9), 'base64url').toString('latin1')
    for (const part of [value, 'SUBJECT', 'LABEL']) expect(key + body).not.toContain(part)
  })

  it('is another text each time, after one id of the secret', async () => {
    const keys = await Promise.all(Array.from({ length: 100 }, () => sealedBy([SECRET])))
    expect(new Set(keys).size).toBe(100)
    expect(new Set(keys.map((key) => key.slice(0, 9))).size).toBe(1)
    expect(new Set(keys.map((key) => key.slice(9, 25))).size).toBe(100)
  })

  it('does not open when any of its characters is another', async () => {
    const { backend } = make()
    const key = await backend.generate({ value: 'value', subject: 'ann' })
    for (let at = 0; at < key.length; at++) {
      for (const other of [key[at] === 'A' ? 'B' : 'A', '.', '~', ' ', '=', '\0', 'é']) {
        if (other === key[at]) continue
        expect(await backend.get(key.slice(0, at) + other + key.slice(at + 1))).toEqual(NOT_FOUND)
      }
    }
  })

  it('does not open with the unused bits of its last character set', async () => {
    for (let length = 0; length < 3; length++) {
      const { backend } = make()
      const key = await backend.generate({ value: 'x'.repeat(length) })
      const opened: string[] = []
      for (const last of ALPHABET) {
        const text = key.slice(0, -1) + last
        if ((await backend.get(text)).ok) opened.push(text)
      }
      expect(opened).toEqual([key])
    }
  })

  it('does not open with any bit of its bytes flipped', async () => {
    const { backend } = make()
    const key = await backend.generate({ value: 'value' })
    const bytes = Buffer.from(key.slice(9), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const other = Buffer.from(bytes)
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const text = key.slice(0, 9) + other.toString('base64url')
      expect(await backend.get(text)).toEqual(NOT_FOUND)
      expect(await backend.set(text, 'planted')).toEqual(NOT_FOUND)
    }
  })

  it('does not open when it is cut, lengthened or put together of two', async () => {
    const { backend } = make()
    const one = await backend.generate({ value: 'one' })
    const two = await backend.generate({ value: 'two' })
    for (let at = 0; at < one.length; at++) {
      for (const text of [one.slice(0, at), one.slice(at), one.slice(0, at) + two.slice(at)]) {
        if (text === one || text === two) continue
        expect(await backend.get(text)).toEqual(NOT_FOUND)
      }
    }
    for (const end of ['A', 'AAAA', '=', '\n', ' ', `.${two}`]) {
      expect(await backend.get(one + end)).toEqual(NOT_FOUND)
    }
  })

  it('does not open for another audience', async () => {
    const key = await sealedBy([SECRET], 'shop')
    for (const audience of ['shop ', 'Shop', 'shop\0', 'test']) {
      expect(await make({ audience }).backend.get(key)).toEqual(NOT_FOUND)
    }
    expect(await make({ audience: 'shop' }).backend.get(key)).toMatchObject({ ok: true })
  })

  it('does not open under the id of another secret', async () => {
    const ids = await Promise.all([sealedBy([SECRET]), sealedBy([OLDER])])
    const { backend } = make({ secrets: [SECRET, OLDER] })
    const [one, two] = ids
    expect(await backend.get(two.slice(0, 9) + one.slice(9))).toEqual(NOT_FOUND)
  })

  it('never makes anything throw, whatever it is', async () => {
    const { backend } = make()
    const key = await backend.generate({ value: 'value' })
    const id = key.slice(0, 9)
    const base64url = fc.string({ unit: fc.constantFrom(...ALPHABET.split('')), maxLength: 300 })
    const spliced = fc.tuple(fc.nat(key.length), fc.nat(key.length), base64url)
    const cookies = fc.oneof(
      base64url.map((text) => id + text),
      base64url,
      spliced.map(([from, to, text]) => key.slice(0, from) + text + key.slice(to)),
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 100 }).map((text) => id + text),
    )
    let tried = 0
    await fc.assert(
      fc.asyncProperty(cookies, async (text) => {
        if (text === key) return
        tried++
        expect(await backend.get(text)).toEqual(NOT_FOUND)
        expect(await backend.set(text, 'planted')).toEqual(NOT_FOUND)
        expect(await backend.touch(text, { fromMs: 0, toMs: 1, period: 1 })).toBe(false)
        expect(await backend.rotate(text, 1)).toEqual(NOT_FOUND)
        expect(await backend.clear(text)).toBeUndefined()
      }),
      { numRuns: 10_000 },
    )
    expect(tried).toBeGreaterThan(9000)
  })

  it('is not even opened when it is longer than any may be', async () => {
    const { backend } = make()
    const ring = createKeyRing([SECRET], 'test')
    const plain = ring.open(await backend.generate({ value: '' }))?.plain ?? ''
    const padded = (length: number) => ring.seal(plain + 'x'.repeat(length))
    expect(padded(9000).length).toBeLessThan(12_288)
    expect(await backend.get(padded(9000))).toMatchObject({ ok: true })
    expect(await backend.get(padded(9200))).toEqual(NOT_FOUND)
  })

  it('gives back every text, subject and label that it was given', async () => {
    const { backend } = make({ maxBytes: 12_288 })
    const text = fc.string({ unit: 'grapheme', maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(text, text, text, async (value, name, label) => {
        const subject = `user ${name}`
        const key = await backend.generate({ value, subject, labels: { [label]: label } })
        const facts = { subject, labels: { [label]: label } }
        expect(await backend.get(key)).toMatchObject({ ok: true, value, facts })
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the key ring', () => {
  it('seals with the first secret and opens with all', async () => {
    const older = await sealedBy([OLDER])
    const { backend } = make({ secrets: [SECRET, OLDER] })
    expect(await backend.get(older)).toMatchObject({ ok: true, value: 'value' })
    const set = await backend.set(older, 'changed')
    expect(set.ok && (await make({ secrets: [SECRET] }).backend.get(set.key ?? ''))).toMatchObject({
      value: 'changed',
    })
    expect(await make({ secrets: [SECRET] }).backend.get(older)).toEqual(NOT_FOUND)
  })

  it('has a session of an older secret sealed anew at its next use', async () => {
    const older = await sealedBy([OLDER])
    const { backend } = make({ secrets: [SECRET, OLDER] })
    const found = await backend.get(older)
    if (!found.ok || found.touchDue === undefined) throw new Error('a touch is due')
    const key = await backend.touch(older, found.touchDue)
    const again = await backend.get(key as string)
    expect(again).toMatchObject({ ok: true, value: 'value', touchDue: undefined })
    expect(await make({ secrets: [SECRET] }).backend.get(key as string)).toMatchObject({ ok: true })
  })

  it('takes bytes, and text as its bytes', async () => {
    const bytes = randomBytes(32)
    const key = await sealedBy([new Uint8Array(bytes)])
    expect(await make({ secrets: [bytes] }).backend.get(key)).toMatchObject({ ok: true })
    const text = await sealedBy([SECRET])
    const { backend } = make({ secrets: [Buffer.from(SECRET)] })
    expect(await backend.get(text)).toMatchObject({ ok: true })
  })

  it('keeps a copy of its secrets', async () => {
    const bytes = randomBytes(32)
    const { backend } = make({ secrets: [bytes] })
    const key = await backend.generate({ value: 'value' })
    bytes.fill(0)
    expect(await backend.get(key)).toMatchObject({ ok: true })
  })

  it.each([
    ['none', []],
    ['text for an array', SECRET],
    ['31 characters', ['x'.repeat(31)]],
    ['31 bytes', [new Uint8Array(31)]],
    ['a short one behind a long one', [SECRET, '']],
    ['a number', [42]],
    ['nothing', [undefined]],
    ['one twice', [SECRET, SECRET]],
    ['one twice, as text and bytes', [SECRET, Buffer.from(SECRET)]],
  ])('refuses %s', (_, secrets) => {
    const create = () => createCookieBackend({ secrets: secrets as string[], audience: 'test' })
    expect(create).toThrow(TypeError)
    expect(create).toThrow(/"secrets(\[\d\])?" must/)
  })

  it('has no say in what else a text opens as: what is not sealed with an id does not open', () => {
    const ring = createKeyRing([SECRET], 'test')
    expect(ring.open('')).toBeUndefined()
    expect(ring.open(ring.seal('plain').slice(9))).toBeUndefined()
    expect(ring.open(ring.seal('plain'))).toEqual({ plain: 'plain', newest: true })
  })
})
