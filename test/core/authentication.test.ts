import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { handleOf } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type {
  LifecyclePolicy,
  RotateOptions,
  SessionBackend,
  StatelessBackend,
} from '../../src/index.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { make } from '../backends/cookie/fixture.ts'

const NO_LEVEL = { code: 'ERR_SESSION_INVALID_VALUE' }

function create(policy: LifecyclePolicy = {}) {
  const clock = createTestClock()
  const store = createMemoryStore(clock.now)
  return { clock, store, backend: createBackend(store, policy) }
}

type Either = SessionBackend | StatelessBackend

async function rotated(backend: Either, key: string, version: number, options: RotateOptions) {
  const result = await backend.rotate(key, version, options)
  if (!result.ok) throw new Error(result.reason)
  return result
}

async function levelOf(backend: Either, key: string) {
  const found = await backend.get(key)
  return found.ok ? found.facts.extra?.assurance : found.reason
}

const LOGIN = { authenticated: true, subject: 'ann' } as const

describe.each([
  ['createBackend', create],
  ['createCookieBackend', make],
] as const)('the assurance level, with %s,', (_, create) => {
  it('is that of the login, or none', async () => {
    const { backend } = create({})
    const made = await backend.generate({ value: 'a', subject: 'ann', assurance: 'aal2' })
    expect(await levelOf(backend, made)).toBe('aal2')
    const plain = await backend.generate({ value: 'a', subject: 'ann' })
    expect(await levelOf(backend, plain)).toBeUndefined()
    const anonymous = await backend.generate({ value: 'a' })
    const bound = await rotated(backend, anonymous, 1, { ...LOGIN, assurance: 'aal1' })
    expect(bound.extra?.assurance).toBe('aal1')
    expect(await levelOf(backend, bound.key)).toBe('aal1')
  })

  it('is what each authentication after it was worth, higher or lower', async () => {
    const { backend } = create({})
    let key = await backend.generate({ value: 'a', subject: 'ann', assurance: 'aal1' })
    for (const assurance of ['aal3', 'aal2', 'aal2', 'aal1'] as const) {
      ;({ key } = await rotated(backend, key, 1, {
        authenticated: true,
        assurance,
        extra: undefined,
      }))
      expect(await levelOf(backend, key)).toBe(assurance)
    }
  })

  it('stays with a rotation that is no authentication', async () => {
    const { backend } = create({})
    const key = await backend.generate({ value: 'a', subject: 'ann', assurance: 'aal2' })
    const next = await rotated(backend, key, 1, {})
    expect(next.extra?.assurance).toBe('aal2')
    expect(await levelOf(backend, next.key)).toBe('aal2')
  })

  it('is neither kept nor dropped by an authentication that names none', async () => {
    const { backend } = create({})
    const key = await backend.generate({ value: 'a', subject: 'ann', assurance: 'aal2' })
    await expect(backend.rotate(key, 1, { authenticated: true })).rejects.toMatchObject(NO_LEVEL)
    await expect(backend.rotate(key, 1, LOGIN)).rejects.toMatchObject(NO_LEVEL)
    expect(await levelOf(backend, key)).toBe('aal2')
  })

  it('is refused where nobody authenticates, and when it is no level', async () => {
    const { backend } = create({})
    const misuse = { assurance: 'aal2' } as const
    await expect(backend.generate({ value: 'a', ...misuse })).rejects.toThrow(TypeError)
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    await expect(backend.rotate(key, 1, misuse)).rejects.toThrow(TypeError)
    for (const assurance of ['aal4', 'AAL2', 2, null] as unknown[] as 'aal2'[]) {
      await expect(backend.generate({ subject: 'ann', assurance })).rejects.toThrow('"assurance"')
      await expect(backend.rotate(key, 1, { ...LOGIN, assurance })).rejects.toThrow('"assurance"')
    }
    expect(await levelOf(backend, key)).toBeUndefined()
  })
})

