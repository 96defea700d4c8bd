import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { Store } from '../../src/core/store.ts'
import { createSessionManager } from '../../src/manager.ts'
import type { SessionManager } from '../../src/manager/session-manager.ts'
import { createManualClock } from './manual-clock.ts'

type Step = 'update' | 'set' | 'renew' | 'read newest' | 'update newest'

const RUNS = { numRuns: 150 }
const steps = fc.array(
  fc.constantFrom<Step>('update', 'update', 'set', 'renew', 'read newest', 'update newest'),
  { minLength: 2, maxLength: 8 },
)

/** A store each of whose calls takes its turn when the scheduler says so. */
function scheduled(store: Store, scheduler: fc.Scheduler): Store {
  const turn = <T>(run: () => Promise<T>): Promise<T> =>
    scheduler.schedule(Promise.resolve()).then(() => run())
  return {
    ...store,
    read: (...args) => turn(async () => store.read(...args)),
    update: (...args) => turn(async () => store.update(...args)),
    updateSecurity: (...args) => turn(async () => store.updateSecurity(...args)),
  }
}

function managerOn(store: Store): SessionManager<number> {
  const backend = createBackend(store, { sealed: true })
  return createSessionManager<number>({ backend, clock: createManualClock({ skip: true }) })
}

/** A counter, loaded by as many requests as there are steps, and what takes a step in one of them. */
async function begin(scheduler: fc.Scheduler, drawn: readonly Step[]) {
  const memory = createMemoryStore()
  const direct = managerOn(memory)
  const { key } = await direct.generate(0)
  const manager = managerOn(scheduled(memory, scheduler))
  const keys = [key]
  let counted = 0

  async function load(text: string) {
    const found = await direct.fromKey(text)
    if (!found.ok) throw new Error(found.reason)
    return found.session
  }

  /** Whether the session was still there for the step. */
  async function run(step: Step, session: Awaited<ReturnType<typeof load>>): Promise<boolean> {
    try {
      if (step === 'set') await manager.set(session, { expiry: 60 })
      else if (step === 'renew') {
        if (await manager.renew(session)) keys.push(session.key)
      } else if (step === 'update') {
        await manager.update(session, (count) => count + 1)
        counted++
      } else {
        const found = await manager.fromKey(keys.at(-1) ?? key)
        if (!found.ok) return false
        if (step === 'update newest') {
          await manager.update(found.session, (count) => count + 1)
          counted++
        }
      }
      return true
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_SESSION_GONE') return false
      throw error
    }
  }

  const loaded = await Promise.all(drawn.map(() => load(key)))
  return { direct, manager, load, key, keys, counted: () => counted, loaded, run }
}

describe('sealed values', () => {
  it('lose nothing to updates and renewals at once, under the old key and the new one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, async (scheduler, drawn) => {
        const { direct, keys, counted, loaded, run } = await begin(scheduler, drawn)
        const all = Promise.all(drawn.map((step, at) => run(step, loaded[at] as never)))
        await scheduler.waitFor(all)
        expect(await all).not.toContain(false)
        for (const each of keys) {
          expect(await direct.fromKey(each)).toMatchObject({ session: { value: counted() } })
        }
      }),
      RUNS,
    )
  })

  it('come along in a rotation beside updates, with all that these have written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, async (scheduler, drawn) => {
        const { direct, manager, load, key, keys, counted, loaded, run } = await begin(
          scheduler,
          drawn,
        )
        const rotated = await load(key)
        const rotation = manager.bind(rotated, 'ann')
        const all = Promise.all(drawn.map((step, at) => run(step, loaded[at] as never)))
        await scheduler.waitFor(Promise.all([all, rotation]))
        expect(await direct.fromKey(rotated.key)).toMatchObject({
          session: { value: counted(), subject: 'ann' },
        })
        for (const each of keys) {
          expect(await direct.fromKey(each)).toEqual({ ok: false, reason: 'not_found' })
        }
      }),
      RUNS,
    )
  })

  it('are all written by as many blind writes at once as there are', async () => {
    const backend = createBackend(createMemoryStore(), { sealed: true })
    const key = await backend.generate({ value: 'first' })
    const writes = Array.from({ length: 64 }, (_, at) => backend.set(key, `${at}`))
    expect((await Promise.all(writes)).every(({ ok }) => ok)).toBe(true)
    expect(await backend.get(key)).toMatchObject({
      value: expect.stringMatching(/^\d+$/),
      version: 65,
    })
  })
})
