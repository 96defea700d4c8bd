import { describe, expect, it } from 'vitest'
import { createRequestSession } from '../../src/index.ts'
import type { SessionManager } from '../../src/index.ts'
import { cookieOf, createManager } from '../manager/fixture.ts'
import { cookiesIn, createHead } from './fixture.ts'

const POLICY = { period: 10_000, renewAfter: 600, renewGrace: 30 }

/** One request of a client with that key; resolves to the key that it has afterwards. */
async function visit(sessions: SessionManager, key: string, write?: unknown): Promise<string> {
  const head = createHead()
  const request = createRequestSession(sessions, cookieOf(key), head)
  if ((await request.load()) === undefined) throw new Error('logged out')
  if (write !== undefined) await request.set(write)
  const line = cookiesIn(head).at(-1)
  return line === undefined ? key : (/=([\w-]{22}\.[\w-]{43});/.exec(line)?.[1] ?? '')
}

describe('renewAfter', () => {
  it('gives a new key on the first use when it is due, and no call more before', async () => {
    const { sessions, clock, store } = createManager({ policy: POLICY })
    const { key } = await sessions.generate(1)
    clock.advance(400)
    store.calls.length = 0
    expect(await visit(sessions, key)).toBe(key)
    expect(store.calls).toEqual(['read'])
    clock.advance(200)
    const next = await visit(sessions, key)
    expect(next).not.toBe(key)
    expect(store.calls.slice(1)).toEqual(['read', 'touch', 'read', 'updateSecurity'])
    expect(await visit(sessions, next)).toBe(next)
  })

  it('goes on and on', async () => {
    const { sessions, clock } = createManager({ policy: { ...POLICY, absolute: 100_000 } })
    let key: string = (await sessions.generate(1)).key
    const keys = new Set([key])
    for (let visits = 0; visits < 50; visits++) {
      clock.advance(200)
      key = await visit(sessions, key, visits)
      keys.add(key)
    }
    expect(keys.size).toBeGreaterThan(10)
  })

  it('costs nobody the session whose response is lost, however often', async () => {
    const { sessions, clock } = createManager({ policy: POLICY })
    const { key } = await sessions.generate(1)
    clock.advance(600)
    const lost = await visit(sessions, key)
    clock.advance(3000)
    expect(await visit(sessions, key)).toBe(lost)
    expect(await visit(sessions, key, 'written')).toBe(lost)
  })

  it('lets no response that is late set the old key again', async () => {
    const { sessions, clock } = createManager({ policy: POLICY })
    const { key } = await sessions.generate(1)
    clock.advance(400)
    await visit(sessions, key, 'no touch is due')
    clock.advance(190)
    // Begun before the renewal was due, answered after the new key was seen.
    const head = createHead()
    const slow = createRequestSession(sessions, cookieOf(key), head)
    await slow.load()
    clock.advance(10)
    const next = await visit(sessions, key)
    await visit(sessions, next)
    await slow.set('slow')
    expect(cookiesIn(head)).toEqual([])
    expect(await visit(sessions, key, 'in its grace')).toBe(key)
    clock.advance(31)
    expect(await visit(sessions, next)).toBe(next)
  })

  it('is not made early, for a touch, while a request from before the last seconds may be under way', async () => {
    const { sessions, clock } = createManager({ policy: { ...POLICY, renewAfter: 840 } })
    const { key } = await sessions.generate(1)
    clock.advance(330)
    await visit(sessions, key, 'touches are due 500 seconds later')
    clock.advance(479)
    const head = createHead()
    const slow = createRequestSession(sessions, cookieOf(key), head)
    await slow.load()
    // 29 seconds before it is due, with a touch.
    clock.advance(22)
    const next = await visit(sessions, key)
    await visit(sessions, next)
    await slow.set('slow')
    const last = /=([\w-]{22}\.[\w-]{43});/.exec(cookiesIn(head).at(-1) ?? '')?.[1] ?? next
    clock.advance(31)
    await expect(visit(sessions, last)).resolves.toBeDefined()
  })

  it('goes on with what was read when the session is rotated beside it', async () => {
    let rotate: (() => Promise<unknown>) | undefined
    const { sessions, clock, backend } = createManager({
      policy: { ...POLICY, period: 100_000 },
      replace: (memory) => ({
        async read(id) {
          const record = await memory.read(id)
          const run = rotate
          rotate = undefined
          await run?.()
          return record
        },
      }),
    })
    const { key } = await sessions.generate(1)
    clock.advance(600)
    rotate = () => backend.rotate(key, 1, { extra: {} })
    const head = createHead()
    const request = createRequestSession(sessions, cookieOf(key), head)
    expect((await request.load())?.value).toBe(1)
    expect(cookiesIn(head)).toEqual([])
    await expect(request.set(2)).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
  })

  it('rejects the load when the store fails, and the next one succeeds', async () => {
    let down = true
    const { sessions, clock } = createManager({
      policy: { ...POLICY, period: 100_000 },
      replace: (memory) => ({
        updateSecurity: (...args) => {
          if (down) throw new Error('down')
          return memory.updateSecurity(...args)
        },
      }),
    })
    const { key } = await sessions.generate(1)
    clock.advance(600)
    await expect(visit(sessions, key)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    down = false
    expect(await visit(sessions, key)).not.toBe(key)
  })

  it('gives no key away that no header can carry', async () => {
    const { sessions, clock, store } = createManager({ policy: POLICY })
    const { key } = await sessions.generate(1)
    clock.advance(600)
    store.calls.length = 0
    const head = createHead()
    head.send()
    await createRequestSession(sessions, cookieOf(key), head).load()
    expect(store.calls).toEqual(['read'])
  })
})
