import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { callAtOnce, isPromise } from '../../src/core/awaitable.ts'
import { onSessionEvent } from '../../src/core/events.ts'
import type { Key } from '../../src/core/key.ts'
import { handleOf, secretHashOf } from '../../src/core/key.ts'
import type { LifecyclePolicy } from '../../src/core/lifecycle.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { SessionBackend } from '../../src/core/session-backend.ts'
import type { Store } from '../../src/core/store.ts'
import { successorOf } from '../../src/core/successor.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { spyOn } from './spy-store.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }
const FOUND = { ok: true, value: 'a' }

function create(policy?: LifecyclePolicy, replace?: (store: Store) => Partial<Store>) {
  const clock = createTestClock()
  const memory = createMemoryStore(clock.now)
  const store = spyOn(memory, replace?.(memory))
  return { clock, memory, store, backend: createBackend(store, policy) }
}

async function renewed(backend: SessionBackend, key: string): Promise<Key> {
  const result = await backend.renew(key)
  if (!result.ok) throw new Error(result.reason)
  return result.key
}

async function createRenewed(policy?: LifecyclePolicy) {
  const made = create(policy)
  const old = await made.backend.generate({ value: 'a', subject: 'ann' })
  const key = await renewed(made.backend, old)
  return { ...made, old, key }
}

