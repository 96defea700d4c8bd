import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { generateKey } from '../../src/core/key.ts'
import type { Key } from '../../src/core/key.ts'

describe('generate with a key', () => {
  it('makes the session under it', async () => {
    const backend = createMemoryBackend()
    const key = generateKey()
    expect(await backend.generate({ key, value: 'a' })).toBe(key)
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
  })

  it('leaves a session alone that has the record id already', async () => {
    const backend = createMemoryBackend()
    const key = await backend.generate({ value: 'a' })
    const other = (key.slice(0, 23) + generateKey().slice(23)) as Key
    for (const taken of [key, other]) {
      await expect(backend.generate({ key: taken, value: 'b' })).rejects.toMatchObject({
        code: 'ERR_SESSION_CONFLICT',
      })
    }
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
  })

  it('refuses what is no key', async () => {
    const backend = createMemoryBackend()
    await expect(backend.generate({ key: 'a' as Key })).rejects.toThrow('"key" must be a key')
  })
})
