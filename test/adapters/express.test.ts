import http from 'node:http'
import express from 'express'
import type { Express, RequestHandler } from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createExpressAdapter } from '../../src/adapters/express.ts'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { httpSuite } from './http-suite.ts'
import { running } from './servers/client.ts'
import type { Running } from './servers/exchange.ts'
import { createSessions, sessionOf } from './sessions.ts'
import { EXPRESS, serveExpress } from './servers/express.ts'

describe.each([...EXPRESS])('%s', (_name, framework) => {
  httpSuite('createExpressAdapter', serveExpress(framework))

  describe('createExpressAdapter', () => {
    it('keeps the cookie on the error page of Express', async () => {
      const app = quiet(framework())
      app.use(createExpressAdapter(createSessions()))
      app.use((request, _response, next) => {
        sessionOf(request)
          .set(1)
          .then(() => next(new Error('no stock')), next)
      })
      const reply = await (await serve(app)).ask('/')
      expect(reply.status).toBe(500)
      expect(reply.setCookies).toStrictEqual([expect.stringContaining('__Host-session=')])
    })

    it('is there for the paths that it is mounted on', async () => {
      const app = framework()
      app.use('/shop', createExpressAdapter(createSessions()))
      app.use((request, response) => void response.send(String('session' in request)))
      const { ask } = await serve(app)
      expect((await ask('/shop/cart')).body).toBe('true')
      expect((await ask('/')).body).toBe('false')
    })
  })
})

/** Express prints what it answers with its own error page, but in tests. */
function quiet(app: Express): Express {
  return app.set('env', 'test')
}

async function serve(app: Express): Promise<Running> {
  const server = await running(http.createServer(app))
  onTestFinished(() => server.close())
  return server
}

/** What a handler behind `middlewares` answers with. */
async function answerOf(handle: RequestHandler, ...middlewares: RequestHandler[]) {
  const app = quiet(express())
  app.use(...middlewares, handle)
  return (await serve(app)).ask('/')
}

describe('createExpressAdapter', () => {
  it('gives the session of the node adapter', async () => {
    const sessions = createSessions()
    const ofNode = createNodeAdapter(sessions)
    const reply = await answerOf((request, response) => {
      response.send(String(ofNode(request, response) === sessionOf(request)))
    }, createExpressAdapter(sessions))
    expect(reply.body).toBe('true')
  })

  it('may be used again on the same request', async () => {
    const sessions = createSessions()
    const reply = await answerOf(
      async (request, response) => {
        response.send(String((await sessionOf(request).set(1)).value))
      },
      createExpressAdapter(sessions),
      createExpressAdapter(sessions),
    )
    expect(reply.body).toBe('1')
    expect(reply.setCookies).toHaveLength(1)
  })

  it('gives sessions of two managers two names', async () => {
    const reply = await answerOf(
      async (request, response) => {
        await sessionOf(request, 'user').set(1)
        await sessionOf(request, 'cart').set(2)
        response.send('both')
      },
      createExpressAdapter(createSessions('__Host-user'), { property: 'user' }),
      createExpressAdapter(createSessions('__Host-cart'), { property: 'cart' }),
    )
    expect(reply.setCookies).toStrictEqual([
      expect.stringContaining('__Host-user='),
      expect.stringContaining('__Host-cart='),
    ])
  })

  it('does not take the place of another session', async () => {
    const reply = await answerOf(
      (_request, response) => void response.send('not reached'),
      (request, _response, next) => {
        Object.assign(request, { session: { of: 'another library' } })
        next()
      },
      createExpressAdapter(createSessions()),
    )
    expect(reply.status).toBe(500)
    expect(reply.body).toContain('&quot;session&quot; is taken')
  })

  it('refuses options that it does not have, and wrong ones', () => {
    const make = (options: object) => () => createExpressAdapter(createSessions(), options)
    expect(make({ name: 'session' })).toThrow(TypeError)
    expect(make({ property: '' })).toThrow(new TypeError('"property" must be a name'))
    expect(make({ discard: 1 })).toThrow(TypeError)
  })
})
