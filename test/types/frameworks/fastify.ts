import fastify from 'fastify'
import fastify4 from 'fastify4'
import { createFastifyAdapter } from '../../../src/adapters/fastify.ts'
import { sessions } from './sessions.ts'
import type { CartSession } from './sessions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    session: CartSession
  }
}

declare module 'fastify4' {
  interface FastifyRequest {
    session: CartSession
  }
}

const app = fastify()
app.register(createFastifyAdapter(sessions))
app.register(createFastifyAdapter(sessions, { discard: true }), { prefix: '/shop' })
app.get<{ Querystring: { item: string } }>('/', async (request) => {
  const session = await request.session.load()
  await request.session.set({ items: [request.query.item] })
  // @ts-expect-error
  await request.session.set({ item: request.query.item })
  // @ts-expect-error
  void session?.value.item
  return session?.value.items
})
app.addHook('preHandler', async (request) => {
  await request.session.rotate()
})
// @ts-expect-error
createFastifyAdapter(sessions, { name: 'session' })

const app4 = fastify4()
app4.register(createFastifyAdapter(sessions))
app4.get('/', async (request) => {
  const session = await request.session.load()
  // @ts-expect-error
  void session?.value.item
  return session?.value.items
})
