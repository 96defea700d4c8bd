import { assert, asyncProperty, constantFrom, integer, jsonValue, oneof } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Lookup } from '../../src/index.ts'
import { createManager } from '../manager/fixture.ts'
import { schemaOf } from './schemas.ts'

/** What a look-up gives: a value, or the reason why there is none. */
function outcomeOf(found: Lookup<unknown>): { value: unknown } | { reason: string } {
  return found.ok ? { value: found.session.value } : { reason: found.reason }
}

/** What a session shows that was made with a schema, and what the next request finds; nothing where it was refused. */
async function written(schema: z.ZodType, value: unknown) {
  const { sessions } = createManager({ manager: { schema } })
  const made = await sessions.generate(value).catch(() => undefined)
  if (made === undefined) return undefined
  const found = await sessions.fromKey(made.key)
  return { shown: made.value, found: outcomeOf(found) }
}

// Some of these keep what they get, some complete or change it, and some refuse what they have made.
const SCHEMAS = [
  z.unknown(),
  z.json(),
  z.array(z.unknown()).transform((list) => list.slice(0, 2)),
  z.object({ a: z.unknown(), b: z.string().default('b') }),
  z.union([z.string().trim(), z.number(), z.null()]),
  z.string().transform((text) => text.length),
  z.number().transform((n) => n + 1),
  z.coerce.date(),
  z.looseObject({ at: z.coerce.date().optional() }),
  z.unknown().transform((value) => [value]),
] as const

describe('whatever the schema', () => {
  it('what a write has accepted, the next read finds as it was shown', async () => {
    let accepted = 0
    await assert(
      asyncProperty(constantFrom(...SCHEMAS), jsonValue(), async (schema, value) => {
        const outcome = await written(schema, value)
        if (outcome === undefined) return
        accepted++
        expect(outcome.found).toEqual({ value: outcome.shown })
      }),
      { numRuns: 300 },
    )
    expect(accepted).toBeGreaterThan(30)
  })

  it('a read and an update that changes nothing leave the text as it is', async () => {
    const schema = z.object({ a: z.unknown(), at: z.coerce.date(), n: z.int().default(1) })
    await assert(
      asyncProperty(jsonValue(), async (a) => {
        const { sessions, backend } = createManager({ manager: { schema } })
        const made = await sessions.generate({ a, at: '2026-11-28' })
        const before = await backend.get(made.key)
        await sessions.update(made, (value) => value)
        const after = await backend.get(made.key)
        expect(before.ok && after.ok && before.value === after.value).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('a value that a migration has made is one that the schema accepts', async () => {
    const numbers = schemaOf<number, number>((value) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] },
    )
    await assert(
      asyncProperty(
        oneof(jsonValue(), integer()),
        oneof(jsonValue(), integer()),
        async (stored, migrated) => {
          const { sessions, backend } = createManager<number>({
            manager: { schema: numbers, migrate: () => migrated },
          })
          const key = await backend.generate({ value: JSON.stringify(stored) })
          const found = await sessions.fromKey(key)
          const kept = [stored, migrated].find((value) => typeof value === 'number')
          // JSON has no -0.
          const value = kept === 0 ? 0 : kept
          expect(outcomeOf(found)).toEqual(value === undefined ? { reason: 'invalid' } : { value })
        },
      ),
      { numRuns: 100 },
    )
  })
})
