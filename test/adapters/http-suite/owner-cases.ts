import { expect, it } from 'vitest'
import type { Exchange, Serve } from '../servers/exchange.ts'
import { cookieFrom, openShop } from './shop.ts'
import type { Cart } from './shop.ts'

async function logIn({ session, path }: Exchange<Cart>): Promise<string> {
  const subject = path.slice(1)
  const bound = await session.bind(subject, { items: 0 }, { labels: { device: 'a phone' } })
  return `${bound.subject} has ${bound.value.items}, by ${bound.labels['device']}`
}

async function rotate({ session, path }: Exchange<Cart>): Promise<string> {
  await session.rotate(path === '/again' ? { authenticated: true } : undefined)
  const loaded = await session.load()
  return `${loaded?.value.items} ${loaded?.authenticatedAt?.toISOString()}`
}

/** Keys that change, and sessions that get an owner. */
export function ownerCases(serve: Serve): void {
  it('gives the session another key when it is rotated, and the old one is dead', async () => {
    const shop = await openShop(serve, rotate)
    const before = await shop.cookieWith({ items: 3 })
    const reply = await shop.ask('/', before)
    expect(reply.body).toBe('3 undefined')
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'updateSecurity'])
    expect(reply.header('cache-control')).toBe('no-store')
    const after = cookieFrom(reply)
    expect(after).not.toBe(before)
    expect(await shop.cartOf(before)).toBeUndefined()
    expect(await shop.cartOf(after)).toStrictEqual({ items: 3 })
  })

  it('passes the options of a rotation on', async () => {
    const shop = await openShop(serve, rotate)
    const reply = await shop.ask('/again', await shop.cookieWith({ items: 3 }))
    expect(reply.body).toBe('3 2026-01-01T00:00:00.000Z')
  })

  it('rotates nothing where there is no session', async () => {
    const shop = await openShop(serve, rotate)
    const reply = await shop.ask('/')
    expect(reply.body).toBe('undefined undefined')
    expect(reply.setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual([])
  })

  it('makes a session of the subject who logs in without one', async () => {
    const shop = await openShop(serve, logIn)
    const reply = await shop.ask('/ann')
    expect(reply.body).toBe('ann has 0, by a phone')
    expect(shop.store.takeCalls()).toStrictEqual(['create'])
    const [listed] = await shop.sessions.list('ann')
    expect(cookieFrom(reply)).toContain(`=${listed?.handle}.`)
    expect(listed?.labels).toStrictEqual({ device: 'a phone' })
    expect(listed?.authenticatedAt).toStrictEqual(new Date(shop.clock.now()))
  })

  it('binds what the subject had before logging in, under a new key', async () => {
    const shop = await openShop(serve, logIn)
    const before = await shop.cookieWith({ items: 2 })
    const reply = await shop.ask('/ann', before)
    expect(reply.body).toBe('ann has 2, by a phone')
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'updateSecurity'])
    expect(cookieFrom(reply)).not.toBe(before)
    expect(await shop.cartOf(before)).toBeUndefined()
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 2 })
  })

  it('carries a cart over a login, and loses no addition that was confirmed beside it', async () => {
    const shop = await openShop(serve, async ({ session, path }) => {
      if (path === '/login') {
        const carryOver = ({ items }: Cart): Cart => ({ items: items + 100 })
        await session.bind('ann', { items: 0 }, { carryOver })
        return 'in'
      }
      if ((await session.load()) === undefined) return 'nobody'
      await session.update((cart = { items: 0 }) => ({ items: cart.items + 1 }))
      return 'added'
    })
    const before = await shop.cookieWith({ items: 0 })
    const add = async () => (await shop.ask('/', before)).body
    const first = [add(), add(), add(), add()]
    const login = shop.ask('/login', before)
    const added = await Promise.all([...first, add(), add(), add(), add()])
    const confirmed = added.filter((body) => body === 'added').length
    expect(new Set(['added', 'nobody', 'ERR_SESSION_GONE', ...added]).size).toBe(3)
    expect(await shop.cartOf(cookieFrom(await login))).toStrictEqual({ items: 100 + confirmed })
    expect(await shop.cartOf(before)).toBeUndefined()
  })

  it('binds again for the same subject', async () => {
    const shop = await openShop(serve, logIn)
    const before = await shop.cookieWith({ items: 2 }, 'ann')
    const reply = await shop.ask('/ann', before)
    expect(reply.body).toBe('ann has 2, by a phone')
    expect(await shop.cartOf(before)).toBeUndefined()
    expect(await shop.sessions.list('ann')).toHaveLength(1)
  })

  it('gives nobody what another subject left behind', async () => {
    const shop = await openShop(serve, logIn)
    const before = await shop.cookieWith({ items: 2 }, 'ann')
    const reply = await shop.ask('/bob', before)
    expect(reply.body).toBe('bob has 0, by a phone')
    expect(shop.store.takeCalls()).toStrictEqual(['read', 'delete', 'create'])
    expect(reply.setCookies).toHaveLength(1)
    expect(await shop.cartOf(before)).toBeUndefined()
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 0 })
    expect(await shop.sessions.list('ann')).toStrictEqual([])
    expect(await shop.sessions.list('bob')).toHaveLength(1)
  })

  it('ends nobody’s session for a subject that is none', async () => {
    const shop = await openShop(serve, logIn)
    const before = await shop.cookieWith({ items: 2 }, 'ann')
    const reply = await shop.ask('/', before)
    expect(reply.body).toBe('ERR_SESSION_INVALID_VALUE')
    expect(reply.setCookies).toStrictEqual([])
    expect(shop.store.takeCalls()).toStrictEqual([])
    expect(await shop.cartOf(before)).toStrictEqual({ items: 2 })
  })

  it('binds the session that the same request is just making', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const [, bound] = await Promise.all([
        session.set({ items: 6 }),
        session.bind('ann', { items: 0 }),
      ])
      return `${bound.subject} has ${bound.value.items}`
    })
    const reply = await shop.ask('/')
    expect(reply.body).toBe('ann has 6')
    expect(reply.setCookies).toHaveLength(1)
    expect(shop.store.takeCalls()).toStrictEqual(['create', 'updateSecurity'])
    expect(await shop.cartOf(cookieFrom(reply))).toStrictEqual({ items: 6 })
  })

  it('rejects the rotation of a session that another request has rotated', async () => {
    const shop = await openShop(serve, async ({ session }) => {
      const loaded = await session.load()
      const other = await shop.sessions.fromKey(loaded?.key ?? '')
      if (other.ok) await shop.sessions.rotate(other.session)
      await session.rotate()
      return 'rotated'
    })
    const reply = await shop.ask('/', await shop.cookieWith({ items: 1 }))
    expect(reply.body).toBe('ERR_SESSION_GONE')
    expect(reply.setCookies).toStrictEqual([])
  })
}
