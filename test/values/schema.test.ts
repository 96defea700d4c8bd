import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { StandardSchema } from '../../src/index.ts'
import { cookieOf, createManager } from '../manager/fixture.ts'
import { COUNTER, createCounters, LATER, schemaOf } from './schemas.ts'
import type { Counter } from './schemas.ts'

const INVALID = { ok: false, reason: 'invalid' }
const REFUSED = { code: 'ERR_SESSION_INVALID_VALUE' }
const FAULT = { code: 'ERR_SESSION_SCHEMA_FAULT' }

/** What may go wrong in a schema that is none of its verdicts. */
const FAULTS = Object.entries({
  'throws h1dden': () => {
    throw new Error('h1dden')
  },
  'rejects with h1dden': () => Promise.reject(new Error('h1dden')),
  'gives nothing': () => undefined as never,
  'promises nothing': () => Promise.resolve(undefined as never),
  'gives issues that are none': () => ({ issues: null }) as never,
})

describe.each([
  ['that answers at once', COUNTER],
  ['that answers later', LATER],
])('a schema %s', (_name, schema) => {
  it('lets nothing that does not fit reach the store', async () => {
    const { sessions, store } = createCounters({ schema })
    const wrong = { count: 'one' } as unknown as Counter
    await expect(sessions.generate(wrong)).rejects.toMatchObject(REFUSED)
    await expect(sessions.fromHeadersOrCreate(null, wrong)).rejects.toMatchObject(REFUSED)
    expect(store.calls).toEqual([])
    const session = await sessions.generate({ count: 1 })
    await expect(sessions.set(session, { value: wrong })).rejects.toMatchObject(REFUSED)
    await expect(sessions.update(session, () => wrong)).rejects.toMatchObject(REFUSED)
    expect(store.calls).toEqual(['create'])
    expect(session).toMatchObject({ value: { count: 1 }, version: 1 })
  })

  it('stores and shows its output, not what was given', async () => {
    const { sessions, backend } = createCounters({ schema })
    const session = await sessions.generate({ count: 1, more: true } as Counter)
    expect(session.value).toEqual({ count: 1 })
    await sessions.set(session, { value: { count: 2, more: true } as Counter })
    expect(session.value).toEqual({ count: 2 })
    expect(await sessions.update(session, (value) => ({ ...value, more: 1 }))).toEqual({ count: 2 })
    expect(await backend.get(session.key)).toMatchObject({ value: '{"count":2}' })
  })

  it('makes a stored value that does not fit invalid, wherever it is read', async () => {
    const { sessions, backend } = createCounters({ schema })
    const session = await sessions.generate({ count: 1 })
    await backend.set(session.key, '{"count":"one"}')
    expect(await sessions.fromKey(session.key)).toEqual(INVALID)
    expect(await sessions.fromHeaders(cookieOf(session.key))).toEqual(INVALID)
    const orCreate = sessions.fromHeadersOrCreate(cookieOf(session.key), { count: 5 })
    await expect(orCreate).rejects.toMatchObject(REFUSED)
    await expect(sessions.update(session, (value) => value)).rejects.toMatchObject(REFUSED)
    const made = await sessions.fromHeadersOrCreate(
      cookieOf(session.key),
      { count: 5 },
      { onInvalid: 'create' },
    )
    expect(made.value).toEqual({ count: 5 })
    expect(await backend.get(session.key)).toEqual({ ok: false, reason: 'not_found' })
  })

  it('ends nothing for a new session that does not fit', async () => {
    const { sessions, backend } = createCounters({ schema })
    const key = await backend.generate({ value: 'null' })
    const wrong = sessions.fromHeadersOrCreate(cookieOf(key), {} as Counter, {
      onInvalid: 'create',
    })
    await expect(wrong).rejects.toMatchObject(REFUSED)
    expect(await backend.get(key)).toMatchObject({ ok: true })
  })

  it('is not asked when the expiry alone moves, or the session ends', async () => {
    let asked = 0
    const counting = schemaOf<Counter, Counter>((value) => {
      asked++
      return schema['~standard'].validate(value)
    })
    const { sessions } = createCounters({ schema: counting })
    const session = await sessions.generate({ count: 1 })
    asked = 0
    await sessions.set(session, { expiry: 60 })
    await sessions.rotate(session)
    await sessions.clear(session)
    expect([asked, session.value]).toEqual([0, undefined])
  })

  it('keeps the order in which writes on one object were called', async () => {
    const { sessions } = createCounters({ schema })
    const session = await sessions.generate({ count: 0 })
    const writes = [1, 2, 3].map((count) => sessions.set(session, { value: { count } }))
    const added = sessions.update(session, ({ count }) => ({ count: count * 10 }))
    await Promise.all([...writes, added])
    expect(session).toMatchObject({ value: { count: 30 }, version: 5 })
  })

  it('judges what a login carries over, before it', async () => {
    const { sessions } = createCounters({ schema })
    const session = await sessions.generate({ count: 1 })
    const before = session.key
    const wrong = sessions.bind(session, 'ann', { carryOver: () => ({}) as Counter })
    await expect(wrong).rejects.toMatchObject(REFUSED)
    expect(session).toMatchObject({ key: before, subject: undefined })
    await sessions.bind(session, 'ann', { carryOver: ({ count }) => ({ count: -count }) })
    expect(session).toMatchObject({ value: { count: -1 }, subject: 'ann' })
  })

  it('refuses a write on a session that was cleared meanwhile, whatever it says', async () => {
    const { sessions } = createCounters({ schema })
    const session = await sessions.generate({ count: 0 })
    await sessions.clear(session)
    for (const count of [1, 'one']) {
      const write = sessions.set(session, { value: { count } as Counter })
      await expect(write).rejects.toHaveProperty('code')
    }
    // What is rejected and heard by nobody ends the process of whoever runs this.
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('gives n for n parallel increments', async () => {
    const { sessions } = createCounters({ schema })
    const { key } = await sessions.generate({ count: 0 })
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const found = await sessions.fromKey(key)
        if (found.ok) await sessions.update(found.session, ({ count }) => ({ count: count + 1 }))
      }),
    )
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: { count: 20 } } })
  })
})

