import * as fc from 'fast-check'
import type { Handle } from '../../../src/core/key.ts'
import type { ListedRecord, Store } from '../../../src/core/store.ts'
import { changeSecurity, firstRecordOf } from '../../../src/core/stored-record.ts'
import type { KeptRecord } from '../../../src/core/stored-record.ts'
import { draft, newHash } from '../../../src/testing/store-contract/draft.ts'

// Characters below U+0100 and others; cells of all sizes, and of a page to themselves.
const text = fc
  .tuple(
    fc.constantFrom('', '-', '\0', 'plain', 'é', 'ÿ', '€', '🙂'),
    fc.constantFrom(0, 1, 7, 8, 30, 100, 300, 5000, 20_000, 40_000),
    fc.constantFrom('x', 'x', 'x', 'ÿ', 'Ā', '🙂'),
  )
  .map(([start, length, filler]) => start + filler.repeat(length / filler.length))
const textOrNull = fc.option(text, { freq: 5 })
const name = fc.constantFrom('', 'ann', 'bob', 'Zoë', '愛', '🙂')
const nameOrNull = fc.option(name)

/** What a step returned, and what it should have. */
type Outcome = readonly [actual: unknown, expected: unknown]
export type Step = (world: World) => Outcome

/** A store, and beside it what it must hold. */
export interface World {
  readonly store: Store
  readonly kept: Map<Handle, KeptRecord>
  nowMs: number
}

export async function createWorld(
  createStore: (now: () => number) => Store | Promise<Store>,
): Promise<World> {
  const world = { kept: new Map(), nowMs: 1_000_000 }
  return Object.assign(world, { store: await createStore(() => world.nowMs) })
}

export function liveIn({ kept, nowMs }: World): KeptRecord[] {
  return [...kept.values()].filter(({ expiresAtMs }) => nowMs < expiresAtMs)
}

/** Does something with one of the live records, if there is any. */
function withOne(pick: number, run: (world: World, record: KeptRecord) => Outcome): Step {
  return (world) => {
    const live = liveIn(world)
    const record = live[pick % live.length]
    return record === undefined ? [live.length, 0] : run(world, record)
  }
}

const create = fc
  .tuple(textOrNull, nameOrNull, nameOrNull)
  .map(([value, subject, labels]): Step => ({ store, kept, nowMs }) => {
    const record = draft({ value, subject, labels, authenticated: subject !== null })
    const first = firstRecordOf(record, nowMs)
    kept.set(record.recordId, first)
    const { createdAtMs, expiresAtMs } = first
    return [store.create(record), { ok: true, createdAtMs, expiresAtMs }]
  })

const update = fc
  .tuple(fc.nat(), textOrNull, fc.constantFrom(undefined, 1000, 90_000))
  .map(([pick, value, idleMs]) =>
    withOne(pick, ({ store, kept, nowMs }, before) => {
      const { recordId, security, deadlineMs } = before
      const version = before.version + 1
      const idle = idleMs ?? before.idleMs
      const expiresAtMs = Math.min(nowMs + idle, deadlineMs)
      kept.set(recordId, { ...before, value, version, idleMs: idle, expiresAtMs })
      const done = store.update(recordId, security.secretHash, { value, idleMs }, before.version)
      return [done, { ok: true, version, expiresAtMs, nowMs }]
    }),
  )

const secure = fc
  .record({
    pick: fc.nat(),
    subject: fc.option(nameOrNull, { nil: undefined }),
    labels: fc.option(textOrNull, { nil: undefined }),
    extra: fc.option(nameOrNull, { nil: undefined }),
    previous: fc.constantFrom(undefined, null, 'kept', 'good', 'over'),
  })
  .map(({ pick, previous, ...texts }) =>
    withOne(pick, ({ store, kept, nowMs }, before) => {
      const { recordId, security, expiresAtMs } = before
      const graceMs = { kept: null, good: 5000, over: 0 }[previous ?? 'kept']
      const change = {
        ...texts,
        secretHash: newHash(),
        previous: previous == null ? previous : { hash: security.secretHash, graceMs },
      }
      const after = changeSecurity(security, change, nowMs)
      const securityVersion = before.securityVersion + 1
      kept.set(recordId, { ...before, security: after, securityVersion })
      const done = store.updateSecurity(recordId, change, before.securityVersion)
      const { authenticatedAtMs } = after
      return [done, { ok: true, securityVersion, expiresAtMs, authenticatedAtMs, nowMs }]
    }),
  )

const remove = fc.nat().map((pick) =>
  withOne(pick, ({ store, kept }, { recordId, security }) => {
    kept.delete(recordId)
    return [store.delete(recordId, security.previousHash ?? security.secretHash), true]
  }),
)

const endSubject = name.map((subject): Step => (world) => {
  const { store, kept } = world
  const own = liveIn(world).filter(({ security }) => security.subject === subject)
  const ids = own.map(({ recordId }) => recordId)
  for (const id of ids) kept.delete(id)
  const listed = (store.list(subject) as readonly ListedRecord[]).map(({ recordId }) => recordId)
  return [
    [listed.toSorted(), store.deleteSubject(subject)],
    [ids.toSorted(), ids.length],
  ]
})

const wait = fc.tuple(fc.nat(30_000), fc.nat(9)).map(([ms, limit]): Step => (world) => {
  world.nowMs += ms
  const removed = world.store.sweep(limit) as number
  return [removed <= limit, true]
})

const step = fc.oneof(
  { weight: 4, arbitrary: create },
  { weight: 4, arbitrary: update },
  { weight: 4, arbitrary: secure },
  { weight: 2, arbitrary: remove },
  { weight: 2, arbitrary: wait },
  { weight: 1, arbitrary: endSubject },
)

/** Steps in the order in which they are to be made. */
export const steps = fc.array(step, { maxLength: 60, size: 'max' })
