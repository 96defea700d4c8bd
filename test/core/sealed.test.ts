import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { handleOf, secretHashOf } from '../../src/core/key.ts'
import type { Key } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { LifecyclePolicy } from '../../src/core/lifecycle.ts'
import type { SessionBackend, SessionFound } from '../../src/core/session-backend.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { spyOn } from './spy-store.ts'

const SECRET = 'what nobody else may read'
const NOT_FOUND = { ok: false, reason: 'not_found' }
const PLAIN = { code: 'ERR_SESSION_BACKEND', message: 'the session in the store is not sealed' }
const SEALED = {
  code: 'ERR_SESSION_BACKEND',
  message: 'the session in the store is sealed, and the option "sealed" is off',
}

function create(policy: LifecyclePolicy = {}) {
  const clock = createTestClock()
  const memory = createMemoryStore(clock.now)
  const store = spyOn(memory)
  const backend = createBackend(store, { sealed: true, ...policy })
  const recordOf = async (key: Key) => {
    const record = await memory.read(handleOf(key))
    if (record === undefined) throw new Error('the record is gone')
    return record
  }
  const wrapsOf = async (key: Key) => {
    const { extra } = (await recordOf(key)).security
    return (JSON.parse(extra ?? '{}') as { dataKeys?: string[] }).dataKeys ?? []
  }
  return { clock, memory, store, backend, recordOf, wrapsOf }
}

async function found(backend: SessionBackend, key: string): Promise<SessionFound> {
  const answer = await backend.get(key)
  if (!answer.ok) throw new Error(answer.reason)
  return answer
}

async function renewed(backend: SessionBackend, key: string): Promise<Key> {
  const result = await backend.renew(key)
  if (!result.ok) throw new Error(result.reason)
  return result.key
}

describe('the option "sealed"', () => {
  it('is off where it is not given: values are stored as they are', async () => {
    const memory = createMemoryStore()
    const backend = createBackend(memory)
    const key = await backend.generate({ value: SECRET })
    const record = await memory.read(handleOf(key))
    expect(record).toMatchObject({ value: SECRET, security: { extra: null } })
  })

  it.each([1, 'true', null, 'migrate'])('is true or false, and not %j', (sealed) => {
    const policy = { sealed } as never as LifecyclePolicy
    const refused = new TypeError('"sealed" must be true or false')
    expect(() => createBackend(createMemoryStore(), policy)).toThrow(refused)
  })
})

