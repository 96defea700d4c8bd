import { describe, expect, it, vi } from 'vitest'
import type { Migrate } from '../../src/index.ts'
import { cookieOf } from '../manager/fixture.ts'
import { COUNTER, createCounters, LATER, schemaOf } from './schemas.ts'
import type { Counter } from './schemas.ts'

const INVALID = { ok: false, reason: 'invalid' }

/** Version 1 kept the number alone. */
const toCounter = (value: unknown) => (typeof value === 'number' ? { count: value } : undefined)

/** A manager that migrates, and a session that holds `text`. */
async function holding(text: string, migrate: Migrate, schema = COUNTER) {
  const made = createCounters({ schema, migrate })
  const key = await made.backend.generate({ value: text })
  return { ...made, key }
}

async function sessionOf({ sessions, key }: Awaited<ReturnType<typeof holding>>) {
  const found = await sessions.fromKey(key)
  if (!found.ok) throw new Error(found.reason)
  return found.session
}

describe.each([
  ['at once', toCounter, COUNTER],
  ['later', async (value: unknown) => Promise.resolve(toCounter(value)), LATER],
] as const)('migrate, when it answers %s', (_name, migrate, schema) => {
  it('makes of an old value one that fits', async () => {
    const session = await sessionOf(await holding('7', migrate, schema))
    expect(session).toMatchObject({ value: { count: 7 }, version: 1, modified: false })
  })

  it('is stored by the next write, and by nothing before', async () => {
    const made = await holding('7', migrate, schema)
    const session = await sessionOf(made)
    await made.sessions.set(session, { expiry: 60 })
    await made.sessions.update(session, () => undefined)
    await made.sessions.rotate(session)
    expect(await made.backend.get(session.key)).toMatchObject({ value: '7' })
    expect(session.value).toEqual({ count: 7 })
    await made.sessions.update(session, ({ count }) => ({ count: count + 1 }))
    expect(await made.backend.get(session.key)).toMatchObject({ value: '{"count":8}' })
  })

  it('leaves invalid what it gives up', async () => {
    const { sessions, key } = await holding('"seven"', migrate, schema)
    expect(await sessions.fromKey(key)).toEqual(INVALID)
    const create = { onInvalid: 'create' } as const
    const made = await sessions.fromHeadersOrCreate(cookieOf(key), { count: 0 }, create)
    expect(made.value).toEqual({ count: 0 })
    expect(await sessions.fromKey(key)).toEqual({ ok: false, reason: 'not_found' })
  })
})

describe('migrate', () => {
  it('is asked only when a value does not fit, and gets it as decoded, with its text', async () => {
    const migrate = vi.fn<Migrate>(toCounter)
    const made = await holding('{"count":1}', migrate)
    await sessionOf(made)
    expect(migrate).not.toHaveBeenCalled()
    await made.backend.set(made.key, ' [1] ')
    expect(await made.sessions.fromKey(made.key)).toEqual(INVALID)
    expect(migrate.mock.calls).toEqual([[[1], ' [1] ']])
  })

  it('gets it as decoded, whatever the schema has made of it on its way to refusing it', async () => {
    const emptying = schemaOf<Counter, Counter>((value) => {
      if ((value as { count?: unknown }).count !== undefined) return { value: value as Counter }
      delete (value as { old?: unknown }).old
      return { issues: [{ message: 'no count' }] }
    })
    const migrate: Migrate = (value) => ({ count: (value as { old: number }).old })
    const session = await sessionOf(await holding('{"old":7}', migrate, emptying))
    expect(session.value).toEqual({ count: 7 })
  })

  it('gets undefined and the text of what does not decode', async () => {
    const migrate = vi.fn<Migrate>((value, text) =>
      value === undefined ? { count: text.length } : undefined,
    )
    const session = await sessionOf(await holding('{{{', migrate))
    expect(session.value).toEqual({ count: 3 })
    expect(migrate.mock.calls).toEqual([[undefined, '{{{']])
  })

  it('makes a session invalid when what it makes does not fit', async () => {
    const { sessions, key } = await holding('7', () => ({ count: 'seven' }))
    expect(await sessions.fromKey(key)).toEqual(INVALID)
  })

  it('serves an update that meets an old value on its way', async () => {
    const { sessions, backend } = createCounters({ migrate: toCounter })
    const session = await sessions.generate({ count: 1 })
    await backend.set(session.key, '41')
    expect(await sessions.update(session, ({ count }) => ({ count: count + 1 }))).toEqual({
      count: 42,
    })
  })

  it('serves an update that writes nothing: the session shows what is stored now, migrated', async () => {
    const { sessions, backend } = createCounters({ migrate: toCounter })
    const { key } = await sessions.generate({ count: 1 })
    const found = await sessions.fromKey(key)
    if (!found.ok) throw new Error(found.reason)
    const { session } = found
    await backend.set(key, '41')
    let calls = 0
    const add = ({ count }: Counter) => (++calls === 1 ? { count: count + 1 } : undefined)
    expect(await sessions.update(session, add)).toEqual({ count: 41 })
    expect(session.value).toEqual({ count: 41 })
    expect(await backend.get(key)).toMatchObject({ value: '41' })
  })

  it('is not asked about a value that the schema has not judged', async () => {
    const migrate = vi.fn<Migrate>(toCounter)
    const broken = schemaOf<Counter, Counter>(() => {
      throw new Error('down')
    })
    const { sessions, key } = await holding('7', migrate, broken)
    await expect(sessions.fromKey(key)).rejects.toMatchObject({ code: 'ERR_SESSION_SCHEMA_FAULT' })
    expect(migrate).not.toHaveBeenCalled()
  })

  it.each([
    ['throws', () => JSON.parse('h1dden') as unknown],
    ['rejects', () => Promise.reject(new Error('h1dden'))],
  ])('that %s makes no session invalid: what cannot be known ends nothing', async (_name, fail) => {
    const { sessions, backend, key } = await holding('7', fail)
    const create = { onInvalid: 'create' } as const
    const made = sessions.fromHeadersOrCreate(cookieOf(key), { count: 0 }, create)
    const error: unknown = await made.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_SESSION_SCHEMA_FAULT', message: '"migrate" threw' })
    expect(error).not.toHaveProperty('cause')
    expect(await backend.get(key)).toMatchObject({ ok: true, value: '7' })
  })
})
