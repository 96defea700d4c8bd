import http from 'node:http'
import { H3, HTTPError, HTTPResponse } from 'h3'
import { createApp, createError, eventHandler, toNodeListener } from 'h3v1'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createH3Adapter } from '../../src/adapters/h3.ts'
import { httpSuite } from './http-suite.ts'
import { running } from './servers/client.ts'
import { createSessions, sessionOf } from './sessions.ts'
import { byCalls, overHttp } from './servers/fetch.ts'
import { h3Handler, serveH3v1 } from './servers/h3.ts'

/** What h3 2 answers to a request that has written its session and then ends as `end` says. */
function answerTo(end: () => unknown, sessions = createSessions()): Promise<Response> {
  const app = new H3({ silent: true })
  app.use(createH3Adapter(sessions))
  app.get('/', async (event) => {
    event.res.headers.set('X-Own', '1')
    await sessionOf(event.context).set(1)
    return end()
  })
  return Promise.resolve(app.request('/'))
}

const OURS = expect.stringContaining('__Host-session=') as string

describe('h3 2', () => {
  httpSuite('createH3Adapter', byCalls(h3Handler))
  httpSuite('createH3Adapter over node:http', overHttp(h3Handler))

  describe('createH3Adapter', () => {
    const VARY = { headers: { Vary: 'Accept' } }
    it.each<[string, () => unknown, string]>([
      ['a text', () => 'done', 'Cookie'],
      ['nothing', () => null, 'Cookie'],
      ['data', () => ({ done: true }), 'Cookie'],
      ['a response', () => new Response('done', VARY), 'Accept, Cookie'],
      ['a response of h3', () => new HTTPResponse('done', VARY), 'Accept, Cookie'],
      ['a response of 404', () => new Response('no', { ...VARY, status: 404 }), 'Accept, Cookie'],
      ['a returned error', () => new HTTPError({ ...VARY, status: 402 }), 'Accept, Cookie'],
    ])('puts its headers on %s', async (_what, end, vary) => {
      const { headers } = await answerTo(end)
      expect(headers.getSetCookie()).toStrictEqual([OURS])
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('vary')).toBe(vary)
    })

    it('puts its headers beside what an error asks for', async () => {
      const response = await answerTo(() => {
        throw new HTTPError({ status: 402, headers: { Vary: 'Accept', 'Set-Cookie': 'a=1' } })
      })
      expect(response.status).toBe(402)
      expect(response.headers.getSetCookie()).toStrictEqual(['a=1', OURS])
      expect(response.headers.get('vary')).toBe('Accept, Cookie')
      expect(response.headers.get('x-own')).toBeNull()
    })

    it('keeps a response that is returned many times free of anybody’s cookie', async () => {
      const shared = Response.redirect('https://example.com/next', 303)
      await answerTo(() => shared)
      expect((await answerTo(() => shared)).headers.getSetCookie()).toStrictEqual([OURS])
      expect([...shared.headers.keys()]).toStrictEqual(['location'])
    })

    it('leaves the answer to a handshake as it is', async () => {
      const upgrade = Object.assign(new Response(null, { status: 426 }), { crossws: {} })
      expect(await answerTo(() => upgrade)).toHaveProperty('crossws')
    })

    it('keeps the cookie where no route is', async () => {
      const app = new H3({ silent: true })
      app.use(createH3Adapter(createSessions()))
      app.use(async (event) => void (await sessionOf(event.context).set(1)))
      const response = await app.request('/')
      expect(response.status).toBe(404)
      expect(response.headers.getSetCookie()).toStrictEqual([OURS])
    })

    it('may be used again, gives two managers two names, and takes no other’s place', async () => {
      const users = createSessions('__Host-user')
      const app = new H3({ silent: true })
      app.use(createH3Adapter(users)).use(createH3Adapter(users))
      app.use(createH3Adapter(createSessions('__Host-cart'), { property: 'cart' }))
      app.use('/taken', createH3Adapter(createSessions('__Host-third')))
      app.all('/**', async (event) => {
        await sessionOf(event.context).set(1)
        await sessionOf(event.context, 'cart').set(2)
        return 'both'
      })
      const { headers } = await app.request('/')
      expect(headers.getSetCookie().toSorted()).toStrictEqual([
        expect.stringContaining('__Host-cart='),
        expect.stringContaining('__Host-user='),
      ])
      expect((await app.request('/taken')).status).toBe(500)
    })
  })
})

describe('h3 1', () => {
  httpSuite('createH3Adapter', serveH3v1)

  it('keeps the cookie on the error page of h3', async () => {
    const app = createApp()
    app.use(createH3Adapter(createSessions()))
    app.use(
      eventHandler(async (event) => {
        await sessionOf(event.context).set(1)
        throw createError({ statusCode: 402 })
      }),
    )
    const server = await running(http.createServer(toNodeListener(app)))
    onTestFinished(() => server.close())
    const reply = await server.ask('/')
    expect(reply.status).toBe(402)
    expect(reply.setCookies).toStrictEqual([OURS])
  })
})
