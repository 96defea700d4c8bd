import { describe, expect, it } from 'vitest'
import { createSessionManager } from '../../src/index.ts'
import { createPlainBackend } from './plain-backend.ts'

const CONFLICT = { code: 'ERR_SESSION_CONFLICT' }
const FAULT = { code: 'ERR_SESSION_BACKEND' }

describe('set on a hand-written backend with versions', () => {
  it('overwrites nobody with a session just generated', async () => {
    const backend = createPlainBackend({ versions: true })
    const sessions = createSessionManager({ backend })
    const made = await sessions.generate('a')
    const other = await sessions.fromKey(made.key)
    if (other.ok) await sessions.set(other.session, { value: 'of another request' })
    await expect(sessions.set(made, { value: 'mine' })).rejects.toMatchObject(CONFLICT)
    expect(await sessions.fromKey(made.key)).toMatchObject({
      session: { value: 'of another request' },
    })
  })

  it('learns the version when nobody has changed the value', async () => {
    const backend = createPlainBackend({ versions: true })
    const sessions = createSessionManager({ backend })
    const made = await sessions.generate('a')
    await sessions.set(made, { value: 'b' })
    expect(backend.calls.at(-1)).toEqual([
      'set',
      made.key,
      '"b"',
      { expiry: undefined, version: 1 },
    ])
    expect(made).toMatchObject({ value: 'b', version: 2 })
  })

  it('asks a backend without versions once, and never again', async () => {
    const backend = createPlainBackend()
    const sessions = createSessionManager({ backend })
    const made = await sessions.generate('a')
    await sessions.set(made, { value: 'b' })
    await sessions.set(made, { value: 'c' })
    expect(backend.calls.map(([name]) => name)).toEqual(['generate', 'get', 'set', 'set'])
  })

  it('is gone when the session is', async () => {
    const backend = createPlainBackend({ versions: true })
    const sessions = createSessionManager({ backend })
    const made = await sessions.generate('a')
    await backend.clear(made.key)
    const gone = { code: 'ERR_SESSION_GONE' }
    await expect(sessions.set(made, { value: 'b' })).rejects.toMatchObject(gone)
  })
})

describe('a hand-written backend', () => {
  it('without a usable default period is a fault, before anything is stored', async () => {
    for (const defaultPeriod of [undefined, Number.NaN, '60']) {
      const plain = createPlainBackend()
      const backend = { ...plain, defaultPeriod: defaultPeriod as number }
      const sessions = createSessionManager({ backend })
      await expect(sessions.generate('a')).rejects.toMatchObject(FAULT)
      expect(plain.calls).toEqual([])
    }
  })

  it('that rounds periods down to 0 loses no session to an update', async () => {
    const plain = createPlainBackend({ versions: true })
    const get = async (key: string) => {
      const found = await plain.get(key)
      return found.ok ? { ...found, period: 0 } : found
    }
    const sessions = createSessionManager<number>({ backend: { ...plain, get } })
    const made = await sessions.generate(1)
    const loaded = await sessions.fromKey(made.key)
    const updated = loaded.ok && (await sessions.update(loaded.session, (n) => n + 1))
    expect(updated).toBe(2)
    expect(plain.calls.at(-1)?.at(-1)).toEqual({ expiry: undefined, version: 1 })
  })
})