describe('a sealed session', () => {
  it('is nowhere in the store in clear, whatever is done with it', async () => {
    const { backend, store, clock } = create()
    const key = await backend.generate({ value: SECRET, subject: 'ann' })
    await backend.set(key, `${SECRET} 2`)
    const { facts } = await found(backend, key)
    await backend.set(key, `${SECRET} 3`, { version: 2, extra: facts.extra })
    const rotated = await backend.rotate(key, 1, { extra: facts.extra })
    const next = await renewed(backend, rotated.ok ? rotated.key : '')
    await found(backend, next)
    clock.advance(60)
    await renewed(backend, next)
    expect((await found(backend, next)).value).toBe(`${SECRET} 3`)
    const given = JSON.stringify(store.given)
    const forms = [SECRET, ...['base64', 'base64url', 'hex'].map((form) => encoded(form))]
    for (const form of forms) expect(given).not.toContain(form)
    expect(given).not.toContain(key.slice(23))
  })

  it('costs no call more than a plain one, but for a write that does not know the version', async () => {
    const { backend, store } = create()
    const takeCalls = () => store.calls.splice(0)
    const key = await backend.generate({ value: 'a' })
    const { version, facts } = await found(backend, key)
    const { extra, securityVersion } = facts
    expect(takeCalls()).toEqual(['create', 'read'])
    await backend.set(key, 'b', { version, extra })
    await backend.set(key, undefined, { expiry: 60 })
    expect(takeCalls()).toEqual(['update', 'update'])
    await backend.set(key, 'c')
    await backend.set(key, 'd', { extra })
    await backend.set(key, 'e', { version: 4 })
    expect(takeCalls()).toEqual(['read', 'update', 'read', 'update', 'read', 'update'])
    await backend.rotate(key, securityVersion, { extra })
    expect(takeCalls()).toEqual(['updateSecurity'])
  })

  it('tells at its creation what its first write needs', async () => {
    const { backend, store } = create()
    let extra
    const onCreated = (facts: SessionFound['facts']): void => void ({ extra } = facts)
    const key = await backend.generate({ value: 'a', onCreated })
    expect(await backend.set(key, 'b', { version: 1, extra })).toMatchObject({ version: 2 })
    expect(store.calls).toEqual(['create', 'update'])
    expect(await found(backend, key)).toMatchObject({ value: 'b', version: 2, facts: { extra } })
  })

  it('may have no value, and get one', async () => {
    const { backend, recordOf } = create()
    const key = await backend.generate()
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_set' })
    expect((await recordOf(key)).value).toBeNull()
    expect(await backend.set(key, undefined, { expiry: 60 })).toMatchObject({ ok: true })
    expect(await backend.set(key, '')).toMatchObject({ ok: true, version: 2 })
    expect(await found(backend, key)).toMatchObject({ value: '' })
  })

  it('refuses a lone surrogate before it seals anything', async () => {
    const { backend, store } = create()
    const lone = { code: 'ERR_SESSION_INVALID_VALUE', message: '"value" contains a lone surrogate' }
    await expect(backend.generate({ value: 'a\uD800' })).rejects.toMatchObject(lone)
    const key = await backend.generate({ value: 'a' })
    await expect(backend.set(key, '\uDC00')).rejects.toMatchObject(lone)
    expect(store.calls).toEqual(['create'])
  })

  it('is not written by a key that is none of its own, with or without its wraps', async () => {
    const { backend, recordOf } = create()
    const key = await backend.generate({ value: 'a' })
    const { facts } = await found(backend, key)
    const rotated = await backend.rotate(key, 1, { extra: facts.extra })
    const { value } = await recordOf(key)
    for (const options of [{}, { version: 1 }, { version: 1, extra: facts.extra }]) {
      expect(await backend.set(key, 'b', options)).toEqual(NOT_FOUND)
    }
    expect(await backend.set('no key', 'b')).toEqual(NOT_FOUND)
    expect(rotated.ok && (await recordOf(rotated.key)).value).toBe(value)
  })

  it('is not rewritten by a touch', async () => {
    const { backend, clock, recordOf } = create({ period: 1000 })
    const key = await backend.generate({ value: 'a' })
    const before = await recordOf(key)
    clock.advance(600)
    const { touchDue } = await found(backend, key)
    expect(touchDue && (await backend.touch(key, touchDue))).toBe(true)
    const { value, version, security } = await recordOf(key)
    expect({ value, version, security }).toEqual({
      value: before.value,
      version: 1,
      security: before.security,
    })
  })
})

