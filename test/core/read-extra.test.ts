import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { encodeExtra, NO_EXTRA } from '../../src/core/extra.ts'
import type { Extra } from '../../src/core/extra.ts'
import { generateKey, parseKey } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { ReadExtra } from '../../src/core/read-extra.ts'
import type { SessionFound } from '../../src/core/session-backend.ts'
import { createTestClock } from '../../src/testing/clock.ts'

const key = generateKey()
const halves = parseKey(key)!

function extraOf(parts: Extra): Extra {
  return new ReadExtra(parts, key, halves) as Extra
}

describe('ReadExtra', () => {
  it('gives the halves of the key that it was made for, and of no other', () => {
    const extra = extraOf(NO_EXTRA)
    expect(ReadExtra.halvesOf(extra, key)).toBe(halves)
    expect(ReadExtra.halvesOf(extra, generateKey())).toBeUndefined()
    for (const plain of [
      undefined,
      null as never,
      NO_EXTRA,
      { ...extra },
      structuredClone(extra),
    ]) {
      expect(ReadExtra.halvesOf(plain, key)).toBeUndefined()
    }
  })

  it('has the parts that it was made of, and nothing else to be seen', () => {
    const parts = { salt: 'salt', absolute: 60 }
    const extra = extraOf(parts)
    expect({ ...extra }).toStrictEqual(parts)
    expect(JSON.parse(encodeExtra(extra) ?? '')).toStrictEqual(parts)
    expect(encodeExtra(extraOf(NO_EXTRA))).toBeNull()
  })
})

describe('a write with what was read', () => {
  async function create() {
    const clock = createTestClock()
    const backend = createBackend(createMemoryStore(clock.now))
    const read = async (from: string): Promise<SessionFound> => {
      const found = await backend.get(from)
      if (!found.ok) throw new Error('the session is there')
      return found
    }
    return { backend, read }
  }

  it('writes to the session of its key, even where what was read is of another', async () => {
    const { backend, read } = await create()
    const [one, other] = [
      await backend.generate({ value: '1' }),
      await backend.generate({ value: '2' }),
    ]
    const { facts } = await read(other)
    expect(await backend.set(one, 'changed', { extra: facts.extra })).toMatchObject({ ok: true })
    expect([(await read(one)).value, (await read(other)).value]).toEqual(['changed', '2'])
  })

  it('is none with a key that is no longer good, or that never was', async () => {
    const { backend, read } = await create()
    const old = await backend.generate({ value: '1' })
    const { extra, securityVersion } = (await read(old)).facts
    const rotated = await backend.rotate(old, securityVersion, { extra })
    if (!rotated.ok) throw new Error('nobody else rotates it')
    const written = await Promise.all(
      [old, generateKey(), 'no key'].map((from) => backend.set(from, 'changed', { extra })),
    )
    const none = { ok: false, reason: 'not_found' }
    expect(written).toEqual([none, none, none])
    expect((await read(rotated.key)).value).toBe('1')
    expect(await backend.set(rotated.key, 'changed', { extra })).toMatchObject({ ok: true })
    expect(ReadExtra.halvesOf(rotated.extra, old)).toBeUndefined()
    expect(ReadExtra.halvesOf(rotated.extra, rotated.key)).toEqual(parseKey(rotated.key))
  })
})
