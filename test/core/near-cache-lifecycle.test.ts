import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { onSessionEvent } from '../../src/core/events.ts'
import { handleOf } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { LifecyclePolicy } from '../../src/core/lifecycle.ts'
import { createNearCache } from '../../src/core/near-cache.ts'
import { createRequestSession, createSessionManager } from '../../src/index.ts'
import { createTestClock } from '../../src/testing/index.ts'
import { createManualClock } from './manual-clock.ts'
import { spyOn } from './spy-store.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }
const OK = { ok: true }
const BOUND = 5

/** Two processes on one store, each with a cache of its own. */
function create(policy: LifecyclePolicy = {}) {
  const clock = createTestClock()
  const clocks = { monotonicMs: clock.now, wallMs: clock.now }
  const memory = createMemoryStore(clock.now)
  function start() {
    const engine = spyOn(memory)
    const { store } = createNearCache(engine, { maxStaleness: BOUND }, clocks)
    const backend = createBackend(store, policy)
    return { engine, backend }
  }
  return { clock, here: start(), there: start() }
}

/** A session that the first process has just read. */
async function warm(policy: LifecyclePolicy = {}) {
  const processes = create(policy)
  const key = await processes.there.backend.generate({ value: '0', subject: 'ann' })
  await processes.here.backend.get(key)
  processes.here.engine.calls.length = 0
  return { ...processes, key }
}

let reused: unknown[] = []
let stop = (): void => {}
beforeEach(() => {
  reused = []
  stop = onSessionEvent('sojourn:key.reused', (event) => void reused.push(event))
})
afterEach(() => stop())

describe('a session that is kept in another process', () => {
  it.each([
    ['a logout', ({ there, key }) => there.backend.clear(key)],
    ['a logout of that device', ({ there, key }) => there.backend.clearHandle(handleOf(key))],
    ['a logout everywhere', ({ there }) => there.backend.clearSubject('ann')],
    ['the end of all', ({ there }) => there.backend.clearAll()],
    ['a login', ({ there, key }) => there.backend.rotate(key, 1)],
  ] as readonly (readonly [string, (on: Awaited<ReturnType<typeof warm>>) => unknown])[])(
    'goes on after %s for the bound and no longer, and only to be read',
    async (_name, end) => {
      const on = await warm()
      const { here, clock, key } = on
      await end(on)
      clock.advance(BOUND - 0.001)
      expect(await here.backend.get(key)).toMatchObject(OK)
      clock.advance(0.001)
      expect(await here.backend.get(key)).toEqual(NOT_FOUND)
    },
  )

  it('is written to by nobody whose key is no longer good', async () => {
    const { here, there, key } = await warm()
    await there.backend.clear(key)
    expect(await here.backend.get(key)).toMatchObject(OK)
    expect(await here.backend.set(key, 'x', { version: 1 })).toEqual(NOT_FOUND)
    expect(await here.backend.get(key)).toEqual(NOT_FOUND)
  })

  it.each(['rotate', 'renew'] as const)('is given no new key by a %s too late', async (name) => {
    const { here, there, key } = await warm()
    await there.backend.rotate(key, 1)
    expect(await here.backend.get(key)).toMatchObject(OK)
    const late = name === 'rotate' ? here.backend.rotate(key, 1) : here.backend.renew(key)
    expect(await late).toEqual(NOT_FOUND)
  })

  it('is found at once under its new key', async () => {
    const { here, there, key } = await warm()
    const rotated = await there.backend.rotate(key, 1)
    expect(await here.backend.get(rotated.ok ? rotated.key : '')).toMatchObject(OK)
    expect(await here.backend.get(key)).toEqual(NOT_FOUND)
  })

  it('is ended by nobody else’s logout within the process', async () => {
    const { here, key } = await warm()
    await here.backend.clearSubject('ann')
    expect(await here.backend.get(key)).toEqual(NOT_FOUND)
  })
})

