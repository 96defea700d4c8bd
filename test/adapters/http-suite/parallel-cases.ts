import { expect, it } from 'vitest'
import type { Serve } from '../servers/exchange.ts'
import { cookieFrom, createGate, describeCart, EVICTION, openShop } from './shop.ts'
import type { Cart } from './shop.ts'

function oneMore(cart: Cart | undefined): Cart {
  return { items: (cart?.items ?? 0) + 1 }
}

/** Calls and requests that run beside each other. */
export function parallelCases(serve: Serve): void {
  it('makes one session for calls that find none at the same time', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const [set, , made, loaded] = await Promise.all([
        session.set({ items: 10 }),
        session.update(oneMore),
        session.loadOrCreate({ items: 20 }),
        session.loadOrCreate({ items: 30 }),
      ])
      return `${new Set([set, made, loaded, await session.load()]).size} of ${set.value.items}`
    })
    const reply = await shop.ask('/')
    expect(reply.body).toBe('1 of 11')
    expect(reply.setCookies).toHaveLength(1)
    expect(shop.store.takeCalls().filter((name) => name === 'create')).toHaveLength(1)
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 11 })
  })

  it('loses no increment of one request, with a session or without', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      await Promise.all(Array.from({ length: 8 }, () => session.update(oneMore)))
      return String((await session.load())?.value.items)
    })
    const first = await shop.ask('/')
    expect(first.body).toBe('8')
    expect(shop.store.takeCalls().filter((name) => name === 'create')).toHaveLength(1)
    const second = await shop.ask('/', cookieFrom(first))
    expect(second.body).toBe('16')
    expect(second.setCookies).toHaveLength(1)
  })

  it('keeps the last of many sets of one request', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      await Promise.all([1, 2, 3].map((items) => session.set({ items })))
      return String((await session.load())?.value.items)
    })
    const reply = await shop.ask('/')
    expect(reply.body).toBe('3')
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 3 })
  })

  it('counts 64 parallel requests as 64', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      return String((await session.update(oneMore))?.items)
    })
    const cookie = await shop.cookieWith({ items: 0 })
    const replies = await Promise.all(Array.from({ length: 64 }, () => shop.ask('/', cookie)))
    const counts = replies.map(({ body }) => Number(body)).toSorted((a, b) => a - b)
    expect(counts).toStrictEqual(Array.from({ length: 64 }, (_, n) => n + 1))
    expect(await shop.cartOf(cookie)).toStrictEqual({ items: 64 })
  })

  it('rejects a set that another request has overtaken, and sets no cookie', async () => {
    const loaded = createGate()
    const overtaken = createGate()
    const shop = await openShop(serve, async ({ path, session }) => {
      await session.load()
      if (path === '/slow') {
        loaded.open()
        await overtaken.opened
      }
      await session.set({ items: path === '/slow' ? 1 : 2 })
      return 'set'
    })
    const cookie = await shop.cookieWith({ items: 0 })
    const slow = shop.ask('/slow', cookie)
    await loaded.opened
    expect((await shop.ask('/fast', cookie)).body).toBe('set')
    overtaken.open()
    const reply = await slow
    expect(reply.body).toBe('ERR_SESSION_CONFLICT')
    expect(reply.setCookies).toStrictEqual([])
    expect(await shop.cartOf(cookie)).toStrictEqual({ items: 2 })
  })

  it('lets a logout win over a write that is under way', async () => {
    const loaded = createGate()
    const loggedOut = createGate()
    const shop = await openShop(serve, async ({ path, session }) => {
      if (path === '/logout') {
        await session.clear()
        return 'bye'
      }
      await session.load()
      loaded.open()
      await loggedOut.opened
      await session.update(oneMore)
      return 'written'
    })
    const cookie = await shop.cookieWith({ items: 0 })
    const slow = shop.ask('/', cookie)
    await loaded.opened
    expect((await shop.ask('/logout', cookie)).setCookies).toStrictEqual([EVICTION])
    loggedOut.open()
    const reply = await slow
    expect(reply.body).toBe('ERR_SESSION_GONE')
    expect(reply.setCookies).toStrictEqual([])
    expect(await shop.cartOf(cookie)).toBeUndefined()
  })

  it('clears what another call of the request is just making', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const made = session.set({ items: 1 })
      // The load has found no cookie by now, and the creation is on its way.
      while (shop.store.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
      await session.clear()
      return `${describeCart(await made)}, ${describeCart(await session.load())}`
    })
    const reply = await shop.ask('/')
    expect(reply.body).toBe('none, none')
    expect(reply.setCookies).toStrictEqual([EVICTION])
    expect(shop.store.takeCalls()).toStrictEqual(['create', 'delete'])
  })

  it('clears beside a load that fails', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const loading = session.load().then(describeCart, () => 'fault')
      await session.clear()
      return loading
    })
    const cookie = await shop.cookieWith({ items: 1 })
    shop.store.before = (operation) => {
      if (operation === 'read') throw new Error('connection reset')
    }
    const reply = await shop.ask('/', cookie)
    expect(reply.body).toBe('fault')
    expect(reply.setCookies).toStrictEqual([EVICTION])
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'delete'])
  })
}
