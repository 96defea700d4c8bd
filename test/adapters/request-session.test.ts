import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { generateKey } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { createSessionManager } from '../../src/manager.ts'
import type { HeaderField } from '../../src/manager/session-manager.ts'
import { createRequestSession } from '../../src/request.ts'
import type { ResponseHead } from '../../src/request.ts'
import type { Backend } from '../../src/core/backend.ts'

const sessions = createSessionManager<number>({ backend: createBackend(createMemoryStore()) })

/** A response's head that keeps what is written to it. */
function createHead(sent = false): ResponseHead & { readonly written: HeaderField[][] } {
  const written: HeaderField[][] = []
  return { written, sent: () => sent, write: (fields) => void written.push([...fields]) }
}

async function createCookie(value: number): Promise<string> {
  return `__Host-session=${(await sessions.generate(value)).key}`
}

describe('createRequestSession', () => {
  it('writes Vary once, with the first read', async () => {
    const head = createHead()
    const session = createRequestSession(sessions, await createCookie(1), head)
    expect(head.written).toStrictEqual([])
    await session.load()
    await session.load()
    expect(head.written).toStrictEqual([[['Vary', 'Cookie']]])
  })

  it('writes nothing more for an update that writes nothing', async () => {
    const head = createHead()
    const session = createRequestSession(sessions, await createCookie(1), head)
    await session.update(() => undefined)
    expect(head.written).toStrictEqual([[['Vary', 'Cookie']]])
  })

  it('writes Set-Cookie, Cache-Control and Vary with each write', async () => {
    const head = createHead()
    const session = createRequestSession(sessions, await createCookie(1), head)
    await session.set(2)
    const names = head.written.map((fields) => fields.map(([name]) => name))
    expect(names).toStrictEqual([['Vary'], ['Set-Cookie', 'Cache-Control', 'Vary']])
  })

  it('writes nothing to a head that is gone', async () => {
    const head = createHead(true)
    const session = createRequestSession(sessions, await createCookie(3), head)
    expect((await session.load())?.value).toBe(3)
    expect(head.written).toStrictEqual([])
    await expect(session.set(4)).rejects.toThrow(
      'the session was used after the response headers had been sent',
    )
  })

  it('says that a value cannot be decoded', async () => {
    const backend = createBackend(createMemoryStore())
    const key = await backend.generate({ value: '{' })
    const manager = createSessionManager({ backend })
    const session = createRequestSession(manager, `__Host-session=${key}`, createHead())
    await expect(session.load()).rejects.toThrow('the stored value no longer decodes or fits')
  })

  it('refuses an unknown onInvalid', () => {
    const options = { onInvalid: 'ignore' as 'create' }
    expect(() => createRequestSession(sessions, null, createHead(), options)).toThrow(
      new TypeError('"onInvalid" must be "reject" or "create"'),
    )
  })

  it('works on a backend with the five basic operations', async () => {
    const values = new Map<string, string>()
    const backend: Backend = {
      defaultPeriod: 60,
      generate({ value = '' } = {}) {
        const key = generateKey()
        values.set(key, value)
        return key
      },
      get(key) {
        const value = values.get(key)
        return value === undefined
          ? { ok: false, reason: 'not_found' }
          : { ok: true, value, period: 30 }
      },
      set(key, value = '') {
        if (!values.has(key)) return { ok: false, reason: 'not_found' }
        values.set(key, value)
        return { ok: true }
      },
      clear: (key) => void values.delete(key),
    }
    const manager = createSessionManager<number>({ backend })
    const first = createRequestSession(manager, null, createHead())
    const { key } = await first.loadOrCreate(1)
    const second = createRequestSession(manager, `__Host-session=${key}`, createHead())
    expect((await second.load())?.value).toBe(1)
    await second.set(2)
    expect(await second.update((n = 0) => n + 1, { unversioned: true })).toBe(3)
    expect(values.get(key)).toBe('3')
    await second.clear()
    expect(values.size).toBe(0)
  })
})
