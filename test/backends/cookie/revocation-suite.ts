import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { RevocationStore } from '../../../src/backends/cookie.ts'
import { make, NOT_FOUND } from './fixture.ts'

const FAR = Number.MAX_SAFE_INTEGER

/** What every store of revocations has to do. */
export function revocationSuite(store: () => RevocationStore): void {
  const newName = (what = ''): string => `subject:${what}${randomUUID()}`

  it('knows nothing of a name that was never set', async () => {
    expect(await store().notBefore(newName())).toBeUndefined()
  })

  it('keeps the latest moment, and says whether it moved', async () => {
    const name = newName()
    const moves: unknown[] = []
    for (const ms of [5, 5, 4, 1_767_225_600_123, 6, FAR, FAR]) {
      moves.push(await store().setNotBefore(name, ms, 60_000))
    }
    expect(moves).toEqual([true, false, false, true, false, true, false])
    expect(await store().notBefore(name)).toBe(FAR)
    expect(await store().notBefore(`${name} `)).toBeUndefined()
  })

  it('lets one of many calls at once move it', async () => {
    const name = newName()
    const calls = Array.from({ length: 20 }, async () => store().setNotBefore(name, 7, 60_000))
    expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1)
    const rising = Array.from({ length: 20 }, async (_, at) => {
      return store().setNotBefore(name, 100 + at, 60_000)
    })
    await Promise.all(rising)
    expect(await store().notBefore(name)).toBe(119)
  })

  it.each(['é', '\0', "'; DROP", '😀'.repeat(2000)])('takes %j in a name', async (text) => {
    const name = newName(text)
    expect(await store().setNotBefore(name, 1, 60_000)).toBe(true)
    expect(await store().notBefore(name)).toBe(1)
  })

  it('ends sessions of a cookie backend', async () => {
    const { backend } = make({ revocations: store(), now: Date.now })
    const subject = randomUUID()
    const [one, two] = [
      await backend.generate({ value: 'a', subject }),
      await backend.generate({ value: 'b', subject }),
    ]
    await backend.clear(one)
    expect(await backend.get(one)).toEqual(NOT_FOUND)
    expect(await backend.get(two)).toMatchObject({ ok: true })
    await backend.clearSubject(subject)
    expect(await backend.get(two)).toEqual(NOT_FOUND)
    const again = await backend.generate({ value: 'c', subject })
    expect(await backend.get(again)).toMatchObject({ ok: true })
  })
}