describe('the data key', () => {
  it('is wrapped anew by a rotation, for the new key alone; the value stays as it is', async () => {
    const { backend, recordOf, wrapsOf } = create()
    const key = await backend.generate({ value: 'a' })
    const before = { ...(await recordOf(key)), wraps: await wrapsOf(key) }
    const known = await found(backend, key)
    for (const extra of [{}, undefined]) {
      const other = await backend.generate({ value: 'a' })
      const rotated = await backend.rotate(other, 1, { extra })
      expect(rotated.ok && (await found(backend, rotated.key)).value).toBe('a')
    }
    const rotated = await backend.rotate(key, 1, { extra: known.facts.extra })
    if (!rotated.ok) throw new Error(rotated.reason)
    const after = await wrapsOf(key)
    expect(after).toHaveLength(1)
    expect(rotated.extra).toEqual({ dataKeys: after })
    expect(before.wraps).not.toContain(after[0])
    expect(await recordOf(key)).toMatchObject({ value: before.value, version: 1 })
    const options = { version: 1, extra: rotated.extra }
    expect(await backend.set(rotated.key, 'b', options)).toMatchObject({ ok: true })
    expect((await found(backend, rotated.key)).value).toBe('b')
  })

  it('is wrapped for both keys of a renewal, until the next one', async () => {
    const { backend, clock, wrapsOf } = create()
    const old = await backend.generate({ value: 'a' })
    const { facts } = await found(backend, old)
    const first = await wrapsOf(old)
    const next = await renewed(backend, old)
    expect(await wrapsOf(old)).toHaveLength(2)
    // Pending, confirmed, in the grace: either key reads what the other has written, with wraps of any time.
    await backend.set(old, 'b', { version: 1, extra: facts.extra })
    expect((await found(backend, next)).value).toBe('b')
    await backend.set(next, 'c')
    expect((await found(backend, old)).value).toBe('c')
    await backend.set(old, 'd', { version: 3, extra: facts.extra })
    clock.advance(60)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
    expect((await found(backend, next)).value).toBe('d')
    const third = await renewed(backend, next)
    const wraps = await wrapsOf(next)
    expect(wraps).toHaveLength(2)
    expect(wraps).not.toContain(first[0])
    expect((await found(backend, third)).value).toBe('d')
  })

  it('comes along when a key in its grace is rotated, and the other key dies', async () => {
    const { backend, wrapsOf } = create()
    const old = await backend.generate({ value: 'a' })
    const next = await renewed(backend, old)
    await found(backend, next)
    const rotated = await backend.rotate(old, 1)
    expect(rotated.ok && (await found(backend, rotated.key)).value).toBe('a')
    expect(await wrapsOf(old)).toHaveLength(1)
    expect(await backend.get(next)).toEqual(NOT_FOUND)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
  })

  it('is the same for a client whose response was lost', async () => {
    const { backend } = create()
    const old = await backend.generate({ value: 'a' })
    const next = await renewed(backend, old)
    expect(await renewed(backend, old)).toBe(next)
    expect(await found(backend, old)).toMatchObject({ value: 'a', key: next, renewal: 'again' })
    expect(await found(backend, next)).toMatchObject({ value: 'a' })
  })
})

describe('a record of the other kind', () => {
  it('is a fault of the store where it is plain, and stays as it is', async () => {
    const { backend, memory, recordOf } = create()
    const plain = createBackend(memory)
    const key = await plain.generate({ value: 'a' })
    await expect(backend.get(key)).rejects.toMatchObject(PLAIN)
    await expect(backend.set(key, 'b')).rejects.toMatchObject(PLAIN)
    await expect(backend.set(key, 'b', { version: 1, extra: {} })).rejects.toMatchObject(PLAIN)
    await expect(backend.rotate(key, 1, { extra: {} })).rejects.toMatchObject(PLAIN)
    await expect(backend.renew(key)).rejects.toMatchObject(PLAIN)
    expect(await recordOf(key)).toMatchObject({ value: 'a', version: 1, securityVersion: 1 })
    await backend.clear(key)
    expect(await plain.get(key)).toEqual(NOT_FOUND)
  })

  it('is a fault of the store where it is sealed, too', async () => {
    const { backend, memory, recordOf } = create()
    const plain = createBackend(memory)
    const key = await backend.generate({ value: 'a' })
    await expect(plain.get(key)).rejects.toMatchObject(SEALED)
    await expect(plain.rotate(key, 1)).rejects.toMatchObject(SEALED)
    await expect(plain.renew(key)).rejects.toMatchObject(SEALED)
    expect(await recordOf(key)).toMatchObject({ version: 1, securityVersion: 1 })
    expect((await recordOf(key)).security.secretHash).toBe(secretHashOf(key))
    expect((await found(backend, key)).value).toBe('a')
  })
})

function encoded(form: string): string {
  return Buffer.from(SECRET).toString(form as BufferEncoding)
}
