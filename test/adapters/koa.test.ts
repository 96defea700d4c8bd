import { inspect } from 'node:util'
import type Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createKoaAdapter } from '../../src/adapters/koa.ts'
import { httpSuite } from './http-suite.ts'
import type { Running } from './servers/exchange.ts'
import { createSessions } from './sessions.ts'
import { KOA, runKoa, serveKoa } from './servers/koa.ts'

async function serve(app: Koa): Promise<Running> {
  const server = await runKoa(app)
  onTestFinished(() => server.close())
  return server
}

const OURS = expect.stringContaining('__Host-session=') as string

describe.each([...KOA])('%s', (_name, framework) => {
  httpSuite('createKoaAdapter', serveKoa(framework))

  describe('createKoaAdapter', () => {
    it('keeps the cookie on the error page of Koa, and no other header', async () => {
      const app = new framework()
      app.on('error', () => {})
      app.use(createKoaAdapter(createSessions())).use(async (context) => {
        context.set('X-Own', '1')
        context.cookies.set('other', '1')
        await context.session.set(1)
        context.throw(402, 'no money', { headers: { 'X-Price': '7', Vary: 'Accept' } })
      })
      const reply = await (await serve(app)).ask('/')
      expect(reply.status).toBe(402)
      expect(reply.body).toBe('no money')
      expect(reply.setCookies).toStrictEqual([OURS])
      expect(reply.header('cache-control')).toBe('no-store')
      expect(reply.header('vary')).toBe('Accept, Cookie')
      expect(reply.header('x-price')).toBe('7')
      expect(reply.header('x-own')).toBeUndefined()
    })

    it('keeps a cookie that Koa sets between two of its writes', async () => {
      const app = new framework()
      app.use(createKoaAdapter(createSessions())).use(async (context) => {
        await context.session.set(1)
        context.cookies.set('theme', 'dark')
        await context.session.update(() => 2)
        context.body = 'done'
      })
      const reply = await (await serve(app)).ask('/')
      const theme = expect.stringContaining('theme=dark') as string
      expect(reply.setCookies).toStrictEqual([theme, OURS])
    })

    it('keeps the last cookie of many writes', async () => {
      const app = new framework()
      app.on('error', () => {})
      app.use(createKoaAdapter(createSessions())).use(async (context) => {
        await context.session.set(1)
        await context.session.clear()
        throw new Error('no stock')
      })
      const reply = await (await serve(app)).ask('/')
      expect(reply.setCookies).toStrictEqual([
        expect.stringContaining('__Host-session=; Max-Age=0'),
      ])
    })

    it('shows the cookie to nobody who sees the error', async () => {
      const seen: string[] = []
      const app = new framework()
      app.on('error', (error: Error) => seen.push(inspect(error), JSON.stringify(error)))
      app.use(createKoaAdapter(createSessions())).use(async (context) => {
        await context.session.set(1)
        throw Object.assign(new Error('no stock'), { code: 'ENOSTOCK' })
      })
      await (await serve(app)).ask('/')
      expect(seen.join()).toContain('ENOSTOCK')
      expect(seen.join()).not.toContain('__Host-session=')
    })

    it('leaves nobody’s cookie on an error that is thrown for many', async () => {
      const shared = new Error('no stock')
      const app = new framework()
      app.on('error', () => {})
      app.use(createKoaAdapter(createSessions())).use(async (context) => {
        if (context.path === '/write') await context.session.set(1)
        throw shared
      })
      const { ask } = await serve(app)
      expect((await ask('/write')).setCookies).toStrictEqual([OURS])
      expect((await ask('/')).setCookies).toStrictEqual([])
      expect('headers' in shared).toBe(false)
    })

    it('does without where an error cannot be given headers', async () => {
      const app = new framework()
      app.on('error', () => {})
      app.use(createKoaAdapter(createSessions())).use(async (context) => {
        await context.session.set(1)
        if (context.path === '/text') throw 'no error'
        throw Object.preventExtensions(
          Object.assign(new Error('no stock'), { status: 402, expose: true, headerSent: false }),
        )
      })
      const { ask } = await serve(app)
      expect((await ask('/')).status).toBe(402)
      expect((await ask('/text')).status).toBe(500)
    })

    it('gives sessions of two managers two names', async () => {
      const app = new framework()
      const users = createKoaAdapter(createSessions('__Host-user'))
      const carts = createKoaAdapter(createSessions('__Host-cart'), { property: 'cart' })
      app.on('error', () => {})
      app.use(users).use<object, { cart: Koa.Context['session'] }>(carts)
      app.use(async (context) => {
        await context['session'].set(1)
        await context['cart'].set(2)
        if (context.path === '/throw') throw new Error('no stock')
        context.body = 'both'
      })
      const { ask } = await serve(app)
      const both = [
        expect.stringContaining('__Host-user=') as string,
        expect.stringContaining('__Host-cart=') as string,
      ]
      expect((await ask('/')).setCookies).toStrictEqual(both)
      expect((await ask('/throw')).setCookies.toSorted()).toStrictEqual(both.toReversed())
    })

    it('does not take the place of another session', async () => {
      const app = new framework()
      const errors: Error[] = []
      app.on('error', (error: Error) => errors.push(error))
      app.use((context, next) => {
        context['session'] = { of: 'another library' }
        return next()
      })
      app.use(createKoaAdapter(createSessions()))
      expect((await (await serve(app)).ask('/')).status).toBe(500)
      expect(errors).toMatchObject([
        { name: 'TypeError', message: '"session" is taken: give the adapter another "property"' },
      ])
    })
  })
})