describe('the assurance level', () => {
  it('is not raised by a renewal, and outlives it', async () => {
    const { backend } = create()
    const key = await backend.generate({ value: 'a', subject: 'ann', assurance: 'aal1' })
    const renewed = await backend.renew(key)
    if (!renewed.ok) throw new Error(renewed.reason)
    expect(await levelOf(backend, renewed.key)).toBe('aal1')
    expect(await levelOf(backend, renewed.key)).toBe('aal1')
  })

  it('of another rotation meanwhile counts, and not the one that was read', async () => {
    const { backend, store } = create()
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    const extra = { extra: '{"assurance":"aal2"}' }
    await store.updateSecurity(handleOf(key), extra, 1)
    const late = backend.rotate(key, 1, { authenticated: true, extra: {} })
    await expect(late).rejects.toMatchObject(NO_LEVEL)
  })
})

describe.each([
  ['createBackend', create],
  ['createCookieBackend', make],
] as const)('the absolute lifetime of one session, with %s,', (_, create) => {
  async function livesFor(options: Parameters<SessionBackend['generate']>[0]) {
    const { backend } = create({ period: 5000, absolute: 1000 })
    let left = 0
    await backend.generate({ ...options, onCreated: ({ period }) => (left = period) })
    return left
  }

  it('is bounded at its creation, below the policy’s and never above it', async () => {
    expect(await livesFor({ absolute: 300 })).toBe(300)
    expect(await livesFor({ absolute: 1 })).toBe(1)
    expect(await livesFor({ absolute: 2000 })).toBe(1000)
    expect(await livesFor({})).toBe(1000)
    expect(await livesFor({ absolute: 300, expiry: 200 })).toBe(200)
  })

  it('ends it, however much it is used', async () => {
    const { backend, clock } = create({ period: 200, absolute: 1000 })
    let key = await backend.generate({ value: 'a', subject: 'ann', absolute: 300 })
    clock.advance(150)
    const written = await backend.set(key, 'b')
    expect(written).toMatchObject({ ok: true, period: 150 })
    key = (written.ok ? written.key : undefined) ?? key
    const { key: next, period } = await rotated(backend, key, 1, {})
    expect(period).toBe(150)
    clock.advance(149.999)
    expect(await backend.get(next)).toMatchObject({ ok: true, period: 1 })
    clock.advance(0.001)
    expect(await backend.get(next)).toEqual({ ok: false, reason: 'not_found' })
  })

  it('is set anew at a login, and holds for later authentications that say nothing', async () => {
    const { backend, clock } = create({ period: 5000, absolute: 1000 })
    const anonymous = await backend.generate({ value: 'a', absolute: 50 })
    const first = await rotated(backend, anonymous, 1, { ...LOGIN, absolute: 300 })
    expect(first.period).toBe(300)
    clock.advance(100)
    const second = await rotated(backend, first.key, first.securityVersion, { authenticated: true })
    expect(second.period).toBe(300)
    const third = await rotated(backend, second.key, second.securityVersion, {
      authenticated: true,
      absolute: 400,
    })
    expect(third.period).toBe(400)
    const fourth = await rotated(backend, third.key, third.securityVersion, {
      authenticated: true,
      absolute: 34_560_000,
    })
    expect(fourth.period).toBe(1000)
  })

  it('of a visitor is not that of the user who logs in', async () => {
    const { backend } = create({ period: 5000, absolute: 1000 })
    const anonymous = await backend.generate({ value: 'a', absolute: 50 })
    expect((await rotated(backend, anonymous, 1, LOGIN)).period).toBe(1000)
  })

  it('is refused out of range, and at a rotation that is no authentication', async () => {
    const { backend } = create({})
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    for (const absolute of [0, -1, 1.5, NaN, 34_560_001, '60'] as number[]) {
      const refused = { code: 'ERR_SESSION_INVALID_PERIOD' }
      await expect(backend.generate({ absolute })).rejects.toMatchObject(refused)
      await expect(backend.rotate(key, 1, { ...LOGIN, absolute })).rejects.toMatchObject(refused)
    }
    await expect(backend.rotate(key, 1, { absolute: 60 })).rejects.toThrow(TypeError)
  })
})
