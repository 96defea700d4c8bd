import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { decodeExtra, encodeExtra, NO_EXTRA, rotatedExtra } from '../../src/core/extra.ts'
import { handleOf } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { spyOn } from './spy-store.ts'

const FOREIGN = {
  code: 'ERR_SESSION_BACKEND',
  message: 'the store gave back a security part that it was never given',
}

describe('encodeExtra and decodeExtra', () => {
  it('keep no text where there is no part', () => {
    expect(encodeExtra({})).toBeNull()
    expect(encodeExtra({ salt: undefined })).toBeNull()
    expect(decodeExtra(null)).toBe(NO_EXTRA)
  })

  it('give back what was kept', () => {
    expect(decodeExtra(encodeExtra({ salt: 'abc' }))).toEqual({ salt: 'abc' })
  })

  it('keep the parts of a newer version', () => {
    const text = '{"newer":{"a":[1]},"salt":"abc","__proto__":{"b":2}}'
    expect(encodeExtra(decodeExtra(text))).toBe(text)
    expect(encodeExtra(rotatedExtra(decodeExtra(text)))).toBe(
      '{"newer":{"a":[1]},"__proto__":{"b":2}}',
    )
  })

  const wraps = ['"a"', '[5]', '[null]', '["a","a","a"]', '{}', 'null'].map(
    (dataKeys) => `{"dataKeys":${dataKeys}}`,
  )

  it.each([
    '',
    'text',
    'null',
    '5',
    '"a"',
    '[]',
    '{"salt":5}',
    '{"salt":null}',
    '{',
    '{"assurance":"aal4"}',
    '{"absolute":"5"}',
    ...wraps,
  ])('take %j for none of ours, and do not quote it', (text) => {
    expect(() => decodeExtra(text)).toThrow(expect.objectContaining(FOREIGN) as Error)
  })
})

describe('rotatedExtra', () => {
  it('drops the salt of a renewal', () => {
    expect(encodeExtra(rotatedExtra({ salt: 'abc' }))).toBeNull()
    expect(rotatedExtra(NO_EXTRA)).toBe(NO_EXTRA)
  })
})

describe('a backend', () => {
  async function withExtra(extra: string) {
    const memory = createMemoryStore()
    const store = spyOn(memory)
    const backend = createBackend(store)
    const key = await backend.generate({ value: 'a' })
    await memory.updateSecurity(handleOf(key), { extra }, 1)
    return { backend, memory, store, key }
  }

  it('rejects a session whose security part is none of ours', async () => {
    const { backend, key } = await withExtra('wrapped')
    await expect(backend.get(key)).rejects.toMatchObject(FOREIGN)
    await expect(backend.rotate(key, 2)).rejects.toMatchObject(FOREIGN)
  })

  it('keeps what outlives a rotation, read where the caller does not know it', async () => {
    const { backend, memory, store, key } = await withExtra('{"newer":1,"salt":"abc"}')
    const found = await backend.get(key)
    expect(found).toMatchObject({ facts: { extra: { newer: 1, salt: 'abc' } } })
    const first = await backend.rotate(key, 2)
    expect(store.calls.slice(2)).toEqual(['read', 'updateSecurity'])
    expect(first).toMatchObject({ ok: true, extra: { newer: 1 } })
    expect((await memory.read(handleOf(key)))?.security.extra).toBe('{"newer":1}')
  })

  it('keeps what somebody else has written meanwhile', async () => {
    const { backend, memory, key } = await withExtra('{"newer":1}')
    expect(await backend.rotate(key, 1, { extra: {} })).toMatchObject({ ok: true })
    expect((await memory.read(handleOf(key)))?.security.extra).toBe('{"newer":1}')
  })
})
