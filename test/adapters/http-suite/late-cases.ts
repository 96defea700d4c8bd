import { expect, it } from 'vitest'
import type { Serve } from '../servers/exchange.ts'
import { createGate, describeCart, openShop, WRITES } from './shop.ts'

const SENT = 'ERR_SESSION_HEADERS_SENT'

/** What is left to do once the headers of the answer are gone. */
export function lateCases(serve: Serve): void {
  it.each([...WRITES])(
    'rejects %s of a session that was loaded before, and stores nothing',
    async (_, write) => {
      const shop = await openShop(serve, async ({ session }) => {
        await session.load()
        return async () => {
          await write(session)
          return 'written'
        }
      })
      const cookie = await shop.cookieWith({ items: 1 })
      const reply = await shop.ask('/', cookie)
      expect(reply.body).toBe(SENT)
      expect(reply.setCookies).toStrictEqual([])
      expect(shop.store.takeCalls()).toStrictEqual(['read'])
      expect(await shop.cartOf(cookie)).toStrictEqual({ items: 1 })
    },
  )

  it.each([...WRITES])(
    'rejects %s as the first use, and asks the store nothing',
    async (_, write) => {
      const shop = await openShop(serve, ({ session }) => {
        return Promise.resolve(async () => {
          await write(session)
          return 'written'
        })
      })
      const cookie = await shop.cookieWith({ items: 1 })
      expect((await shop.ask('/', cookie)).body).toBe(SENT)
      expect((await shop.ask('/')).body).toBe(SENT)
      expect(shop.store.takeCalls()).toStrictEqual([])
    },
  )

  it('rejects to make a session', async () => {
    const shop = await openShop(serve, ({ session }) => {
      return Promise.resolve(async () => {
        await session.loadOrCreate({ items: 9 })
        return 'written'
      })
    })
    expect((await shop.ask('/')).body).toBe(SENT)
    expect(shop.store.takeCalls()).toStrictEqual([])
  })

  it('still loads, without a touch that could not be told', async () => {
    const shop = await openShop(serve, ({ session }) => {
      return Promise.resolve(async () => {
        const loaded = await session.load()
        const found = await session.loadOrCreate({ items: 9 })
        return `${describeCart(found)} ${loaded === found}`
      })
    })
    const cookie = await shop.cookieWith({ items: 1 })
    shop.clock.advance(1800)
    const reply = await shop.ask('/', cookie)
    expect(reply.body).toBe('1 items true')
    expect(reply.setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual(['read'])
  })

  it('leaves no session behind that was made too late for its cookie', async () => {
    const reached = createGate()
    const answered = createGate()
    let creation: Promise<unknown> = Promise.resolve()
    const shop = await openShop(serve, async ({ session }) => {
      creation = session.bind('ann', { items: 1 }).catch((error: unknown) => error)
      await reached.opened
      return 'in a hurry'
    })
    shop.store.before = async (operation) => {
      if (operation !== 'create') return
      reached.open()
      await answered.opened
    }
    const reply = await shop.ask('/')
    expect(reply.setCookies).toStrictEqual([])
    answered.open()
    expect(await creation).toMatchObject({ code: SENT })
    expect(shop.store.takeCalls()).toStrictEqual(['create', 'delete'])
    expect(await shop.sessions.list('ann')).toStrictEqual([])
  })

  it('loads though the headers went while it was touching', async () => {
    const reached = createGate()
    const answered = createGate()
    let loading: Promise<string> = Promise.resolve('')
    const shop = await openShop(serve, async ({ session }) => {
      loading = session.load().then(describeCart)
      await reached.opened
      return 'in a hurry'
    })
    const cookie = await shop.cookieWith({ items: 1 })
    shop.clock.advance(1800)
    shop.store.before = async (operation) => {
      if (operation !== 'touch') return
      reached.open()
      await answered.opened
    }
    expect((await shop.ask('/', cookie)).setCookies).toStrictEqual([])
    answered.open()
    expect(await loading).toBe('1 items')
  })

  it('rejects a write whose headers went while it waited for the read', async () => {
    const reached = createGate()
    const answered = createGate()
    let write: Promise<unknown> = Promise.resolve()
    const shop = await openShop(serve, async ({ session }) => {
      write = session.set({ items: 9 }).catch((error: unknown) => error)
      await reached.opened
      return 'in a hurry'
    })
    const cookie = await shop.cookieWith({ items: 1 })
    shop.store.before = async () => {
      reached.open()
      await answered.opened
    }
    expect((await shop.ask('/', cookie)).setCookies).toStrictEqual([])
    answered.open()
    expect(await write).toMatchObject({ code: SENT })
    expect(shop.store.takeCalls()).toStrictEqual(['read'])
    expect(await shop.cartOf(cookie)).toStrictEqual({ items: 1 })
  })

  it('passes on what the application throws, and rejects writes after it', async () => {
    let after: Promise<unknown> = Promise.resolve()
    const failed = createGate()
    const shop = await openShop(serve, async ({ session }) => {
      await session.set({ items: 1 })
      after = failed.opened.then(() => session.set({ items: 2 })).catch((error: unknown) => error)
      throw new RangeError('no stock')
    })
    const reply = await shop.ask('/')
    expect(reply.status).toBe(500)
    expect(reply.body).toBe('RangeError: no stock')
    failed.open()
    expect(await after).toMatchObject({ code: SENT })
    expect(shop.store.takeCalls()).toStrictEqual(['create'])
  })
}
