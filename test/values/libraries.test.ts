import { describe, expect, it } from 'vitest'
import { createCookieBackend } from '../../src/backends/cookie.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { createSessionManager, InvalidValueError } from '../../src/index.ts'
import type { Backend, SessionManager, StandardSchema } from '../../src/index.ts'
import { createPlainBackend } from '../manager/plain-backend.ts'
import { CODECS } from './codecs.ts'
import { LIBRARIES } from './libraries.ts'
import type { Cart, CartInput } from './libraries.ts'

const BACKENDS: Readonly<Record<string, () => Backend>> = {
  memory: () => createMemoryBackend({ sweepEveryMs: 0 }),
  SQLite: () => createSqliteBackend(':memory:', { sweepEveryMs: 0 }),
  'a sealed cookie': () => createCookieBackend({ secrets: ['x'.repeat(32)], audience: 'test' }),
  'the five operations': () => createPlainBackend({ versions: true }),
}

const SEEN = new Date('2026-11-28T10:00:00.000Z')
const ITEM = { id: 'tea', amount: 2 }

function managerOf(library: string, codec: string, backend: string) {
  const options = {
    backend: BACKENDS[backend]?.() as Backend,
    schema: LIBRARIES[library as keyof typeof LIBRARIES] as StandardSchema<CartInput, Cart>,
    codec: CODECS[codec as keyof typeof CODECS],
  }
  return createSessionManager(options)
}

async function loaded(sessions: SessionManager<Cart, CartInput>, key: string) {
  const found = await sessions.fromKey(key)
  if (!found.ok) throw new Error(found.reason)
  return found.session
}

const ON_MEMORY = Object.keys(LIBRARIES).flatMap((library) =>
  Object.keys(CODECS).map((codec) => [library, codec, 'memory'] as const),
)
const ELSEWHERE = [
  ['zod', 'devalue', 'SQLite'],
  ['valibot', 'JSON', 'a sealed cookie'],
  ['arktype', 'cbor-x', 'a sealed cookie'],
  ['zod', 'superjson', 'the five operations'],
] as const

describe.each([...ON_MEMORY, ...ELSEWHERE])(
  'a schema of %s, with %s, on %s',
  (library, codec, backend) => {
    it('gives what was written: completed, of its types, the same in each request', async () => {
      const sessions = managerOf(library, codec, backend)
      const made = await sessions.generate({ items: [], seenAt: SEEN.toISOString() })
      expect(made.value).toEqual({ items: [], theme: 'light', seenAt: SEEN })
      const read = await loaded(sessions, made.key)
      expect(read.value).toEqual(made.value)
      expect(read.value.seenAt.getTime()).toBe(SEEN.getTime())
      const buy = (cart: Cart) => ({ ...cart, items: [...cart.items, ITEM] })
      const updated = await sessions.update(read, buy, { unversioned: true })
      expect(updated).toEqual({ items: [ITEM], theme: 'light', seenAt: SEEN })
      expect(read.value).toEqual(updated)
      await sessions.set(read, { value: { items: [ITEM, ITEM], seenAt: SEEN, theme: 'dark' } })
      expect(read.value).toEqual({ items: [ITEM, ITEM], theme: 'dark', seenAt: SEEN })
      expect((await loaded(sessions, read.key)).value).toEqual(read.value)
    })

    it('refuses what does not fit, and says where without saying what', async () => {
      const sessions = managerOf(library, codec, backend)
      const session = await sessions.generate({ items: [], seenAt: SEEN })
      const wrong = { items: [ITEM, { id: 'salt', amount: 0 }], seenAt: SEEN }
      for (const write of [
        () => sessions.generate(wrong),
        () => sessions.set(session, { value: wrong }),
        () => sessions.update(session, () => wrong, { unversioned: true }),
      ]) {
        const error: unknown = await write().catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(InvalidValueError)
        expect(error).toMatchObject({
          message: '"value" does not fit the schema',
          paths: [['items', 1, 'amount']],
        })
      }
      expect(session.value).toEqual({ items: [], theme: 'light', seenAt: SEEN })
    })
  },
)
