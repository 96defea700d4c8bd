import { describe, expect, it } from 'vitest'
import { createRequestSession, takeFlash } from '../../src/index.ts'
import type { RequestSession, SessionManager } from '../../src/index.ts'
import { createCookieBackend } from '../../src/backends/cookie.ts'
import { createSessionManager } from '../../src/manager.ts'
import type { Fixture, FixtureOptions } from '../manager/fixture.ts'
import { cookieOf, createManager } from '../manager/fixture.ts'
import { cookiesIn, createHead } from './fixture.ts'

interface Visit {
  readonly count: number
  readonly flash?: string | null
  readonly notes?: readonly string[]
}

const LEFT: Visit = { count: 1, flash: 'Saved.' }

interface Left extends Fixture<Visit> {
  readonly key: string
  /** A request of the same browser. */
  readonly ask: () => { request: RequestSession<Visit>; head: ReturnType<typeof createHead> }
}

/** A session with that value, on a store whose calls so far are forgotten. */
async function leave(value: Visit, options: FixtureOptions<Visit> = {}): Promise<Left> {
  const made = createManager<Visit>(options)
  const { key } = await made.sessions.generate(value)
  made.store.calls.length = 0
  return { ...made, key, ask: () => requestOf(made.sessions, key) }
}

function requestOf(sessions: SessionManager<Visit>, key?: string) {
  const head = createHead()
  const headers = key === undefined ? undefined : cookieOf(key)
  return { request: createRequestSession(sessions, headers, head), head }
}

async function stored(sessions: SessionManager<Visit>, key: string): Promise<unknown> {
  const found = await sessions.fromKey(key)
  return found.ok ? found.session.value : found.reason
}

describe('takeFlash', () => {
  it('gives what an earlier request has left, once, by one read and one write', async () => {
    const { sessions, store, key, ask } = await leave(LEFT)
    const { request, head } = ask()
    expect(await takeFlash(request, 'flash')).toBe('Saved.')
    expect(store.calls).toEqual(['read', 'update'])
    expect(cookiesIn(head)).toHaveLength(1)
    expect((await request.load())?.value).toEqual({ count: 1 })
    expect(await takeFlash(request, 'flash')).toBeUndefined()
    expect(await takeFlash(ask().request, 'flash')).toBeUndefined()
    expect(await stored(sessions, key)).toEqual({ count: 1 })
  })

  it('writes nothing and sets no cookie where nothing was left', async () => {
    const { store, ask } = await leave({ count: 1, notes: ['other field'] })
    const { request, head } = ask()
    expect(await takeFlash(request, 'flash')).toBeUndefined()
    expect(store.calls).toEqual(['read'])
    expect(cookiesIn(head)).toEqual([])
  })

  it.each([undefined, 'asdfjk'])('makes no session where there is none (%s)', async (key) => {
    const { sessions, store } = createManager<Visit>()
    const { request, head } = requestOf(sessions, key)
    expect(await takeFlash(request, 'flash')).toBeUndefined()
    expect(store.calls).toEqual([])
    expect(cookiesIn(head)).toEqual([])
  })

  it('needs no headers where nothing was left, and leaves the rest where they are gone', async () => {
    const { sessions, key, ask } = await leave({ count: 1 })
    const late = ask()
    late.head.send()
    expect(await takeFlash(late.request, 'flash')).toBeUndefined()
    await sessions.fromKey(key)
    const filled = await leave(LEFT)
    const { request, head } = filled.ask()
    head.send()
    const sent = { code: 'ERR_SESSION_HEADERS_SENT' }
    await expect(takeFlash(request, 'flash')).rejects.toMatchObject(sent)
    expect(await takeFlash(filled.ask().request, 'flash')).toBe('Saved.')
  })

  it('gives it to one of many requests that have all seen it', async () => {
    const { ask } = await leave(LEFT)
    const requests = Array.from({ length: 20 }, () => ask().request)
    await Promise.all(requests.map((request) => request.load()))
    const taken = await Promise.all(requests.map((request) => takeFlash(request, 'flash')))
    expect(taken.filter((text) => text !== undefined)).toEqual(['Saved.'])
  })

  it('gives it once to two parts of one page', async () => {
    const { request } = (await leave(LEFT)).ask()
    const taken = await Promise.all([takeFlash(request, 'flash'), takeFlash(request, 'flash')])
    expect(taken.filter((text) => text !== undefined)).toEqual(['Saved.'])
  })

  it('loses no write of another request, and gives what that one has left instead', async () => {
    const { sessions, key, ask } = await leave({ count: 1, notes: ['a'] })
    const { request } = ask()
    await request.load()
    await ask().request.update((visit = LEFT) => ({
      count: 2,
      notes: [...(visit.notes ?? []), 'b'],
    }))
    expect(await takeFlash(request, 'notes')).toEqual(['a', 'b'])
    expect(await stored(sessions, key)).toEqual({ count: 2 })
  })

  it('writes nothing after a conflict with whoever took it', async () => {
    const { store, ask } = await leave(LEFT)
    const { request, head } = ask()
    await request.load()
    await takeFlash(ask().request, 'flash')
    store.calls.length = 0
    expect(await takeFlash(request, 'flash')).toBeUndefined()
    expect(store.calls).toEqual(['update', 'read'])
    expect(cookiesIn(head)).toEqual([])
  })

  it('leaves it where the store fails, for the next request', async () => {
    let down = true
    const { ask } = await leave(LEFT, {
      replace: (memory) => ({
        update: (...args) => (down ? Promise.reject(new Error('down')) : memory.update(...args)),
      }),
    })
    const fault = { code: 'ERR_SESSION_BACKEND' }
    await expect(takeFlash(ask().request, 'flash')).rejects.toMatchObject(fault)
    down = false
    expect(await takeFlash(ask().request, 'flash')).toBe('Saved.')
  })

  it('takes what is null, and finds nothing in a value of another form', async () => {
    expect(
      await takeFlash((await leave({ count: 1, flash: null })).ask().request, 'flash'),
    ).toBeNull()
    for (const other of [null, 5, 'flash', ['flash']]) {
      const { ask, store } = await leave(other as unknown as Visit)
      expect(await takeFlash(ask().request, 'flash')).toBeUndefined()
      expect(store.calls).toEqual(['read'])
    }
  })

  it('works on a stateless backend that is told so', async () => {
    const secrets = ['a secret of at least thirty-two bytes']
    const sessions = createSessionManager<Visit>({
      backend: createCookieBackend({ secrets, audience: 'tests' }),
    })
    const { key } = await sessions.generate(LEFT)
    const { request } = requestOf(sessions, key)
    const needed = { code: 'ERR_SESSION_UNSUPPORTED_OPERATION' }
    await expect(takeFlash(request, 'flash')).rejects.toMatchObject(needed)
    expect(await takeFlash(request, 'flash', { unversioned: true })).toBe('Saved.')
    expect((await request.load())?.value).toEqual({ count: 1 })
  })
})
