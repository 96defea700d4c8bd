import { expect, it } from 'vitest'
import type { Exchange, Serve } from '../servers/exchange.ts'
import { cookieFrom, describeCart, EVICTION, FRESH_COOKIE, openShop } from './shop.ts'
import type { Cart } from './shop.ts'

async function showItems({ session }: Exchange<Cart>): Promise<string> {
  return describeCart(await session.load())
}

/** What reading a session costs and says. */
export function readCases(serve: Serve): void {
  it('costs nothing and says nothing while the session is not used', async () => {
    const shop = await openShop(serve, () => Promise.resolve('hello'))
    const reply = await shop.ask('/', await shop.cookieWith({ items: 1 }))
    expect(reply.body).toBe('hello')
    expect(shop.store.takeCalls()).toStrictEqual([])
    expect(reply.setCookies).toStrictEqual([])
    expect(reply.header('vary')).toBeUndefined()
    expect(reply.header('cache-control')).toBeUndefined()
  })

  it('loads with one read, and says that the answer depends on the cookie', async () => {
    const shop = await openShop(serve, showItems)
    const reply = await shop.ask('/', await shop.cookieWith({ items: 2 }))
    expect(reply.body).toBe('2 items')
    expect(shop.store.takeCalls()).toStrictEqual(['read'])
    expect(reply.header('vary')).toBe('Cookie')
    expect(reply.setCookies).toStrictEqual([])
    expect(reply.header('cache-control')).toBeUndefined()
  })

  it('loads nothing without a cookie, and never asks the store', async () => {
    const shop = await openShop(serve, showItems)
    for (const cookies of [[], ['other=1'], ['__host-session=x']]) {
      const reply = await shop.ask('/', ...cookies)
      expect(reply.body).toBe('none')
      expect(reply.header('vary')).toBe('Cookie')
      expect(reply.setCookies).toStrictEqual([])
    }
    expect(shop.store.takeCalls()).toStrictEqual([])
  })

  it('loads nothing for a malformed cookie, and never asks the store', async () => {
    const shop = await openShop(serve, showItems)
    const cookie = await shop.cookieWith({ items: 1 })
    for (const malformed of [
      '__Host-session=',
      '__Host-session=x',
      `${cookie}x`,
      cookie.slice(0, -1),
    ]) {
      const reply = await shop.ask('/', malformed)
      expect(reply.body).toBe('none')
      expect(reply.setCookies).toStrictEqual([])
    }
    expect(shop.store.takeCalls()).toStrictEqual([])
  })

  it('loads nothing for a dead cookie, and leaves the cookie alone', async () => {
    const shop = await openShop(serve, showItems)
    const cookie = await shop.cookieWith({ items: 1 })
    shop.clock.advance(3600)
    const reply = await shop.ask('/', cookie)
    expect(reply.body).toBe('none')
    expect(reply.setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual(['read'])
  })

  it('finds the cookie among others, in any of several headers', async () => {
    const shop = await openShop(serve, showItems)
    const cookie = await shop.cookieWith({ items: 3 })
    expect((await shop.ask('/', `a=1; ${cookie}; b=2`)).body).toBe('3 items')
    expect((await shop.ask('/', 'a=1', cookie, 'b=2')).body).toBe('3 items')
    expect((await shop.ask('/', `__Host-session=tossed; ${cookie}`)).body).toBe('3 items')
  })

  it('reads once, however often and in parallel it is loaded', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const first = await Promise.all([session.load(), session.load(), session.load()])
      const all = [...first, await session.load(), await session.loadOrCreate({ items: 9 })]
      return String(new Set(all).size)
    })
    const reply = await shop.ask('/', await shop.cookieWith({ items: 1 }))
    expect(reply.body).toBe('1')
    expect(shop.store.takeCalls()).toStrictEqual(['read'])
  })

  it('keeps the Vary of the application', async () => {
    for (const [own, all] of [
      [['Accept-Encoding'], 'Accept-Encoding, Cookie'],
      [['Accept', 'Origin'], 'Accept, Origin, Cookie'],
      [['cookie'], 'cookie'],
      [['*'], '*'],
    ] satisfies [string[], string][]) {
      const shop = await openShop(serve, async (exchange) => {
        for (const value of own) exchange.header('Vary', value)
        return showItems(exchange)
      })
      expect((await shop.ask('/')).header('vary')).toBe(all)
    }
  })

  it('moves the expiry and Max-Age when a touch is due, and not before', async () => {
    const shop = await openShop(serve, showItems)
    const cookie = await shop.cookieWith({ items: 1 })
    shop.clock.advance(179)
    expect((await shop.ask('/', cookie)).setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual(['read'])
    shop.clock.advance(1)
    const reply = await shop.ask('/', cookie)
    expect(reply.setCookies).toStrictEqual([expect.stringMatching(FRESH_COOKIE)])
    expect(cookieFrom(reply)).toBe(cookie)
    expect(reply.header('cache-control')).toBe('no-store')
    expect(reply.header('vary')).toBe('Cookie')
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'touch'])
    shop.clock.advance(3599)
    expect((await shop.ask('/', cookie)).body).toBe('1 items')
  })

  it('sets no cookie for a touch that another request was first to make', async () => {
    const shop = await openShop(serve, showItems)
    const cookie = await shop.cookieWith({ items: 1 })
    shop.clock.advance(1800)
    shop.store.before = async (operation) => {
      if (operation !== 'touch') return
      shop.store.before = () => {}
      await shop.ask('/', cookie)
    }
    const reply = await shop.ask('/', cookie)
    expect(reply.body).toBe('1 items')
    expect(reply.setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'touch', 'read', 'touch'])
  })

  it('touches with a Max-Age that ends at the absolute deadline', async () => {
    const shop = await openShop(serve, showItems)
    const cookie = await shop.cookieWith({ items: 1 })
    for (let halfHours = 0; halfHours < 45; halfHours++) {
      shop.clock.advance(1800)
      await shop.ask('/', cookie)
    }
    shop.clock.advance(2400)
    expect((await shop.ask('/', cookie)).setCookies[0]).toContain('; Max-Age=3000; ')
    shop.clock.advance(2999)
    expect((await shop.ask('/', cookie)).body).toBe('1 items')
    shop.clock.advance(1)
    expect((await shop.ask('/', cookie)).body).toBe('none')
  })

  it('treats a session without a value as none, and ends it when another is made', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const before = await session.load()
      await session.set({ items: 1 })
      return describeCart(before)
    })
    const key = await shop.backend.generate()
    shop.store.takeCalls()
    const reply = await shop.ask('/', `__Host-session=${key}`)
    expect(reply.body).toBe('none')
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'read', 'delete', 'create'])
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 1 })
    expect(await shop.backend.get(key)).toStrictEqual({ ok: false, reason: 'not_found' })
  })

  invalidCases(serve)
}

