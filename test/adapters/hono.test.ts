import { setImmediate } from 'node:timers/promises'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { streamText } from 'hono/streaming'
import { describe, expect, it } from 'vitest'
import { createHonoAdapter } from '../../src/adapters/hono.ts'
import type { RequestSession } from '../../src/request.ts'
import { httpSuite } from './http-suite.ts'
import { createSessions } from './sessions.ts'
import { byCalls, overHttp } from './servers/fetch.ts'
import { hono3Handler, honoHandler } from './servers/hono.ts'

httpSuite('createHonoAdapter', byCalls(honoHandler))
httpSuite('createHonoAdapter over node:http', overHttp(honoHandler))
httpSuite('createHonoAdapter on Hono 3', byCalls(hono3Handler))

interface Env {
  Variables: { session: RequestSession<number>; cart: RequestSession<number> }
}

/** An application whose requests all write their session first. */
function createWriting(): Hono<Env> {
  const app = new Hono<Env>()
  app.use(createHonoAdapter(createSessions()), async (c, next) => {
    await c.var.session.set(1)
    await next()
  })
  return app
}

const OURS = expect.stringContaining('__Host-session=') as string

describe('createHonoAdapter', () => {
  it('keeps the cookie on the error page of Hono', async () => {
    const app = createWriting()
    app.get('/', () => {
      throw new HTTPException(402, {
        res: new Response('no money', { status: 402, headers: { Vary: 'Accept' } }),
      })
    })
    const response = await app.request('/')
    expect(response.status).toBe(402)
    expect(await response.text()).toBe('no money')
    expect(response.headers.getSetCookie()).toStrictEqual([OURS])
    expect(response.headers.get('vary')).toBe('Accept, Cookie')
  })

  it('keeps the cookie where no route is', async () => {
    const response = await createWriting().request('/nowhere')
    expect(response.status).toBe(404)
    expect(response.headers.getSetCookie()).toStrictEqual([OURS])
  })

  it('keeps a response that is returned many times free of anybody’s cookie', async () => {
    const shared = Response.redirect('https://example.com/next', 303)
    const app = createWriting()
    app.get('/', () => shared)
    const [first, second] = [await app.request('/'), await app.request('/')]
    expect(first.headers.getSetCookie()).toHaveLength(1)
    expect(second.headers.getSetCookie()).toHaveLength(1)
    expect([...shared.headers.keys()]).toStrictEqual(['location'])
  })

  it('tells what is inside it not to keep a response with a cookie', async () => {
    const app = createWriting()
    const seen: Record<string, string>[] = []
    app.use(async (c, next) => {
      await next()
      seen.push(Object.fromEntries(c.res.headers))
    })
    app.get('/', (c) => c.text('done'))
    expect((await app.request('/')).headers.getSetCookie()).toStrictEqual([OURS])
    expect(seen).toMatchObject([{ 'cache-control': 'no-store', vary: 'Cookie' }])
  })

  it('lets the application allow no cache to keep a cookie', async () => {
    const app = createWriting()
    app.get('/', (c) => c.text('done', 200, { 'Cache-Control': 'public, max-age=60' }))
    expect((await app.request('/')).headers.get('cache-control')).toBe('no-store')
  })

  it('sends the cookie of the last write alone', async () => {
    const sessions = createSessions()
    const app = new Hono<Env>()
    const keys: string[] = []
    app.use(createHonoAdapter(sessions))
    app.get('/', async (c) => {
      keys.push((await c.var.session.set(1)).key)
      c.header('Set-Cookie', 'own=1', { append: true })
      await c.var.session.rotate()
      keys.push((await c.var.session.load())!.key)
      return c.text('done')
    })
    const [own, ours, ...others] = (await app.request('/')).headers.getSetCookie()
    expect(own).toBe('own=1')
    expect(ours).toContain(keys[1])
    expect(keys[0]).not.toBe(keys[1])
    expect(others).toStrictEqual([])
  })

  it.each(['only to vary', 'to have a cookie'])(
    'copies no response that is %s, and that Hono has made',
    async (what) => {
      const app = new Hono<Env>()
      const made: Response[] = []
      app.use(createHonoAdapter(createSessions()))
      app.use(async (c, next) => {
        await next()
        made.push(c.res)
      })
      app.get('/', async (c) => {
        await (what === 'only to vary' ? c.var.session.load() : c.var.session.set(1))
        return c.text('done')
      })
      const response = await app.request('/')
      expect(response).toBe(made[0])
      expect(response.headers.get('vary')).toBe('Cookie')
      expect(response.headers.has('set-cookie')).toBe(what === 'to have a cookie')
    },
  )

  it('stands beside the cookies and headers of the application and of other middlewares', async () => {
    const app = new Hono<Env>()
    app.use(async (c, next) => {
      await next()
      c.header('Set-Cookie', 'outer=1', { append: true })
      c.header('Vary', 'Origin', { append: true })
    })
    app.use(createHonoAdapter(createSessions()))
    app.get('/', async (c) => {
      c.header('Set-Cookie', 'own=1')
      await c.var.session.set(1)
      return c.text('done', 200, { Vary: 'Accept' })
    })
    const { headers } = await app.request('/')
    expect(headers.getSetCookie()).toStrictEqual(['own=1', OURS, 'outer=1'])
    expect(headers.get('vary')).toBe('Accept, Cookie, Origin')
  })

  it('sends the cookie in front of what is streamed', async () => {
    const app = createWriting()
    app.get('/', (c) =>
      streamText(c, async (stream) => {
        await setImmediate()
        await stream.write(
          await c.var.session.set(2).then(
            () => 'written',
            (error: { code: string }) => error.code,
          ),
        )
      }),
    )
    const response = await app.request('/')
    expect(response.headers.getSetCookie()).toStrictEqual([OURS])
    expect(await response.text()).toBe('ERR_SESSION_HEADERS_SENT')
  })

  it('gives sessions of two managers two names', async () => {
    const app = new Hono<Env>()
    app.use(createHonoAdapter(createSessions('__Host-user')))
    app.use(createHonoAdapter(createSessions('__Host-cart'), { property: 'cart' }))
    app.get('/', async (c) => {
      await c.var.session.set(1)
      await c.var.cart.set(2)
      return c.text('both')
    })
    const { headers } = await app.request('/')
    expect(headers.getSetCookie()).toHaveLength(2)
  })

  it('may be used again on the same request', async () => {
    const sessions = createSessions()
    const app = new Hono<Env>()
    app.use(createHonoAdapter(sessions), createHonoAdapter(sessions))
    app.get('/', async (c) => c.text(String((await c.var.session.set(1)).value)))
    expect((await app.request('/')).headers.getSetCookie()).toStrictEqual([OURS])
  })

  it('does not take the place of another session', async () => {
    const app = new Hono<Env>()
    app.use(createHonoAdapter(createSessions('__Host-user')))
    app.use(createHonoAdapter(createSessions('__Host-cart')))
    app.onError((error, c) => c.text(error.message, 500))
    expect(await (await app.request('/')).text()).toBe(
      '"session" is taken: give the adapter another "property"',
    )
  })
})