describe('a renewal elsewhere', () => {
  const policy = { renewAfter: 120, renewGrace: 60, onReuse: 'end' } as const

  it('is agreed with by a process that has not heard of it', async () => {
    const { here, there, key } = await warm(policy)
    const renewed = await there.backend.renew(key)
    expect(await here.backend.get(key)).toMatchObject(OK)
    expect(await here.backend.renew(key)).toMatchObject({
      ok: true,
      key: renewed.ok && renewed.key,
    })
  })

  it('is confirmed once, whoever sees the new key', async () => {
    const { here, there, clock, key } = await warm(policy)
    const renewed = await there.backend.renew(key)
    const next = renewed.ok ? renewed.key : ''
    await here.backend.get(key)
    expect(await here.backend.get(next)).toMatchObject(OK)
    expect(await there.backend.get(next)).toMatchObject(OK)
    // The grace runs from the first sight of it.
    clock.advance(59.999)
    expect(await there.backend.get(key)).toMatchObject(OK)
    expect(await here.backend.get(key)).toMatchObject(OK)
    expect(reused).toEqual([])
  })

  it('ends no session on the word of the cache, and one whose old key comes back on the word of the store', async () => {
    const { here, there, clock, key } = await warm(policy)
    const renewed = await there.backend.renew(key)
    const next = renewed.ok ? renewed.key : ''
    await there.backend.get(next)
    clock.advance(58)
    // Kept here with a grace of two seconds left, and asked for again after it.
    expect(await here.backend.get(key)).toMatchObject(OK)
    clock.advance(1.999)
    expect(await here.backend.get(key)).toMatchObject(OK)
    expect(reused).toEqual([])
    clock.advance(0.001)
    expect(await here.backend.get(key)).toEqual(NOT_FOUND)
    expect(reused).toHaveLength(1)
    expect(await here.backend.get(next)).toEqual(NOT_FOUND)
  })

  it('is not ended for a key that the cache alone takes for an old one', async () => {
    const { here, there, clock, key } = await warm(policy)
    const first = await there.backend.renew(key)
    await there.backend.get(first.ok ? first.key : '')
    clock.advance(60)
    // What is kept here says that `key` is the old one; by now it is nobody's.
    expect(await here.backend.get(first.ok ? first.key : '')).toMatchObject(OK)
    const second = await there.backend.rotate(first.ok ? first.key : '', 3)
    expect(await here.backend.get(key)).toEqual(NOT_FOUND)
    expect(reused).toEqual([])
    expect(await here.backend.get(second.ok ? second.key : '')).toMatchObject(OK)
  })
})

describe('managers of two processes with near caches', () => {
  it('count every increment of both, and read past the cache after a conflict', async () => {
    const { here, there } = create()
    const clock = createManualClock({ skip: true })
    const [one, other] = [here, there].map(({ backend }) =>
      createSessionManager<number>({ backend, clock, updateTimeoutMs: 10 ** 9 }),
    )
    if (one === undefined || other === undefined) throw new Error('there are two')
    const { key } = await one.generate(0)
    const increment = async (manager: typeof one) => {
      const found = await manager.fromKey(key)
      if (found.ok) await manager.update(found.session, (count) => count + 1)
    }
    await Promise.all(
      [one, other].flatMap((manager) => Array.from({ length: 32 }, () => increment(manager))),
    )
    for (const manager of [one, other]) {
      expect(await manager.fromKey(key)).toMatchObject({ session: { value: 64 } })
    }
  })

  it('make a retry of each write on what is out of date, and no more', async () => {
    const { here, there } = create()
    const sessions = createSessionManager<number>({
      backend: here.backend,
      clock: createManualClock({ skip: true }),
    })
    const key = await there.backend.generate({ value: '0' })
    const found = await sessions.fromKey(key)
    await there.backend.set(key, '5')
    here.engine.calls.length = 0
    const again = await sessions.fromKey(key)
    expect(here.engine.calls).toEqual([])
    if (!found.ok || !again.ok) throw new Error('the session is missing')
    expect(await sessions.update(again.session, (count) => count + 1)).toBe(6)
    expect(here.engine.calls).toEqual(['update', 'read', 'update'])
  })

  it('ask once for many requests of one session', async () => {
    const { here, key } = await warm()
    const sessions = createSessionManager<number>({ backend: here.backend })
    await here.backend.set(key, '1')
    here.engine.calls.length = 0
    const response = { sent: () => false, write: () => {} }
    const load = () => createRequestSession(sessions, `__Host-session=${key}`, response).load()
    await Promise.all(Array.from({ length: 50 }, load))
    for (let request = 0; request < 50; request++) await load()
    expect(here.engine.calls).toEqual(['read'])
  })
})
