import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Key } from '../../src/core/key.ts'
import { generateKey, handleOf } from '../../src/core/key.ts'
import type { Session, SessionState } from '../../src/core/session.ts'
import { clearState, createSession, isCleared, stateOf } from '../../src/core/session.ts'

const key = generateKey()

function stateWith(changes: Partial<SessionState<unknown>> = {}): SessionState<unknown> {
  return {
    key,
    text: '{"secret":"tomato"}',
    decoded: undefined,
    expiryPeriod: 60,
    modified: false,
    version: 3,
    facts: {
      createdAtMs: 1000,
      subject: 'ann',
      authenticatedAtMs: 2000,
      nowMs: 3000,
      labels: { device: 'tv' },
      securityVersion: 4,
      extra: {},
    },
    factsAtMs: 0,
    touchDue: { fromMs: 1, toMs: 2, period: 3 },
    renewal: undefined,
    decode: JSON.parse,
    shown: false,
    lastWrite: undefined,
    ...changes,
  }
}

describe('createSession', () => {
  it('shows its state', () => {
    const session = createSession(stateWith())
    expect({
      key: session.key,
      value: session.value,
      expiryPeriod: session.expiryPeriod,
      modified: session.modified,
      version: session.version,
      handle: session.handle,
      createdAt: session.createdAt,
      subject: session.subject,
      authenticatedAt: session.authenticatedAt,
      labels: session.labels,
    }).toEqual({
      key,
      value: { secret: 'tomato' },
      expiryPeriod: 60,
      modified: false,
      version: 3,
      handle: handleOf(key),
      createdAt: new Date(1000),
      subject: 'ann',
      authenticatedAt: new Date(2000),
      labels: { device: 'tv' },
    })
  })

  it('shows what its state becomes', () => {
    const state = stateWith()
    const session = createSession(state)
    const next = generateKey()
    Object.assign(state, { key: next, text: '2', expiryPeriod: 5, modified: true, version: 9 })
    expect([session.key, session.value, session.expiryPeriod]).toEqual([next, 2, 5])
    expect([session.modified, session.version, session.handle]).toEqual([true, 9, handleOf(next)])
  })

  it('shows nothing of what nobody knows', () => {
    const session = createSession(stateWith({ facts: undefined, key: 'own form' as Key }))
    expect(session.handle).toBeUndefined()
    expect(session.createdAt).toBeUndefined()
    expect(session.subject).toBeUndefined()
    expect(session.authenticatedAt).toBeUndefined()
    expect(session.labels).toEqual({})
  })

  it('shows dates at the epoch', () => {
    const facts = {
      createdAtMs: 0,
      subject: undefined,
      authenticatedAtMs: 0,
      nowMs: 0,
      labels: {},
      securityVersion: 1,
      extra: {},
    }
    const session = createSession(stateWith({ facts }))
    expect([session.createdAt, session.authenticatedAt]).toEqual([new Date(0), new Date(0)])
  })

  it('decodes its text once, and only when someone looks', () => {
    let decoded = 0
    const decode = (text: string) => [text, ++decoded]
    const session = createSession(stateWith({ decode, text: 'x' }))
    expect(inspect(session)).not.toContain('x,')
    expect(decoded).toBe(0)
    const value = session.value
    expect(value).toEqual(['x', 1])
    expect(session.value).toBe(value)
    expect(decoded).toBe(1)
  })

  it('shows a value of null, false, 0 or the empty string', () => {
    for (const [text, value] of [
      ['null', null],
      ['false', false],
      ['0', 0],
      ['""', ''],
    ] as const) {
      expect(createSession(stateWith({ text })).value).toBe(value)
    }
  })

  it('is read-only', () => {
    const session = createSession(stateWith()) as {
      -readonly [Name in keyof Session]: Session[Name]
    }
    expect(() => (session.value = 'other')).toThrow(TypeError)
    expect(() => (session.key = generateKey())).toThrow(TypeError)
    expect(() => (session.modified = true)).toThrow(TypeError)
    expect(session.value).toEqual({ secret: 'tomato' })
  })

  it('shows neither key nor value to inspect and JSON', () => {
    const session = createSession(stateWith())
    expect(inspect(session)).toBe(
      `Session { handle: ${handleOf(key)}, version: 3, expiryPeriod: 60, modified: false }`,
    )
    for (const shown of [
      inspect({ session }, { depth: 9, showHidden: true, getters: true }),
      JSON.stringify({ session, values: Object.entries(session) }),
      `${Object.keys(session).join()}${Reflect.ownKeys(session).length}`,
    ]) {
      expect(shown).not.toContain(key.slice(23))
      expect(shown).not.toContain('tomato')
    }
  })
})

describe('stateOf', () => {
  it('gives the state that a session was made with', () => {
    const state = stateWith()
    expect(stateOf(createSession(state))).toBe(state)
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a key', key],
    ['a plain object', { key, value: 1 }],
    ['a copy', { ...createSession(stateWith()) }],
    ['an heir', Object.create(createSession(stateWith()))],
    ['a proxy', new Proxy(createSession(stateWith()), {})],
    ['a function', () => {}],
  ])('refuses %s', (_, given) => {
    expect(() => stateOf(given as Session)).toThrow(TypeError)
    expect(() => stateOf(given as Session)).toThrow('"session" must be a session made by a manager')
  })
})

describe('clearState', () => {
  it('leaves no value, no period, no touch, and something to tell', () => {
    const state = stateWith({ decoded: { secret: 'tomato' } })
    const session = createSession(state)
    expect(isCleared(state)).toBe(false)
    clearState(state)
    expect(isCleared(state)).toBe(true)
    expect(session.value).toBeUndefined()
    expect([session.expiryPeriod, session.modified]).toEqual([0, true])
    expect(state).toMatchObject({ text: undefined, decoded: undefined, touchDue: undefined, key })
    expect(inspect(session)).toContain('modified: true')
  })
})

describe('isCleared', () => {
  it('is not true of an empty text', () => expect(isCleared(stateWith({ text: '' }))).toBe(false))
})
