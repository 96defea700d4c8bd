import { hkdfSync, webcrypto } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BackendError } from '../../src/core/errors.ts'
import { generateKey, generateSuccessor, handleOf } from '../../src/core/key.ts'
import type { Handle, Key } from '../../src/core/key.ts'
import {
  dataKeyOf,
  generateDataKey,
  openValue,
  sealValue,
  wrapDataKey,
} from '../../src/core/sealing.ts'

const TAMPERED = {
  code: 'ERR_SESSION_BACKEND',
  message: 'the session in the store is not as it was sealed',
}
const PLAIN = { code: 'ERR_SESSION_BACKEND', message: 'the session in the store is not sealed' }
const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+= \0é'.split(
  '',
)
const FORM = 'sojourn sealed 1 aes-256-gcm'

const texts = fc.string({ unit: 'binary', maxLength: 200 })
const versions = fc.integer({ min: 1, max: 2 ** 40 })

function outcomeOf(open: () => unknown): unknown {
  try {
    return open()
  } catch (error) {
    return error
  }
}

/** Those of `texts` that are not refused as tampered with. */
function survivorsOf(all: Iterable<string>, open: (text: string) => unknown): string[] {
  return [...all].filter((text) => {
    const outcome = outcomeOf(() => open(text))
    return !(outcome instanceof BackendError) || outcome.message !== TAMPERED.message
  })
}

/** The text with each bit of its bytes flipped in turn, and with each of its characters become another. */
function* changesOf(text: string): Generator<string> {
  const bytes = Buffer.from(text, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield changed.toString('base64url')
  }
  for (let at = 0; at < text.length; at++) {
    for (const character of [...CHARACTERS, '']) {
      const changed = text.slice(0, at) + character + text.slice(at + 1)
      if (changed !== text) yield changed
    }
  }
  for (const extra of ['=', '\n', 'A', 'AAAA', '.']) yield text + extra
  for (let length = 0; length < text.length; length++) yield text.slice(0, length)
}

/** What a reader of the format makes of it, who has nothing of ours. */
async function unsealed(key: Uint8Array, context: string, text: string): Promise<Buffer> {
  const bytes = Buffer.from(text, 'base64url')
  const aes = await webcrypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
  const plain = await webcrypto.subtle.decrypt(
    { name: 'AES-GCM', iv: bytes.subarray(0, 12), additionalData: Buffer.from(context) },
    aes,
    bytes.subarray(12),
  )
  return Buffer.from(plain)
}

describe('sealValue and openValue', () => {
  const dataKey = generateDataKey()
  const handle = handleOf(generateKey())

  it('give back every text, whatever it is', () => {
    const awkward = ['', '\0', 'a\0b', '{"a":1}', '🧭🏴‍☠️', '\uFEFFx', 'é'.repeat(2 ** 19)]
    for (const text of awkward) {
      expect(openValue(dataKey, handle, 1, sealValue(dataKey, handle, 1, text)) === text).toBe(true)
    }
    fc.assert(
      fc.property(texts, versions, (text, version) => {
        const sealed = sealValue(dataKey, handle, version, text)
        expect(openValue(dataKey, handle, version, sealed)).toBe(text)
      }),
    )
  })

  it('open under the same version only', () => {
    fc.assert(
      fc.property(texts, versions, versions, (text, version, other) => {
        fc.pre(version !== other)
        const sealed = sealValue(dataKey, handle, version, text)
        const outcome = outcomeOf(() => openValue(dataKey, handle, other, sealed))
        expect(outcome).toMatchObject(TAMPERED)
      }),
    )
  })

  it('open for the same session only', () => {
    const sealed = sealValue(dataKey, handle, 1, 'a')
    const open = (other: string) => openValue(dataKey, other as Handle, 1, sealed)
    expect(survivorsOf(changesOf(handle), open)).toEqual([])
    const outcome = outcomeOf(() => openValue(generateDataKey(), handle, 1, sealed))
    expect(outcome).toMatchObject(TAMPERED)
  })

  it.each(['', 'a', '{"count":1}'])('do not open %j with anything of it changed', (text) => {
    const sealed = sealValue(dataKey, handle, 1, text)
    const open = (changed: string) => openValue(dataKey, handle, 1, changed)
    expect(survivorsOf(changesOf(sealed), open)).toEqual([])
  })

  it('never give the same text twice, nor one that tells more than a length', () => {
    const sealed = Array.from({ length: 1000 }, () => sealValue(dataKey, handle, 1, 'secret'))
    expect(new Set(sealed.map((text) => text.slice(0, 16))).size).toBe(1000)
    expect(new Set(sealed.map((text) => text.length))).toEqual(new Set([46]))
  })

  it('are AES-256-GCM with version and handle as associated data', async () => {
    const sealed = sealValue(dataKey, handle, 7, 'a value')
    const context = `${FORM} value\0${handle}\x007`
    expect(String(await unsealed(dataKey, context, sealed))).toBe('a value')
  })
})

describe('wrapDataKey and dataKeyOf', () => {
  const key = generateKey()
  const dataKey = generateDataKey()

  it('find the data key again, under either key that it is wrapped for', () => {
    const successor = generateSuccessor(handleOf(key))
    const dataKeys = [wrapDataKey(successor, dataKey), wrapDataKey(key, dataKey)]
    expect(dataKeyOf(key, { dataKeys })).toEqual(dataKey)
    expect(dataKeyOf(successor, { dataKeys })).toEqual(dataKey)
  })

  it('find none for another secret, another session or no session', () => {
    const dataKeys = [wrapDataKey(key, dataKey)]
    const secret = key.slice(23)
    const strangers = [generateSuccessor(handleOf(key)), `${handleOf(generateKey())}.${secret}`]
    for (const stranger of strangers) {
      const outcome = outcomeOf(() => dataKeyOf(stranger as Key, { dataKeys }))
      expect(outcome).toMatchObject(TAMPERED)
    }
    expect(outcomeOf(() => dataKeyOf(key, { dataKeys: [] }))).toMatchObject(TAMPERED)
    expect(outcomeOf(() => dataKeyOf(key, {}))).toMatchObject(PLAIN)
  })

  it('find none with anything of the wrap changed', () => {
    const open = (changed: string) => dataKeyOf(key, { dataKeys: [changed] })
    expect(survivorsOf(changesOf(wrapDataKey(key, dataKey)), open)).toEqual([])
  })

  it('take nothing else that opens for a data key', () => {
    const dataKeys = [wrapDataKey(key, Buffer.alloc(31)), wrapDataKey(key, Buffer.alloc(33))]
    expect(outcomeOf(() => dataKeyOf(key, { dataKeys }))).toMatchObject(TAMPERED)
  })

  it('are AES-256-GCM under HKDF-SHA-256 of the secret, with the handle as salt', async () => {
    const handle = handleOf(key)
    const wrapping = new Uint8Array(hkdfSync('sha256', key.slice(23), handle, FORM, 32))
    const context = `${FORM} data key\0${handle}`
    expect(await unsealed(wrapping, context, wrapDataKey(key, dataKey))).toEqual(dataKey)
  })

  it('draw a data key of 256 bits for each session', () => {
    const drawn = Array.from({ length: 100 }, () => Buffer.from(generateDataKey()).toString('hex'))
    expect(new Set(drawn).size).toBe(100)
    expect(drawn[0]).toHaveLength(64)
  })
})
