import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { PROFILE_WARNING } from '../../src/core/profile.ts'
import type { Profile } from '../../src/core/profile.ts'
import { createSessionManager } from '../../src/index.ts'
import type { LifecyclePolicy } from '../../src/index.ts'
import { make } from '../backends/cookie/fixture.ts'
import { createPlainBackend } from '../manager/plain-backend.ts'

const MAKERS = [
  ['createBackend', (policy: LifecyclePolicy = {}) => createBackend(createMemoryStore(), policy)],
  [
    'createCookieBackend',
    ({ profile, period, absolute }: LifecyclePolicy = {}) =>
      make({ profile, period, absolute }).backend,
  ],
] as const

const warnings: unknown[][] = []
beforeEach(() => {
  warnings.length = 0
  vi.spyOn(process, 'emitWarning').mockImplementation(
    (...given: unknown[]) => void warnings.push(given),
  )
})
afterEach(() => vi.restoreAllMocks())

const warning = (name: string, limit: number, profile: Profile) => [
  `"${name}" is longer than the ${limit} seconds of "${profile}"`,
  { code: PROFILE_WARNING },
]

describe.each(MAKERS)('a profile of %s', (_, create) => {
  it.each([
    // AAL1: at most 30 days, and no figure for the idle timeout; AAL2: 24 hours and one; AAL3: 12 hours and 15 minutes.
    ['nist-aal1', 604_800, 30 * 86_400],
    ['nist-aal2', 3600, 24 * 3600],
    ['nist-aal3', 15 * 60, 12 * 3600],
  ] as const)('%s sets both timeouts: %d without use, %d in all', (profile, period, absolute) => {
    const backend = create({ profile })
    expect([backend.defaultPeriod, backend.absolutePeriod]).toEqual([period, absolute])
    expect(backend.describePolicy()).toMatchObject({ profile, period, absolute, exceeding: [] })
    expect(warnings).toEqual([])
  })

  it('gives way to shorter figures beside it, without a word', () => {
    const backend = create({ profile: 'nist-aal2', period: 60, absolute: 600 })
    expect([backend.defaultPeriod, backend.absolutePeriod]).toEqual([60, 600])
    create({ profile: 'nist-aal2', period: 3600, absolute: 86_400 })
    expect(warnings).toEqual([])
  })

  it('gives way to longer ones with a warning for each, once', () => {
    const backend = create({ profile: 'nist-aal3', period: 901, absolute: 43_201 })
    const both = [warning('absolute', 43_200, 'nist-aal3'), warning('period', 900, 'nist-aal3')]
    expect(warnings).toEqual(both)
    expect([backend.defaultPeriod, backend.absolutePeriod]).toEqual([901, 43_201])
    expect(backend.describePolicy().exceeding).toEqual(['period', 'absolute'])
    expect(warnings).toEqual(both)
  })

  it('judges a period that varies whenever it is used, and warns once', async () => {
    let period = 60
    const backend = create({ profile: 'nist-aal2', period: () => period })
    await backend.generate()
    expect(backend.describePolicy().exceeding).toEqual([])
    expect(warnings).toEqual([])
    period = 3601
    await backend.generate()
    expect(warnings).toEqual([warning('period', 3600, 'nist-aal2')])
    await backend.generate()
    expect(backend.describePolicy()).toMatchObject({ period: 3601, exceeding: ['period'] })
    expect(warnings).toHaveLength(1)
    period = 60
    expect(backend.describePolicy().exceeding).toEqual([])
  })

  it('has no word on how long a session at AAL1 goes unused', () => {
    create({ profile: 'nist-aal1', period: 34_560_000 })
    expect(warnings).toEqual([])
    create({ profile: 'nist-aal1', absolute: 2_592_001 })
    expect(warnings).toEqual([warning('absolute', 2_592_000, 'nist-aal1')])
  })

  it.each(['aal2', 'NIST-AAL2', '', null, 2, 'constructor', '__proto__'])(
    'is not %j',
    (profile) => {
      expect(() => create({ profile: profile as Profile })).toThrow(
        new TypeError('"profile" must be "nist-aal1" or "nist-aal2" or "nist-aal3"'),
      )
    },
  )

  it('is none by default, and then nothing is too long', () => {
    const backend = create({ period: 34_560_000, absolute: 34_560_000 })
    expect(backend.describePolicy()).not.toHaveProperty('profile')
    expect(backend.describePolicy().exceeding).toEqual([])
    expect(warnings).toEqual([])
  })
})

describe('describePolicy', () => {
  const describing = (policy: LifecyclePolicy = {}) =>
    createSessionManager({ backend: createBackend(createMemoryStore(), policy) }).describePolicy()

  it('is the defaults, as plain data', () => {
    expect(describing()).toStrictEqual({
      period: 604_800,
      absolute: 2_592_000,
      exceeding: [],
      renewGrace: 60,
      onReuse: 'report',
      sealed: false,
    })
  })

  it('is every option of the policy', () => {
    const policy = {
      profile: 'nist-aal2',
      period: 600,
      absolute: 7200,
      maxPerSubject: 3,
      atLimit: 'evict_oldest',
      renewGrace: 5,
      renewAfter: 60,
      onReuse: 'end',
      sealed: true,
      timeoutMs: 250,
    } as const
    const description = describing(policy)
    expect(description).toStrictEqual({ ...policy, exceeding: [] })
    expect(JSON.parse(JSON.stringify(description))).toEqual(description)
  })

  it('leaves out what a backend without a store has not', () => {
    const { backend } = make({ profile: 'nist-aal3' })
    expect(createSessionManager({ backend }).describePolicy()).toStrictEqual({
      profile: 'nist-aal3',
      period: 900,
      absolute: 43_200,
      exceeding: [],
    })
  })

  it('needs a backend that has a policy', () => {
    const sessions = createSessionManager({ backend: createPlainBackend() })
    expect(() => sessions.describePolicy()).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_UNSUPPORTED_OPERATION' }) as Error,
    )
  })
})
