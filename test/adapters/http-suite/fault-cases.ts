import { expect, it } from 'vitest'
import type { Application, Serve } from '../servers/exchange.ts'
import type { StoreOperation } from '../watched-store.ts'
import { describeCart, EVICTION, openShop, WRITES } from './shop.ts'
import type { Call, Cart } from './shop.ts'

const CALLS = new Map<string, Call>([
  ...WRITES,
  ['load', (session) => session.load()],
  ['loadOrCreate', (session) => session.loadOrCreate({ items: 9 })],
])

/** Makes the call that the path names. */
const callByPath: Application<Cart> = async ({ path, session }) => {
  await CALLS.get(path.slice(1))?.(session)
  return 'done'
}

/** What happens when the store is down: an error, and nothing that looks like anything else. */
export function faultCases(serve: Serve): void {
  it('rejects every call while the store is down, and sets no cookie', async () => {
    const shop = await openShop(serve, callByPath)
    const cookie = await shop.cookieWith({ items: 5 })
    shop.store.before = () => {
      throw new Error('connection refused')
    }
    for (const name of CALLS.keys()) {
      const reply = await shop.ask(`/${name}`, cookie)
      expect(reply.status).toBe(500)
      expect(reply.body).toBe('ERR_SESSION_BACKEND')
      expect(reply.setCookies).toStrictEqual([])
      expect(reply.header('cache-control')).toBeUndefined()
    }
    expect(new Set(shop.store.takeCalls())).toStrictEqual(new Set(['read', 'delete']))
    shop.store.before = () => {}
    expect(await shop.cartOf(cookie)).toStrictEqual({ items: 5 })
  })

  it('makes no session while the store is down', async () => {
    const shop = await openShop(serve, callByPath)
    shop.store.before = () => Promise.reject(new Error('connection refused'))
    for (const path of ['/loadOrCreate', '/set', '/update', '/bind']) {
      const reply = await shop.ask(path)
      expect(reply.body).toBe('ERR_SESSION_BACKEND')
      expect(reply.setCookies).toStrictEqual([])
    }
    expect(new Set(shop.store.takeCalls())).toStrictEqual(new Set(['create']))
  })

  const late: readonly (readonly [string, StoreOperation])[] = [
    ['/set', 'update'],
    ['/update', 'update'],
    ['/clear', 'delete'],
    ['/rotate', 'updateSecurity'],
    ['/bind', 'updateSecurity'],
  ]
  it.each(late)('rejects %s when the store fails at %s', async (path, failing) => {
    const shop = await openShop(serve, async (exchange) => {
      await exchange.session.load()
      return callByPath(exchange)
    })
    const cookie = await shop.cookieWith({ items: 5 })
    shop.store.before = (operation) => {
      if (operation === failing) throw new Error('connection reset')
    }
    const reply = await shop.ask(path, cookie)
    expect(reply.body).toBe('ERR_SESSION_BACKEND')
    expect(reply.setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual(['read', failing])
    expect(await shop.cartOf(cookie)).toStrictEqual({ items: 5 })
  })

  it('rejects the first read when its touch fails, and does not pretend to have touched', async () => {
    const shop = await openShop(serve, callByPath)
    const cookie = await shop.cookieWith({ items: 5 })
    shop.clock.advance(1800)
    shop.store.before = (operation) => {
      if (operation === 'touch') throw new Error('connection reset')
    }
    const reply = await shop.ask('/load', cookie)
    expect(reply.body).toBe('ERR_SESSION_BACKEND')
    expect(reply.setCookies).toStrictEqual([])
  })

  it('does not remember a fault', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const outcomes: string[] = []
      for (let n = 0; n < 2; n++) {
        shop.store.before = n === 0 ? () => Promise.reject(new Error('down')) : () => {}
        const done = session.load().then(
          (loaded) => `${loaded?.value.items} items`,
          () => 'fault',
        )
        outcomes.push(await done)
      }
      return outcomes.join(', ')
    })
    const cookie = await shop.cookieWith({ items: 5 })
    expect((await shop.ask('/', cookie)).body).toBe('fault, 5 items')
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'read'])
  })

  it('makes a session after a failed attempt to make one', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      shop.store.before = () => Promise.reject(new Error('down'))
      const first = await session.set({ items: 1 }).catch(() => undefined)
      shop.store.before = () => {}
      await session.set({ items: 2 })
      return describeCart(first)
    })
    const reply = await shop.ask('/')
    expect(reply.body).toBe('none')
    expect(reply.setCookies).toHaveLength(1)
    expect(shop.store.takeCalls()).toStrictEqual(['create', 'create'])
  })

  it('logs out after a failed load or a failed logout', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      shop.store.before = () => Promise.reject(new Error('down'))
      await session.load().catch(() => {})
      await session.clear().catch(() => {})
      shop.store.before = () => {}
      await session.clear()
      return describeCart(await session.load())
    })
    const cookie = await shop.cookieWith({ items: 5 })
    const reply = await shop.ask('/', cookie)
    expect(reply.body).toBe('none')
    expect(reply.setCookies).toStrictEqual([EVICTION])
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'delete', 'delete'])
    expect(await shop.cartOf(cookie)).toBeUndefined()
  })
}
