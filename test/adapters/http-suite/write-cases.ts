import { expect, it } from 'vitest'
import type { Exchange, Serve } from '../servers/exchange.ts'
import { cookieFrom, createGate, describeCart, EVICTION, FRESH_COOKIE, openShop } from './shop.ts'
import type { Cart } from './shop.ts'

async function addItem({ session }: Exchange<Cart>): Promise<string> {
  const cart = await session.update((cart) => ({ items: (cart?.items ?? 0) + 1 }))
  return `${cart?.items} items`
}

/** What writing a session puts in the store and on the answer. */
export function writeCases(serve: Serve): void {
  it('sets the cookie with the first write, and forbids to cache it', async () => {
    const shop = await openShop(serve, addItem)
    const reply = await shop.ask('/')
    expect(reply.body).toBe('1 items')
    expect(reply.setCookies).toStrictEqual([expect.stringMatching(FRESH_COOKIE)])
    expect(reply.header('cache-control')).toBe('no-store')
    expect(reply.header('vary')).toBe('Cookie')
    expect(shop.store.takeCalls()).toStrictEqual(['create'])
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 1 })
  })

  it('reads once and writes once for a client that comes back', async () => {
    const shop = await openShop(serve, addItem)
    const cookie = cookieFrom(await shop.ask('/'))
    shop.store.takeCalls()
    const reply = await shop.ask('/', cookie)
    expect(reply.body).toBe('2 items')
    expect(cookieFrom(reply)).toBe(cookie)
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'update'])
  })

  it('sets one cookie for many writes', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      await session.set({ items: 1 })
      await session.set({ items: 2 }, { expiry: 60 })
      await session.update(({ items } = { items: 0 }) => ({ items: items + 1 }))
      return String((await session.load())?.value.items)
    })
    const reply = await shop.ask('/')
    expect(reply.body).toBe('3')
    expect(reply.setCookies).toHaveLength(1)
    expect(reply.setCookies[0]).toContain('; Max-Age=60; ')
    expect(reply.header('vary')).toBe('Cookie')
    expect(shop.store.takeCalls()).toStrictEqual(['create', 'update', 'update'])
  })

  it('keeps the cookies of the application, earlier and later ones', async () => {
    const shop = await openShop(serve, async ({ session, header }) => {
      header('Set-Cookie', 'a=1')
      header('Set-Cookie', 'b=2')
      await session.set({ items: 1 })
      header('Set-Cookie', 'c=3')
      await session.set({ items: 2 })
      header('Set-Cookie', '__Host-session-theme=dark')
      return 'done'
    })
    const { setCookies } = await shop.ask('/')
    const own = setCookies.filter((line) => line.startsWith('__Host-session='))
    const others = setCookies.filter((line) => !line.startsWith('__Host-session='))
    expect(own).toStrictEqual([expect.stringMatching(FRESH_COOKIE)])
    expect(others).toStrictEqual(['a=1', 'b=2', 'c=3', '__Host-session-theme=dark'])
  })

  it('takes the place of a Cache-Control that would let the cookie be cached', async () => {
    const shop = await openShop(serve, async (exchange) => {
      exchange.header('Cache-Control', 'public, max-age=600')
      return exchange.path === '/write' ? addItem(exchange) : 'read'
    })
    expect((await shop.ask('/')).header('cache-control')).toBe('public, max-age=600')
    expect((await shop.ask('/write')).header('cache-control')).toBe('no-store')
  })

  it('makes a session where there is none, and finds it where there is one', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const { value, modified } = await session.loadOrCreate({ items: 5 }, { expiry: 60 })
      return `${value.items} ${modified}`
    })
    const first = await shop.ask('/')
    expect(first.body).toBe('5 true')
    expect(first.setCookies[0]).toContain('; Max-Age=60; ')
    const second = await shop.ask('/', await shop.cookieWith({ items: 8 }))
    expect(second.body).toBe('8 false')
    expect(second.setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual(['read'])
  })

  it('writes nothing when an update returns undefined', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const value = await session.update(() => undefined)
      return JSON.stringify(value) ?? 'undefined'
    })
    const without = await shop.ask('/')
    expect(without.body).toBe('undefined')
    const found = await shop.ask('/', await shop.cookieWith({ items: 4 }))
    expect(found.body).toBe('{"items":4}')
    expect([...without.setCookies, ...found.setCookies]).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual(['read'])
  })

  it('gives an update its own expiry', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      await session.update((cart = { items: 0 }) => cart, { expiry: 90 })
      return 'done'
    })
    expect((await shop.ask('/')).setCookies[0]).toContain('; Max-Age=90; ')
    const cookie = await shop.cookieWith({ items: 1 })
    expect((await shop.ask('/', cookie)).setCookies[0]).toContain('; Max-Age=90; ')
  })

  it('ends the cookie with the browser session where that is asked for', async () => {
    const shop = await openShop(serve, addItem, { discard: true })
    const reply = await shop.ask('/')
    expect(reply.setCookies[0]).toMatch(
      /^__Host-session=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
  })

  it('rejects what cannot be stored, before anything is stored', async () => {
    const shop = await openShop(serve, async ({ session, path }) => {
      if (path === '/undefined') await session.set(undefined as unknown as Cart)
      if (path === '/expiry') await session.set({ items: 1 }, { expiry: 0 })
      if (path === '/function') await session.update(1 as never)
      return 'stored'
    })
    const replies = [
      ['/undefined', 'TypeError: "value" must not be undefined'],
      ['/expiry', 'ERR_SESSION_INVALID_PERIOD'],
      ['/function', 'TypeError: "fn" must be a function'],
    ] as const
    for (const [path, body] of replies) {
      const reply = await shop.ask(path)
      expect(reply.body).toBe(body)
      expect(reply.setCookies).toStrictEqual([])
    }
    expect(shop.store.takeCalls()).toStrictEqual([])
  })

  it('answers only after the write is stored, a redirect too', async () => {
    const shop = await openShop(serve, async (exchange) => {
      await exchange.session.set({ items: 1 })
      exchange.status = 303
      exchange.header('Location', '/done')
      return ''
    })
    const reached = createGate()
    const stored = createGate()
    const events: string[] = []
    shop.store.before = async () => {
      reached.open()
      await stored.opened
      events.push('stored')
    }
    const answered = shop.ask('/').then((reply) => {
      events.push('answered')
      return reply
    })
    await reached.opened
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(events).toStrictEqual([])
    stored.open()
    const reply = await answered
    expect(events).toStrictEqual(['stored', 'answered'])
    expect(reply.status).toBe(303)
    expect(reply.header('location')).toBe('/done')
    expect(cookieFrom(reply)).toContain('__Host-session=')
  })

  clearCases(serve)
}