function invalidCases(serve: Serve): void {
  it('rejects a value that no longer decodes, and changes nothing', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      await session.load().catch(() => {})
      return String((await session.loadOrCreate({ items: 0 })).value.items)
    })
    const key = await shop.backend.generate({ value: '{"books":1}' })
    shop.store.takeCalls()
    const reply = await shop.ask('/', `__Host-session=${key}`)
    expect(reply.status).toBe(500)
    expect(reply.body).toBe('ERR_SESSION_INVALID_VALUE')
    expect(reply.setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'read'])
  })

  it('makes a new session in its place where that is asked for', async () => {
    const make = async ({ session }: Exchange<Cart>): Promise<string> =>
      String((await session.loadOrCreate({ items: 7 })).value.items)
    const shop = await openShop(serve, make, { onInvalid: 'create' })
    const key = await shop.backend.generate({ value: 'no JSON' })
    shop.store.takeCalls()
    const reply = await shop.ask('/', `__Host-session=${key}`)
    expect(reply.body).toBe('7')
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'read', 'delete', 'create'])
    expect(cookieFrom(reply)).not.toBe(`__Host-session=${key}`)
    expect(await shop.backend.get(key)).toStrictEqual({ ok: false, reason: 'not_found' })
  })

  it('ends a session that cannot be read', async () => {
    const shop = await openShop(serve, async ({ path, session }) => {
      if (path === '/after-load') await session.load().catch(() => {})
      await session.clear()
      return describeCart(await session.load())
    })
    for (const path of ['/', '/after-load']) {
      const key = await shop.backend.generate({ value: 'no JSON' })
      const reply = await shop.ask(path, `__Host-session=${key}`)
      expect(reply.body).toBe('none')
      expect(reply.setCookies).toStrictEqual([EVICTION])
      expect(await shop.backend.get(key)).toStrictEqual({ ok: false, reason: 'not_found' })
    }
  })
}
