import { DatabaseSync } from 'node:sqlite'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { prepareFile } from '../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../src/backends/sqlite/store.ts'
import type { Awaitable } from '../../src/core/backend.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { SessionBackend } from '../../src/core/session-backend.ts'
import type { Store } from '../../src/core/store.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { createCellStore } from '../backends/memory/cell-store.ts'

type Step = 'renew' | 'get' | 'set' | 'get newest'

const ENGINES: readonly (readonly [string, (now: () => number) => Awaitable<Store>])[] = [
  ['memory', createMemoryStore],
  ['memory, in cells', createCellStore],
  ['SQLite', createSqlite],
]
const steps = fc.array(fc.constantFrom<Step>('renew', 'get', 'set', 'get newest'), {
  minLength: 2,
  maxLength: 10,
})

function createSqlite(now: () => number): Store {
  const database = new DatabaseSync(':memory:')
  prepareFile(database, 'sessions', undefined)
  return createSqliteStore(database, 'sessions', now)
}

/** A backend each of whose calls of the store takes its turn when the scheduler says so. */
function scheduled(store: Store, scheduler: fc.Scheduler): SessionBackend {
  const turn = <T>(run: () => Promise<T>): Promise<T> =>
    scheduler.schedule(Promise.resolve()).then(() => run())
  return createBackend({
    ...store,
    read: (...args) => turn(async () => store.read(...args)),
    update: (...args) => turn(async () => store.update(...args)),
    updateSecurity: (...args) => turn(async () => store.updateSecurity(...args)),
  })
}

/** A session, whose renewal may be pending already, and what takes a step on it and notes each key it learns of. */
async function begin(
  create: (now: () => number) => Awaitable<Store>,
  scheduler: fc.Scheduler,
  pending: boolean,
) {
  const store = await create(createTestClock().now)
  const direct = createBackend(store)
  const backend = scheduled(store, scheduler)
  const old = await direct.generate({ value: 'a' })
  const keys = new Set<string>([old])
  const first = pending && (await direct.renew(old))
  if (first && first.ok) keys.add(first.key)

  /** Whether the step found the session. */
  async function run(step: Step): Promise<boolean> {
    if (step === 'set') return (await backend.set(old, 'b')).ok
    const key = step === 'get newest' ? ([...keys].at(-1) ?? old) : old
    const done = step === 'renew' ? await backend.renew(key) : await backend.get(key)
    if (done.ok) keys.add(done.key ?? key)
    return done.ok
  }

  return { direct, backend, old, keys, run }
}

describe.each(ENGINES)('renewals at once on %s', (_, create) => {
  it('agree on one new key, and cost nobody the session', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.boolean(), steps, async (scheduler, pending, drawn) => {
        const { direct, keys, run } = await begin(create, scheduler, pending)
        const results = Promise.all(drawn.map(run))
        await scheduler.waitFor(results)
        expect(await results).not.toContain(false)
        expect(keys.size).toBeLessThanOrEqual(2)
        for (const key of keys) expect(await direct.get(key)).toMatchObject({ ok: true })
      }),
      { numRuns: 150 },
    )
  })

  it('leave one good key beside a rotation, that of the rotation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.boolean(), steps, async (scheduler, pending, drawn) => {
        const { direct, backend, old, keys, run } = await begin(create, scheduler, pending)
        const rotation = backend.rotate(old, 1, { subject: 'ann', authenticated: true, extra: {} })
        const all = Promise.all([...drawn.map(run), rotation])
        await scheduler.waitFor(all)
        const rotated = await rotation
        if (!rotated.ok) throw new Error(rotated.reason)
        for (const key of keys) {
          expect(await direct.get(key)).toEqual({ ok: false, reason: 'not_found' })
        }
        expect(await direct.get(rotated.key)).toMatchObject({
          facts: { subject: 'ann', extra: {} },
        })
      }),
      { numRuns: 150 },
    )
  })
})