function clearCases(serve: Serve): void {
  it('evicts the cookie of a session that is cleared', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const loaded = await session.load()
      await session.clear()
      await session.clear()
      return `${describeCart(loaded)}, ${describeCart(await session.load())}`
    })
    const cookie = await shop.cookieWith({ items: 1 })
    const reply = await shop.ask('/', cookie)
    expect(reply.body).toBe('none, none')
    expect(reply.setCookies).toStrictEqual([EVICTION])
    expect(reply.header('cache-control')).toBe('no-store')
    expect(reply.header('vary')).toBe('Cookie')
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'delete'])
    expect(await shop.cartOf(cookie)).toBeUndefined()
  })

  it('clears with one call what has not been loaded', async () => {
    const shop = await openShop(
      serve,
      async ({ session }) => {
        await session.clear()
        return 'bye'
      },
      { discard: true },
    )
    const cookie = await shop.cookieWith({ items: 1 })
    const reply = await shop.ask('/', cookie)
    expect(shop.store.takeCalls()).toStrictEqual(['delete'])
    expect(reply.setCookies).toStrictEqual([EVICTION])
    expect(await shop.cartOf(cookie)).toBeUndefined()
  })

  it('clears nothing without a cookie, and evicts a malformed or dead one', async () => {
    const shop = await openShop(serve, async ({ path, session }) => {
      if (path === '/after-load') await session.load()
      await session.clear()
      return 'bye'
    })
    for (const path of ['/', '/after-load']) {
      expect((await shop.ask(path)).setCookies).toStrictEqual([])
      expect((await shop.ask(path, 'other=1')).setCookies).toStrictEqual([])
      expect((await shop.ask(path, '__Host-session=junk')).setCookies).toStrictEqual([EVICTION])
    }
    expect(shop.store.takeCalls()).toStrictEqual([])
    const dead = await shop.cookieWith({ items: 1 })
    shop.clock.advance(3600)
    expect((await shop.ask('/', dead)).setCookies).toStrictEqual([EVICTION])
    expect((await shop.ask('/after-load', dead)).setCookies).toStrictEqual([EVICTION])
  })

  it('makes a new session, under a new key, after a clear', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      await session.clear()
      const between = await session.load()
      const made = await session.set({ items: 2 })
      return `${describeCart(between)} ${made === (await session.load())}`
    })
    const cookie = await shop.cookieWith({ items: 1 })
    const reply = await shop.ask('/', cookie)
    expect(reply.body).toBe('none true')
    expect(reply.setCookies).toHaveLength(1)
    expect(shop.store.takeCalls()).toStrictEqual(['delete', 'create'])
    expect(cookieFrom(reply)).not.toBe(cookie)
    expect(await shop.cartOf(cookie)).toBeUndefined()
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 2 })
  })

  it('clears what this request has made', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const made = await session.set({ items: 1 })
      await session.clear()
      return `${describeCart(made)}, ${describeCart(await session.load())}`
    })
    const reply = await shop.ask('/')
    expect(reply.body).toBe('none, none')
    expect(reply.setCookies).toStrictEqual([EVICTION])
    expect(shop.store.takeCalls()).toStrictEqual(['create', 'delete'])
  })

  it('makes a new session after its own was cleared through the manager', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const made = await session.set({ items: 1 })
      await shop.sessions.clear(made)
      const between = await session.load()
      const again = await session.set({ items: 2 })
      return `${describeCart(between)}, ${describeCart(again)}, ${again === made}`
    })
    const reply = await shop.ask('/')
    expect(reply.body).toBe('none, 2 items, false')
    expect(shop.store.takeCalls()).toStrictEqual(['create', 'delete', 'create'])
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 2 })
  })
}
