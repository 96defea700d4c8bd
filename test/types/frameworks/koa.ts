import Koa from 'koa'
import Koa2 from 'koa2'
import { createKoaAdapter } from '../../../src/adapters/koa.ts'
import { sessions } from './sessions.ts'
import type { CartSession } from './sessions.ts'

// Koa hands on the type of what a middleware puts on the context.
new Koa().use(createKoaAdapter(sessions)).use(async (context) => {
  const session = await context.session.load()
  context.body = session?.value.items.join()
  // @ts-expect-error
  void session?.value.item
  // @ts-expect-error
  await context.session.set({ item: 'tea' })
})

// Or is told of it.
const app = new Koa<Koa.DefaultState, { session: CartSession }>()
app.use(createKoaAdapter(sessions, { discard: true }))
app.use(async (context) => {
  const session = await context.session.load()
  // @ts-expect-error
  void session?.value.item
  context.body = session?.value.items
})
// @ts-expect-error
createKoaAdapter(sessions, { name: 'session' })

new Koa2().use(createKoaAdapter(sessions)).use(async (context) => {
  const session = await context.session.load()
  context.body = session?.value.items.join()
  // @ts-expect-error
  void session?.value.item
})
