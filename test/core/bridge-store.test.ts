import { describe, expect, it } from 'vitest'
import type { BridgeEngine } from '../../src/core/bridge-engine.ts'
import { createBridgeStore } from '../../src/core/bridge-store.ts'
import { BackendError } from '../../src/core/errors.ts'
import type { Store } from '../../src/core/store.ts'
import { createTestClock, storeContract } from '../../src/testing/index.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'

const GONE = { ok: false, reason: 'gone' }
const clock = createTestClock()

interface MapEngine extends BridgeEngine {
  readonly texts: Map<string, string>
  readonly ttls: Map<string, number>
}

/** An engine that takes its time, so that what is not kept in order is seen to be out of order. */
function createMapEngine(): MapEngine {
  const texts = new Map<string, string>()
  const ttls = new Map<string, number>()
  const turn = async (): Promise<void> =>
    new Promise((resolve) => {
      if (Math.random() < 0.5) setImmediate(resolve)
      else process.nextTick(resolve)
    })
  return {
    texts,
    ttls,
    async get(key) {
      await turn()
      return texts.get(key)
    },
    async set(key, text, ttlMs) {
      await turn()
      texts.set(key, text)
      ttls.set(key, ttlMs)
    },
    async delete(key) {
      await turn()
      texts.delete(key)
    },
    keys: () => [...texts.keys()],
  }
}

/** An engine whose answers to `call` come when they are let go, and not before. */
function holding(engine: BridgeEngine, call: 'get' | 'set') {
  const held: (() => void)[] = []
  let active = false
  const wait = async (): Promise<void> =>
    active ? new Promise((resolve) => held.push(resolve)) : undefined
  return {
    engine: {
      ...engine,
      async get(key: string) {
        if (call === 'get') await wait()
        return engine.get(key)
      },
      async set(key: string, text: string, ttlMs: number) {
        if (call === 'set') await wait()
        return engine.set(key, text, ttlMs)
      },
    },
    hold: () => {
      active = true
    },
    letGo: () => {
      active = false
      for (const resolve of held.splice(0)) resolve()
    },
  }
}

