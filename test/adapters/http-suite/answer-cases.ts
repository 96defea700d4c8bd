import { expect, it } from 'vitest'
import type { Outcome, Serve } from '../servers/exchange.ts'
import { cookieFrom, createGate, FRESH_COOKIE, openShop } from './shop.ts'

/** What an adapter and its framework do differently. */
export interface Traits {
  /** Whether the cookie of what was written goes with the answer to a request whose handler has thrown. */
  readonly onThrow: 'kept' | 'lost'
}

/** The kinds of answers: what docs/frameworks.md has in its table. */
export function answerCases(serve: Serve, { onThrow }: Traits): void {
  it('has stored what was written before a redirect is sent, and sends its cookie along', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      await session.set({ items: 1 })
      return { location: '/next' }
    })
    const reply = await shop.ask('/')
    expect(reply.status).toBe(302)
    expect(reply.header('location')).toMatch(/\/next$/)
    expect(reply.setCookies).toStrictEqual([expect.stringMatching(FRESH_COOKIE)])
    expect(reply.header('cache-control')).toBe('no-store')
    expect(shop.store.takeCalls()).toStrictEqual(['create'])
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 1 })
  })

  it('says nothing on a redirect that did not use the session', async () => {
    const shop = await openShop(serve, () => Promise.resolve({ location: '/next' }))
    const reply = await shop.ask('/', await shop.cookieWith({ items: 1 }))
    expect(reply.setCookies).toStrictEqual([])
    expect(reply.header('cache-control')).toBeUndefined()
    expect(shop.store.takeCalls()).toStrictEqual([])
  })

  it('answers HEAD with the headers of GET', async () => {
    const shop = await openShop(serve, async ({ path, session }) => {
      if (path === '/write') await session.set({ items: 2 })
      return String((await session.load())?.value.items)
    })
    const cookies = [await shop.cookieWith({ items: 1 })]
    const read = await shop.send('/', { method: 'HEAD', cookies })
    expect(read.header('vary')).toBe('Cookie')
    expect(read.setCookies).toStrictEqual([])
    expect(await read.text()).toBe('')
    const written = await shop.send('/write', { method: 'HEAD', cookies })
    expect(written.setCookies).toStrictEqual([expect.stringMatching(FRESH_COOKIE)])
    expect(await written.text()).toBe('')
    expect(await shop.cartOf(cookies[0] ?? '')).toStrictEqual({ items: 2 })
  })

  it('streams, with the cookie in front, and rejects writes from then on', async () => {
    const received = createGate()
    const shop = await openShop(serve, async ({ session }) => {
      await session.set({ items: 1 })
      return (async function* () {
        yield 'first;'
        // The rest is not made before the client has seen the beginning.
        await received.opened
        const late = await session.set({ items: 2 }).catch((error: { code: string }) => error)
        yield 'code' in late ? late.code : 'written'
      })()
    })
    const head = await shop.send('/')
    expect(head.setCookies).toStrictEqual([expect.stringMatching(FRESH_COOKIE)])
    received.open()
    expect(await head.text()).toBe('first;ERR_SESSION_HEADERS_SENT')
    expect(shop.store.takeCalls()).toStrictEqual(['create'])
  })

  it('streams without a header where the session is not used', async () => {
    const shop = await openShop(serve, () => {
      return Promise.resolve<Outcome>(
        (async function* () {
          yield 'first;'
          yield 'last'
        })(),
      )
    })
    const reply = await shop.ask('/', await shop.cookieWith({ items: 1 }))
    expect(reply.body).toBe('first;last')
    expect(reply.setCookies).toStrictEqual([])
    expect(reply.header('vary')).toBeUndefined()
    expect(shop.store.takeCalls()).toStrictEqual([])
  })

  it(`keeps stored what a handler wrote before it threw; its cookie is ${onThrow}`, async () => {
    const shop = await openShop(serve, async ({ session }) => {
      await session.bind('ann', { items: 1 })
      throw new RangeError('no stock')
    })
    const reply = await shop.ask('/')
    expect(reply.status).toBe(500)
    expect(reply.body).toBe('RangeError: no stock')
    expect(await shop.sessions.list('ann')).toHaveLength(1)
    const kept = onThrow === 'kept'
    expect(reply.setCookies.map((line) => FRESH_COOKIE.test(line))).toStrictEqual(
      kept ? [true] : [],
    )
    expect(reply.header('cache-control')).toBe(kept ? 'no-store' : undefined)
  })

  it('stores what a handler writes after its client has gone', async () => {
    const reached = createGate()
    const gone = createGate()
    const done = createGate()
    let written: unknown
    const shop = await openShop(serve, async ({ session }) => {
      await session.load()
      reached.open()
      await gone.opened
      written = await session.set({ items: 2 }).catch((error: unknown) => error)
      done.open()
      return 'to nobody'
    })
    const cookie = await shop.cookieWith({ items: 1 })
    const client = new AbortController()
    const asked = shop.send('/', { cookies: [cookie], signal: client.signal })
    await reached.opened
    client.abort()
    await expect(asked).rejects.toThrow('aborted')
    gone.open()
    await done.opened
    expect(written).toMatchObject({ value: { items: 2 } })
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'update'])
    expect(await shop.cartOf(cookie)).toStrictEqual({ items: 2 })
  })
}
