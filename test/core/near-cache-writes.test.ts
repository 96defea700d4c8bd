import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import type { Handle } from '../../src/core/key.ts'
import { createNearCache } from '../../src/core/near-cache.ts'
import type { NewRecord, Store, StoredRecord } from '../../src/core/store.ts'
import { createTestClock } from '../../src/testing/index.ts'
import { draft, newHash } from '../../src/testing/store-contract/draft.ts'
import { settle } from './manual-clock.ts'
import { OPERATIONS, spyOn } from './spy-store.ts'

type Write = (store: Store, record: NewRecord) => unknown

const LIMIT = { maxPerSubject: 1, atLimit: 'evict_oldest' } as const

// On a record of ann's; each changes it, or ends it.
const WRITES: readonly (readonly [string, Write])[] = [
  [
    'update',
    (store, { recordId, secretHash }) => store.update(recordId, secretHash, { value: 'x' }),
  ],
  [
    'touch',
    async (store, { recordId, secretHash }) => {
      const { expiresAtMs = 0 } = (await store.read(recordId)) ?? {}
      await store.touch(recordId, secretHash, expiresAtMs, expiresAtMs + 1000)
    },
  ],
  ['updateSecurity', (store, { recordId }) => store.updateSecurity(recordId, { labels: 'x' }, 1)],
  ['delete', (store, { recordId }) => store.delete(recordId)],
  ['deleteSubject', (store) => store.deleteSubject('ann')],
  ['deleteAll', (store) => store.deleteAll()],
  ['a login that evicts', (store) => store.create(draft({ subject: 'ann' }), LIMIT)],
  [
    'a session bound to the subject that evicts',
    async (store) => {
      const other = draft()
      await store.create(other)
      await store.updateSecurity(other.recordId, { subject: 'ann' }, 1, LIMIT)
    },
  ],
]

/** A cache before a store each of whose steps takes a turn before it takes place and one before its answer arrives. */
function open(memory: Store, turn: () => PromiseLike<void>, clocks = machine()) {
  const slow = (name: keyof Store) => {
    const run = memory[name] as (...args: readonly unknown[]) => unknown
    return async (...args: readonly unknown[]): Promise<unknown> => {
      await turn()
      const answer = await run(...args)
      await turn()
      return answer
    }
  }
  const entries = OPERATIONS.map((name) => [name, slow(name)] as const)
  const engine = spyOn(memory, Object.fromEntries(entries))
  return { engine, store: createNearCache(engine, { maxStaleness: 60 }, clocks).store }
}

function machine() {
  const { now } = createTestClock()
  return { monotonicMs: now, wallMs: now }
}

const text = (record: StoredRecord | undefined) =>
  record === undefined ? undefined : JSON.stringify(record)

describe.each(WRITES)('after %s through it, a near cache', (_name, write) => {
  it('shows what the store has, whatever was kept or being read', async () => {
    const memory = createMemoryStore(createTestClock().now)
    const turns: (() => void)[] = []
    let slow = false
    const { store } = open(memory, async () => {
      if (slow) await new Promise<void>((resolve) => turns.push(resolve))
    })
    const record = draft({ subject: 'ann' })
    await memory.create(record)
    const { recordId } = record
    const kept = await store.read(recordId)
    slow = true
    // Asked before the write, answered after it.
    const before = store.read(recordId, newHash())
    await settle()
    turns.shift()?.()
    await settle()
    slow = false
    await write(store, record)
    const after = store.read(recordId)
    for (const go of turns) go()
    const now = await memory.read(recordId)
    expect(text(await before)).toBe(text(kept))
    expect(text(await after)).toBe(text(now))
    expect(text(now)).not.toBe(text(kept))
    expect(text(await store.read(recordId))).toBe(text(now))
  })
})

