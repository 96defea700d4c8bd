import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFastifyAdapter } from '../../src/adapters/fastify.ts'
import { httpSuite } from './http-suite.ts'
import { createSessions, sessionOf } from './sessions.ts'
import { FASTIFY, serveFastify } from './servers/fastify.ts'

/** The session cookies that the answer to `path` sets, by their values. */
async function cookiesOf(app: FastifyInstance, path: string): Promise<string[]> {
  const { headers } = await app.inject(path)
  return [headers['set-cookie'] ?? []].flat()
}

const OURS = expect.stringContaining('__Host-session=') as string

describe.each([...FASTIFY])('%s', (_name, framework) => {
  httpSuite('createFastifyAdapter', serveFastify(framework))

  function create(): FastifyInstance {
    const app = framework()
    onTestFinished(() => app.close())
    return app
  }

  describe('createFastifyAdapter', () => {
    it('keeps the cookie on the error page of Fastify', async () => {
      const app = create()
      app.register(createFastifyAdapter(createSessions()))
      app.get('/', async (request) => {
        await sessionOf(request).set(1)
        throw new Error('no stock')
      })
      const reply = await app.inject('/')
      expect(reply.statusCode).toBe(500)
      expect(reply.json()).toMatchObject({ message: 'no stock' })
      expect(reply.headers['set-cookie']).toStrictEqual([OURS])
    })

    it('is there for what is registered beside and below it, and for nothing else', async () => {
      const app = create()
      const there = (request: object): string => String('session' in request)
      app.register(async (shop) => {
        shop.register(createFastifyAdapter(createSessions()))
        shop.get('/shop', async (request) => there(request))
        shop.register(async (cart) => {
          cart.get('/shop/cart', async (request) => there(request))
        })
      })
      app.get('/', async (request) => there(request))
      expect((await app.inject('/shop')).body).toBe('true')
      expect((await app.inject('/shop/cart')).body).toBe('true')
      expect((await app.inject('/')).body).toBe('false')
    })

    it('gives siblings sessions of their own managers under one name', async () => {
      const app = create()
      for (const area of ['users', 'staff']) {
        app.register(async (part) => {
          part.register(createFastifyAdapter(createSessions(`__Host-${area}`)))
          part.get(`/${area}`, async (request) => String((await sessionOf(request).set(1)).value))
        })
      }
      expect(await cookiesOf(app, '/users')).toStrictEqual([
        expect.stringContaining('__Host-users='),
      ])
      expect(await cookiesOf(app, '/staff')).toStrictEqual([
        expect.stringContaining('__Host-staff='),
      ])
    })

    it('gives sessions of two managers two names', async () => {
      const app = create()
      app.register(createFastifyAdapter(createSessions('__Host-user'), { property: 'user' }))
      app.register(createFastifyAdapter(createSessions('__Host-cart'), { property: 'cart' }))
      app.get('/', async (request) => {
        await sessionOf(request, 'user').set(1)
        await sessionOf(request, 'cart').set(2)
        return 'both'
      })
      expect(await cookiesOf(app, '/')).toHaveLength(2)
    })

    it('is refused by Fastify where its name is taken', async () => {
      const app = create()
      app.decorateRequest('session', null)
      app.register(createFastifyAdapter(createSessions()))
      await expect(async () => app.ready()).rejects.toMatchObject({
        code: 'FST_ERR_DEC_ALREADY_PRESENT',
      })
    })

    it('is there in hooks, and for requests that no route is for', async () => {
      const app = create()
      app.register(createFastifyAdapter(createSessions()))
      app.after(() => {
        app.addHook('onSend', async (request, _reply, payload) => {
          await sessionOf(request).set(2)
          return payload
        })
        app.setNotFoundHandler(async (request, reply) => {
          await sessionOf(request).set(1)
          return reply.code(404).send('nothing')
        })
      })
      const reply = await app.inject('/')
      expect(reply.statusCode).toBe(404)
      expect(reply.headers['set-cookie']).toStrictEqual([OURS])
    })

    it('keeps cookies that are set between two of its writes', async () => {
      const app = create()
      app.register(createFastifyAdapter(createSessions()))
      app.get('/reply', async (request, reply) => {
        await sessionOf(request).set(1)
        reply.header('Set-Cookie', 'theme=dark')
        await sessionOf(request).update(() => 2)
        return 'done'
      })
      app.get('/raw', async (request, reply) => {
        reply.hijack()
        await sessionOf(request).set(1)
        reply.raw.appendHeader('Set-Cookie', 'theme=dark')
        await sessionOf(request).update(() => 2)
        reply.raw.end('raw')
      })
      expect(await cookiesOf(app, '/reply')).toStrictEqual(['theme=dark', OURS])
      expect(await cookiesOf(app, '/raw')).toStrictEqual(['theme=dark', OURS])
    })

    it('puts the cookie on a hijacked reply, written before or after', async () => {
      const app = create()
      app.register(createFastifyAdapter(createSessions()))
      app.get('/before', async (request, reply) => {
        await sessionOf(request).set(1)
        reply.hijack()
        reply.raw.end('raw')
      })
      app.get('/after', async (request, reply) => {
        reply.hijack()
        await sessionOf(request).set(1)
        reply.raw.end('raw')
      })
      expect(await cookiesOf(app, '/before')).toStrictEqual([OURS])
      expect(await cookiesOf(app, '/after')).toStrictEqual([OURS])
    })

    it('puts the cookie of a stream that writes before its first piece on it', async () => {
      const app = create()
      app.register(createFastifyAdapter(createSessions()))
      app.get('/', async (request, reply) => {
        reply.header('Set-Cookie', 'a=1')
        async function* body(): AsyncGenerator<string> {
          await sessionOf(request).set(1)
          yield 'done'
        }
        return reply.send(Readable.from(body()))
      })
      const reply = await app.inject('/')
      expect(reply.body).toBe('done')
      expect(reply.headers['set-cookie']).toStrictEqual(['a=1', OURS])
    })

    it('keeps what the application puts on the reply later', async () => {
      const app = create()
      app.register(createFastifyAdapter(createSessions()))
      app.get('/', async (request, reply) => {
        await sessionOf(request).set(1)
        reply.header('Set-Cookie', 'a=1')
        return 'done'
      })
      expect(await cookiesOf(app, '/')).toStrictEqual([OURS, 'a=1'])
    })
  })
})