describe.each(FAULTS)('a schema that %s', (_name, validate) => {
  it('stores nothing, and makes no session invalid', async () => {
    const { backend, store, ...working } = createCounters()
    const { key } = await working.sessions.generate({ count: 1 })
    store.calls.length = 0
    const { sessions } = createCounters({ schema: schemaOf(validate), backend })
    const value = { count: 2 }
    const create = { onInvalid: 'create' } as const
    for (const use of [
      () => sessions.generate(value),
      () => sessions.fromKey(key),
      () => sessions.fromHeadersOrCreate(cookieOf(key), value, create),
    ]) {
      const error: unknown = await use().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject(FAULT)
      expect(error).not.toHaveProperty('cause')
      expect(String(error)).not.toContain('h1dden')
    }
    expect(store.calls).toEqual(['read', 'read'])
    expect(await working.sessions.fromKey(key)).toMatchObject({ ok: true })
  })
})

describe('a schema that transforms', () => {
  const at = z.object({ at: z.date() })
  const length = z.string().transform((text) => text.length)
  const twice = z.number().transform((count) => count * 2)
  const nothing = z.string().transform(() => undefined)

  it.each([
    ['has made what JSON brings back as something else', at, { at: new Date(0) }],
    ['has made what it would refuse', length, 'tea'],
    ['would change it once more', twice, 1],
    ['makes undefined of it', nothing, 'tea'],
  ] as const)('refuses a value before it is stored, when it %s', async (_case, given, value) => {
    const schema = given as StandardSchema
    const { sessions, store } = createManager({ manager: { schema } })
    await expect(sessions.generate(value)).rejects.toMatchObject(REFUSED)
    expect(store.calls).toEqual([])
  })

  it('accepts a value that it changes no more', async () => {
    const { sessions } = createManager({ manager: { schema: z.string().trim().toLowerCase() } })
    expect((await sessions.generate(' Tea ')).value).toBe('tea')
    const doubling = createManager({ manager: { schema: twice } })
    expect((await doubling.sessions.generate(0)).value).toBe(0)
  })

  it('may have a codec that never gives the same text twice', async () => {
    let nonce = 0
    const codec = {
      encode: (value: unknown) => JSON.stringify([nonce++, value]),
      decode: (text: string) => (JSON.parse(text) as unknown[])[1],
    }
    const { sessions } = createManager({ manager: { schema: z.int(), codec } })
    expect((await sessions.generate(7)).value).toBe(7)
  })

  it('fills in a default once, and stores it', async () => {
    let drawn = 0
    const schema = z.object({ token: z.string().default(() => `token-${++drawn}`) })
    const { sessions } = createManager({ manager: { schema } })
    const { key } = await sessions.generate({})
    for (const _time of [1, 2]) {
      const found = await sessions.fromKey(key)
      expect(found).toMatchObject({ session: { value: { token: 'token-1' } } })
    }
  })

  it('makes a stored value invalid of which it makes undefined', async () => {
    const schema = z.union([z.string(), z.null().transform(() => undefined)])
    const { sessions, backend } = createManager({ manager: { schema } })
    const key = await backend.generate({ value: 'null' })
    expect(await sessions.fromKey(key)).toEqual(INVALID)
  })

  it('shows the null that it makes of a stored value, and not what is stored', async () => {
    const schema = z.union([z.null(), z.literal('none').transform(() => null)])
    const { sessions, backend } = createManager({ manager: { schema } })
    const key = await backend.generate({ value: '"none"' })
    const found = await sessions.fromKey(key)
    expect(found.ok ? found.session.value : found.reason).toBeNull()
  })

  it('makes null of a value as well', async () => {
    const { sessions } = createManager({ manager: { schema: z.string().nullable() } })
    const session = await sessions.generate(null)
    expect(session.value).toBeNull()
    expect(await sessions.update(session, () => null)).toBeNull()
  })
})

describe('paths of an InvalidValueError', () => {
  it('are keys, whatever form the schema gives them, and in no message', async () => {
    const path = ['carts', { key: 'h1dden@a.example' }, 0]
    const schema = schemaOf(() => ({
      issues: [{ message: 'h1dden', path }, { message: 'h1dden' }],
    }))
    const { sessions } = createManager({ manager: { schema } })
    const error: unknown = await sessions.generate(1).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ paths: [['carts', 'h1dden@a.example', 0], []] })
    expect(String(error)).toBe('InvalidValueError: "value" does not fit the schema')
  })

  it('are none when no schema was asked', async () => {
    const { sessions } = createManager()
    await expect(sessions.generate(1n)).rejects.toMatchObject({ paths: [] })
  })
})
