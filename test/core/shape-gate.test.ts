import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { generateKey, handleOf } from '../../src/core/key.ts'
import { spyOn } from './spy-store.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }

function create() {
  const store = spyOn(createMemoryStore())
  return { store, backend: createBackend(store) }
}

describe('the shape gate', () => {
  const key = generateKey()

  it.each([
    '',
    'asdfjk',
    key.slice(1),
    `${key}a`,
    ` ${key}`,
    `${key} `,
    key.replace('.', '-'),
    `${key.slice(0, -1)}+`,
    'x'.repeat(65_536),
    `${'\0'.repeat(22)}.${'\0'.repeat(43)}`,
    '__proto__',
  ])('keeps what is no key from the store (case %#)', async (text) => {
    const { backend, store } = create()
    expect(await backend.get(text)).toEqual(NOT_FOUND)
    expect(await backend.set(text, 'a')).toEqual(NOT_FOUND)
    expect(await backend.clear(text)).toBeUndefined()
    expect(await backend.touch(text, { fromMs: 0, toMs: 1, period: 1 })).toBe(false)
    expect(await backend.rotate(text, 1)).toEqual(NOT_FOUND)
    expect(await backend.clearHandle(text)).toBe(false)
    expect(store.calls).toEqual([])
  })

  it('lets a well-formed key through, once for each operation', async () => {
    const { backend, store } = create()
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await backend.set(key, 'a')).toEqual(NOT_FOUND)
    expect(await backend.clear(key)).toBeUndefined()
    expect(await backend.touch(key, { fromMs: 0, toMs: 1, period: 1 })).toBe(false)
    expect(await backend.rotate(key, 1, { extra: {} })).toEqual(NOT_FOUND)
    expect(await backend.clearHandle(handleOf(key))).toBe(false)
    expect(store.calls).toEqual(['read', 'update', 'delete', 'touch', 'updateSecurity', 'delete'])
  })

  it('does not take a handle for a key, nor a key for a handle', async () => {
    const { backend } = create()
    const own = await backend.generate({ value: 'a' })
    expect(await backend.get(handleOf(own))).toEqual(NOT_FOUND)
    expect(await backend.clearHandle(own)).toBe(false)
    expect(await backend.get(own)).toMatchObject({ ok: true })
  })

  it('finds nothing under a handle with another secret', async () => {
    const { backend } = create()
    const own = await backend.generate({ value: 'a' })
    const forged = `${handleOf(own)}${key.slice(22)}`
    expect(await backend.get(forged)).toEqual(NOT_FOUND)
    expect(await backend.set(forged, 'b')).toEqual(NOT_FOUND)
    expect(await backend.rotate(forged, 2)).toEqual(NOT_FOUND)
    await backend.clear(forged)
    expect(await backend.get(own)).toMatchObject({ ok: true, value: 'a' })
  })
})
