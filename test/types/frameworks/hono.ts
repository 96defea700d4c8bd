import { Hono } from 'hono'
import { Hono as Hono3 } from 'hono3'
import { createHonoAdapter } from '../../../src/adapters/hono.ts'
import { sessions } from './sessions.ts'
import type { CartSession } from './sessions.ts'

// Handlers in a chain and on the application know of it alike.
const app = new Hono<{ Variables: { session: CartSession } }>()
app.use(createHonoAdapter(sessions))
app.use('/shop/*', createHonoAdapter(sessions, { discard: true }))
app.get('/', async (c) => {
  const session = await c.var.session.load()
  await c.get('session').set({ items: ['tea'] })
  // @ts-expect-error
  await c.var.session.set({ item: 'tea' })
  // @ts-expect-error
  void session?.value.item
  return c.json(session?.value.items ?? [])
})
// @ts-expect-error
createHonoAdapter(sessions, { name: 'session' })

const app3 = new Hono3<{ Variables: { session: CartSession } }>()
app3.use('*', createHonoAdapter(sessions))
app3.get('/', async (c) => {
  const session = await c.var.session.load()
  // @ts-expect-error
  await c.var.session.set({ item: 'tea' })
  return c.json({ items: session?.value.items ?? [] })
})