describe('createBridgeStore', () => {
  const create = () => createBridgeStore(createMapEngine(), { now: clock.now })
  it.each(storeContract({ create, advance: clock.advance }))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it('asks the engine to keep a record for longer than it lives, and its index for longer still', async () => {
    const engine = createMapEngine()
    const store = createBridgeStore(engine, { now: clock.now })
    const record = draft({ idleMs: 60_000, absoluteMs: 600_000, subject: 'ann' })
    await store.create(record)
    const ttls = new Map([...engine.ttls].map(([key, ttlMs]) => [key[0], ttlMs]))
    expect(ttls.get('r')).toBeGreaterThanOrEqual(60_000)
    expect(ttls.get('s')).toBeGreaterThan(600_000)
    clock.advance(30)
    await store.updateSecurity(record.recordId, { authenticated: { absoluteMs: 900_000 } }, 1)
    expect(engine.ttls.get(`r-${record.recordId}`)).toBeGreaterThanOrEqual(60_000)
    const index = [...engine.ttls].find(([key]) => key.startsWith('s-'))
    expect(index?.[1]).toBeGreaterThan(900_000)
  })

  it('keeps nothing in the engine of what has ended', async () => {
    const engine = createMapEngine()
    const store = createBridgeStore(engine, { now: clock.now })
    const [a, b, c] = [draft({ subject: 'ann' }), draft({ subject: 'ann' }), draft()]
    for (const record of [a, b, c]) await store.create(record)
    await store.delete(a.recordId)
    await store.update(c.recordId, c.secretHash, { idleMs: 0 })
    await store.deleteSubject('ann')
    await store.create(draft({ subject: 'bob', idleMs: 0 }))
    expect([...engine.texts.keys()]).toEqual([])
  })

  it('takes off a subject’s list what is no longer there, or another’s', async () => {
    const engine = createMapEngine()
    const store = createBridgeStore(engine, { now: clock.now })
    const [lost, moved] = [draft({ subject: 'ann' }), draft({ subject: 'ann' })]
    for (const record of [lost, moved]) await store.create(record)
    engine.texts.delete(`r-${lost.recordId}`)
    await store.updateSecurity(moved.recordId, { subject: 'bob' }, 1)
    expect(await store.list('ann')).toEqual([])
    expect(await store.deleteSubject('ann')).toBe(0)
    expect(await store.list('bob')).toHaveLength(1)
    const indexes = [...engine.texts.keys()].filter((key) => key.startsWith('s-'))
    expect(indexes).toHaveLength(1)
  })

  it('finds a subject’s sessions through a second store on the same engine', async () => {
    const engine = createMapEngine()
    const record = draft({ subject: 'ann' })
    await createBridgeStore(engine, { now: clock.now }).create(record)
    const second = createBridgeStore(engine, { now: clock.now })
    expect(await second.list('ann')).toHaveLength(1)
    expect(await second.deleteSubject('ann')).toBe(1)
    expect(await second.read(record.recordId)).toBeUndefined()
  })

  it('finds no record under a key that differs from its own, as an engine without case would', async () => {
    const engine = createMapEngine()
    const store = createBridgeStore(engine, { now: clock.now })
    const record = draft()
    await store.create(record)
    const { recordId } = draft()
    engine.texts.set(`r-${recordId}`, engine.texts.get(`r-${record.recordId}`)!)
    expect(await store.read(recordId)).toBeUndefined()
    expect(await store.update(recordId, record.secretHash, { value: 'late' })).toEqual(GONE)
    expect(await store.delete(recordId)).toBe(false)
  })

  it('lets a failed step hold nobody up', async () => {
    const engine = createMapEngine()
    let fails = true
    const set: BridgeEngine['set'] = (...written) => {
      if (fails) throw new Error('no room')
      return engine.set(...written)
    }
    const store = createBridgeStore({ ...engine, set }, { now: clock.now })
    const record = draft({ subject: 'ann' })
    await expect(store.create(record)).rejects.toThrow('no room')
    fails = false
    expect(await store.create(record)).toMatchObject({ ok: true })
    expect(await store.list('ann')).toHaveLength(1)
  })

  it('deadlocks in no mixture of steps on subjects and records', async () => {
    const store = createBridgeStore(createMapEngine(), { now: clock.now })
    const subjects = ['ann', 'bob']
    const records = Array.from({ length: 6 }, (_, at) => draft({ subject: subjects[at % 2]! }))
    for (const record of records) await store.create(record)
    const limit = { maxPerSubject: 2, atLimit: 'evict_oldest' } as const
    const steps = Array.from({ length: 200 }, async (_, at) => {
      const { recordId, secretHash } = records[at % records.length]!
      const subject = subjects[at % 2]!
      const kinds: (() => unknown)[] = [
        () => store.updateSecurity(recordId, { subject }, 1 + (at % 4), limit),
        () => store.updateSecurity(recordId, { authenticated: { absoluteMs: 60_000 } }, 1),
        () => store.create(draft({ subject }), limit),
        () => store.list(subject),
        () => store.update(recordId, secretHash, { value: `${at}` }),
        () => store.delete(recordId),
        () => store.deleteSubject(subject),
        () => store.sweep(3),
        () => store.deleteAll(),
      ]
      await kinds[at % kinds.length]!()
    })
    await Promise.all(steps)
    await store.deleteAll()
    expect(await listedIn(store, subjects)).toBe(0)
  })
})

describe('createBridgeStore on an engine that does not answer', () => {
  it('lets no logout overtake a write that may still be done', async () => {
    const { engine, hold, letGo } = holding(createMapEngine(), 'set')
    const store = createBridgeStore(engine, { timeoutMs: 20 })
    const { recordId, secretHash } = draft()
    await store.create(draft({ recordId, secretHash }))
    hold()
    const written = store.update(recordId, secretHash, { value: 'late' })
    const deleted = store.delete(recordId)
    const waited = new Promise((resolve) => setTimeout(resolve, 40))
    await waited
    letGo()
    expect(await written).toMatchObject({ ok: true })
    // Whoever asked has given up by then, and was told so; it is not done behind their back.
    await expect(deleted).rejects.toBeInstanceOf(BackendError)
    expect(await store.delete(recordId)).toBe(true)
    expect(await store.read(recordId)).toBeUndefined()
  })

  it('gives a write up in the end, and goes on', async () => {
    const { engine, hold, letGo } = holding(createMapEngine(), 'set')
    const store = createBridgeStore(engine, { timeoutMs: 5 })
    const record = draft()
    await store.create(record)
    hold()
    const written = store.update(record.recordId, record.secretHash, { value: 'late' })
    await expect(written).rejects.toBeInstanceOf(BackendError)
    letGo()
    expect(await store.read(record.recordId)).toBeDefined()
  })

  it('gives a read up within the time limit, and goes on', async () => {
    const { engine, hold, letGo } = holding(createMapEngine(), 'get')
    const store = createBridgeStore(engine, { timeoutMs: 5 })
    const record = draft()
    await store.create(record)
    hold()
    await expect(store.read(record.recordId)).rejects.toBeInstanceOf(BackendError)
    letGo()
    expect(await store.read(record.recordId)).toBeDefined()
  })
})

async function listedIn(store: Store, subjects: readonly string[]): Promise<number> {
  const lists = await Promise.all(subjects.map(async (subject) => store.list(subject)))
  return lists.flat().length
}