describe('a near cache', () => {
  it('keeps the sessions of others when a login evicts', async () => {
    const memory = createMemoryStore(createTestClock().now)
    const { store, engine } = open(memory, async () => {})
    const [mine, other] = [draft({ subject: 'ann' }), draft({ subject: 'bob' })]
    for (const record of [mine, other]) {
      await memory.create(record)
      await store.read(record.recordId)
    }
    await store.create(draft({ subject: 'ann' }), LIMIT)
    engine.calls.length = 0
    await store.read(other.recordId)
    expect(engine.calls).toEqual([])
  })

  it.each(['conflict', 'gone'])('forgets what a %s shows to be old', async (reason) => {
    const memory = createMemoryStore(createTestClock().now)
    const { store } = open(memory, async () => {})
    const { recordId, secretHash } = draft()
    await memory.create(draft({ recordId, secretHash }))
    await store.read(recordId)
    if (reason === 'gone') await memory.delete(recordId)
    else await memory.update(recordId, secretHash, { value: 'of elsewhere' })
    expect(await store.update(recordId, secretHash, { value: 'x' }, 1)).toEqual({
      ok: false,
      reason,
    })
    expect((await store.read(recordId))?.value).toBe(reason === 'gone' ? undefined : 'of elsewhere')
  })

  it('forgets what a write may have changed that failed', async () => {
    const memory = createMemoryStore(createTestClock().now)
    const engine = spyOn(memory, {
      async delete(recordId) {
        await memory.delete(recordId)
        throw new Error('the answer is lost')
      },
    })
    const { store } = createNearCache(engine, { maxStaleness: 60 }, machine())
    const { recordId } = draft()
    await memory.create(draft({ recordId }))
    await store.read(recordId)
    await expect(store.delete(recordId)).rejects.toThrow('lost')
    expect(await store.read(recordId)).toBeUndefined()
  })
})

/** Reads and increments of three processes on one record, in any order and at any times, and what they have seen. */
async function race(scheduler: fc.Scheduler, spans: readonly number[], boundMs: number) {
  const clock = createTestClock()
  const memory = createMemoryStore(clock.now)
  const record = draft({ value: '0', idleMs: 10 ** 9, absoluteMs: 10 ** 9 })
  await memory.create(record)
  const { recordId, secretHash } = record
  let step = 0
  const history: { readonly atMs: number; readonly version: number }[] = []
  const turn = async (): Promise<void> => {
    await scheduler.schedule(Promise.resolve())
    clock.advance((spans[step++ % spans.length] ?? 0) / 1000)
  }
  const clocks = { monotonicMs: clock.now, wallMs: clock.now }
  const noted: Store = {
    ...memory,
    async update(...args) {
      const done = await memory.update(...args)
      if (done.ok) history.push({ atMs: clock.now(), version: done.version })
      return done
    },
  }
  const versionAt = (atMs: number) =>
    Math.max(1, ...history.filter((each) => each.atMs <= atMs).map(({ version }) => version))
  const faults: string[] = []

  function start(): Promise<void>[] {
    const slow = async <T>(run: () => T): Promise<Awaited<T>> => {
      await turn()
      const answer = await run()
      await turn()
      return answer
    }
    const engine: Store = {
      ...noted,
      read: (id: Handle) => slow(() => noted.read(id)),
      update: (...args) => slow(() => noted.update(...args)),
    }
    const { store } = createNearCache(engine, { maxStaleness: boundMs / 1000 }, clocks)
    let own = 1

    async function read(): Promise<StoredRecord> {
      const [least, askedAtMs] = [own, clock.now()]
      const found = await store.read(recordId, secretHash)
      if (found === undefined) throw new Error('the record is live')
      if (found.version < least) faults.push('a write of the process itself is not seen')
      // One that took place in the very millisecond may have come before or after.
      if (found.version < versionAt(askedAtMs - boundMs - 1)) faults.push('the bound is broken')
      return found
    }

    async function increment(): Promise<void> {
      for (let tries = 0; tries < 200; tries++) {
        const { value, version } = await read()
        const next = String(Number(value) + 1)
        const done = await store.update(recordId, secretHash, { value: next }, version)
        if (done.ok) {
          own = Math.max(own, done.version)
          return
        }
      }
      faults.push('an increment never gets through')
    }

    const reads = async (): Promise<void> => {
      for (let n = 0; n < 4; n++) {
        await read()
        await turn()
      }
    }
    return [increment(), increment(), increment(), reads(), reads()]
  }

  await scheduler.waitFor(Promise.all([0, 1, 2].flatMap(start)))
  return { faults, value: (await memory.read(recordId))?.value }
}

describe('three processes with near caches', () => {
  it('see what the others have done within the bound, what they have done at once, and lose no increment', async () => {
    const spans = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        spans,
        fc.constantFrom(1, 50, 300, 60_000),
        async (scheduler, drawn, boundMs) => {
          expect(await race(scheduler, drawn, boundMs)).toEqual({ faults: [], value: '9' })
        },
      ),
      { numRuns: 150, seed: 20_260_101 },
    )
  })
})