describe('renew', () => {
  it('is loaded once: from then on a read of what is in memory is there at once', async () => {
    const { backend, old } = await createRenewed({ renewAfter: 90 })
    for (const key of [old, await backend.generate({ value: 'a' })]) {
      expect(isPromise(callAtOnce(backend, 'get', key))).toBe(false)
    }
  })

  it('gives a new secret under the same handle, and keeps the old one good', async () => {
    const { backend, clock } = create({ period: 100_000 })
    const old = await backend.generate({ value: 'a' })
    const result = await backend.renew(old)
    const salt = expect.stringMatching(/^[\w-]{43}$/) as string
    expect(result).toMatchObject({ ok: true, period: 100_000, securityVersion: 2, extra: { salt } })
    const key = await renewed(backend, old)
    expect(key).toBe(result.ok && result.key)
    expect(key).not.toBe(old)
    expect(handleOf(key)).toBe(handleOf(old))
    clock.advance(90_000)
    expect(await backend.get(old)).toMatchObject(FOUND)
    expect(await backend.set(old, 'b')).toMatchObject({ ok: true, version: 2 })
  })

  it('gives parallel calls, and one after a lost response, the same new key', async () => {
    const { backend, clock } = create()
    const old = await backend.generate({ value: 'a' })
    const keys = await Promise.all(Array.from({ length: 8 }, () => renewed(backend, old)))
    clock.advance(4000)
    keys.push(await renewed(backend, old))
    expect(new Set(keys).size).toBe(1)
  })

  it('hands the store hashes and a salt, and neither secret', async () => {
    const { store, old, key, memory } = await createRenewed()
    const record = await memory.read(handleOf(key))
    const { salt } = JSON.parse(record?.security.extra ?? '') as { salt: string }
    expect(successorOf(old, salt)).toBe(key)
    expect(record?.security).toMatchObject({
      secretHash: secretHashOf(key),
      previousHash: secretHashOf(old),
      previousUntilMs: null,
    })
    for (const secret of [old, key]) {
      expect(JSON.stringify(store.given)).not.toContain(secret.slice(23))
    }
  })

  it('moves no timeout and no authentication', async () => {
    const { backend, clock, memory } = create({ period: 60, absolute: 100 })
    const old = await backend.generate({ value: 'a', subject: 'ann' })
    const before = await memory.read(handleOf(old))
    clock.advance(20)
    expect(await backend.renew(old)).toMatchObject({ period: 40 })
    const { expiresAtMs, deadlineMs, security } = (await memory.read(handleOf(old))) ?? {}
    expect([expiresAtMs, deadlineMs]).toEqual([before?.expiresAtMs, before?.deadlineMs])
    expect(security?.authenticatedAtMs).toBe(clock.now() - 20_000)
  })

  it('makes a read and a write, and a read alone for the same key again', async () => {
    const { backend, store, old } = await createRenewed()
    expect(store.calls).toEqual(['create', 'read', 'updateSecurity'])
    await backend.renew(old)
    expect(store.calls.slice(3)).toEqual(['read'])
  })

  it.each(['asdfjk', ''])('does not ask the store for %j', async (text) => {
    const { backend, store } = create()
    expect(await backend.renew(text)).toEqual(NOT_FOUND)
    expect(store.calls).toEqual([])
  })

  it('is not_found for a session that is gone, also when it goes meanwhile', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: 'a' })
    await backend.clear(key)
    expect(await backend.renew(key)).toEqual(NOT_FOUND)
    const other = create({}, () => ({ updateSecurity: () => ({ ok: false, reason: 'gone' }) }))
    expect(await other.backend.renew(await other.backend.generate())).toEqual(NOT_FOUND)
  })

  it('is conflict after 16 lost races in a row, and the key is as good as before', async () => {
    const conflict = { ok: false, reason: 'conflict' } as const
    const { backend, store } = create({}, () => ({ updateSecurity: () => conflict }))
    const key = await backend.generate({ value: 'a' })
    expect(await backend.renew(key)).toEqual(conflict)
    expect(store.calls.filter((name) => name === 'updateSecurity')).toHaveLength(16)
    expect(await backend.get(key)).toMatchObject(FOUND)
  })

  it.each(['read', 'updateSecurity'] as const)('rejects when %s fails', async (operation) => {
    const cause = new Error('down')
    let down = true
    const { backend } = create({}, (memory) => ({
      [operation]: (...args: never[]) => {
        if (down) throw cause
        return (memory[operation] as (...args: never[]) => unknown)(...args)
      },
    }))
    const key = await backend.generate({ value: 'a' })
    await expect(backend.renew(key)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND', cause })
    down = false
    expect(await backend.get(key)).toMatchObject(FOUND)
    expect(await renewed(backend, key)).not.toBe(key)
  })

  it('gives the same key again after a write whose outcome was unknown', async () => {
    let lost = true
    const { backend } = create({}, (memory) => ({
      async updateSecurity(...args) {
        const done = await memory.updateSecurity(...args)
        if (lost) throw new Error('no answer')
        return done
      },
    }))
    const old = await backend.generate({ value: 'a' })
    await expect(backend.renew(old)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    lost = false
    const key = await renewed(backend, old)
    expect(await backend.get(old)).toMatchObject({ ...FOUND, key, renewal: 'again' })
    expect(await backend.get(key)).toMatchObject(FOUND)
  })

  it('keeps the parts that others have in the record', async () => {
    const { backend, memory } = create()
    const old = await backend.generate({ value: 'a' })
    await memory.updateSecurity(handleOf(old), { extra: '{"newer":1}' }, 1)
    const key = await renewed(backend, old)
    expect((await memory.read(handleOf(old)))?.security.extra).toMatch(/^{"newer":1,"salt":/)
    await backend.get(key)
    expect((await memory.read(handleOf(old)))?.security.extra).toBe('{"newer":1}')
  })
})

describe('the old key of a renewal', () => {
  it('leads to the new one until that is seen', async () => {
    const { backend, old, key, clock } = await createRenewed()
    clock.advance(86_400)
    expect(await backend.get(old)).toMatchObject({ ...FOUND, key, renewal: 'again' })
    expect(await backend.get(old)).toMatchObject({ facts: { securityVersion: 2 } })
  })

  it('is good for the grace from the moment in which the new one is seen', async () => {
    const { backend, old, key, clock } = await createRenewed({ renewGrace: 5 })
    clock.advance(100)
    const first = await backend.get(key)
    expect(first).toMatchObject({ ...FOUND, facts: { securityVersion: 3, extra: {} } })
    expect(first).not.toHaveProperty('key')
    clock.advance(4.999)
    const late = await backend.get(old)
    expect(late).toMatchObject({ ...FOUND, renewal: 'over' })
    expect(late).not.toHaveProperty('key')
    expect(await backend.set(old, 'a')).toMatchObject({ ok: true })
    clock.advance(0.001)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
    expect(await backend.set(old, 'b')).toEqual(NOT_FOUND)
    expect(await backend.get(key)).toMatchObject(FOUND)
  })

  it('has a minute by default', async () => {
    const { backend, old, key, clock } = await createRenewed()
    await backend.get(key)
    clock.advance(59.999)
    expect(await backend.get(old)).toMatchObject(FOUND)
    clock.advance(0.001)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
  })

  it('renews nothing within the grace, and never learns the new key', async () => {
    const { backend, old, key, store } = await createRenewed()
    await backend.get(key)
    store.calls.length = 0
    expect(await renewed(backend, old)).toBe(old)
    expect(await renewed(backend, key)).toBe(key)
    expect(store.calls).toEqual(['read', 'read'])
  })

  it('lets the new one be renewed once the grace is over', async () => {
    const { backend, old, key, clock } = await createRenewed()
    await backend.get(key)
    clock.advance(60)
    const third = await renewed(backend, key)
    expect(third).not.toBe(key)
    expect(await backend.get(key)).toMatchObject({ key: third })
    expect(await backend.get(old)).toEqual(NOT_FOUND)
  })

  it.each(['pending', 'in its grace'])(
    'dies with the new one at a rotation by it, %s',
    async (at) => {
      const { backend, old, key, clock } = await createRenewed()
      if (at !== 'pending') await backend.get(key)
      const result = await backend.rotate(old, 2, { subject: 'ann', authenticated: true })
      expect(result).toMatchObject({ ok: true, authenticatedAtMs: clock.now() })
      expect(await backend.get(old)).toEqual(NOT_FOUND)
      expect(await backend.get(key)).toEqual(NOT_FOUND)
      const found = await backend.get(result.ok ? result.key : '')
      expect(found).toMatchObject({ ...FOUND, facts: { extra: {} } })
    },
  )

  it('dies at once at a rotation by the new one', async () => {
    const { backend, old, key } = await createRenewed()
    await backend.rotate(key, 2)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
  })

  it('ends the session by a logout', async () => {
    const { backend, old, key } = await createRenewed()
    await backend.clear(old)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
  })
})

describe('get of the new key', () => {
  it('makes one call more, the first time only', async () => {
    const { backend, key, store } = await createRenewed()
    store.calls.length = 0
    await backend.get(key)
    await backend.get(key)
    expect(store.calls).toEqual(['read', 'updateSecurity', 'read'])
  })

  it('confirms nothing when no client has sent it', async () => {
    const { backend, old, key, clock, store } = await createRenewed()
    store.calls.length = 0
    expect(await backend.get(key, { seen: false })).toMatchObject(FOUND)
    expect(store.calls).toEqual(['read'])
    clock.advance(1000)
    expect(await backend.get(old)).toMatchObject({ key })
  })

  it('confirms a session without a value too', async () => {
    const { backend, clock } = create()
    const old = await backend.generate()
    const key = await renewed(backend, old)
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_set' })
    clock.advance(60)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
  })

  it('goes on when another get has confirmed first', async () => {
    const { backend, old, key, clock } = await createRenewed()
    const results = await Promise.all([1, 2, 3].map(() => backend.get(key)))
    for (const result of results) {
      expect(result).toMatchObject({ ...FOUND, facts: { securityVersion: 3 } })
    }
    clock.advance(60)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
  })

  it('is not_found when a rotation or an end comes between', async () => {
    for (const end of ['rotate', 'clear'] as const) {
      const { memory, key, old } = await createRenewed()
      const direct = createBackend(memory)
      const store = spyOn(memory, {
        async updateSecurity(...args) {
          await (end === 'rotate' ? direct.rotate(old, 1) : direct.clear(old))
          return memory.updateSecurity(...args)
        },
      })
      expect(await createBackend(store).get(key)).toEqual(NOT_FOUND)
    }
  })

  it('rejects when the store fails to confirm, and confirms the next time', async () => {
    const { memory, old, key, clock } = await createRenewed()
    const cause = new Error('read only')
    const broken = createBackend(spyOn(memory, { updateSecurity: () => Promise.reject(cause) }))
    await expect(broken.get(key)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND', cause })
    expect(await broken.get(old)).toMatchObject(FOUND)
    const backend = createBackend(memory)
    expect(await backend.get(key)).toMatchObject(FOUND)
    clock.advance(60)
    expect(await backend.get(old)).toEqual(NOT_FOUND)
  })
})

describe('events of a renewal', () => {
  it('say that it began, was confirmed, and nothing more of the same key again', async () => {
    const events: unknown[] = []
    const stop = (['session.renewed', 'session.confirmed'] as const).map((name) =>
      onSessionEvent(`sojourn:${name}`, (event) => events.push([name, event])),
    )
    const { backend, old, key } = await createRenewed({ renewGrace: 7 })
    await backend.renew(old)
    await backend.get(key)
    await backend.get(key)
    stop.forEach((end) => end())
    const handle = handleOf(key)
    expect(events).toEqual([
      ['session.renewed', { handle, subject: 'ann' }],
      ['session.confirmed', { handle, subject: 'ann', graceMs: 7000 }],
    ])
  })
})
