import express from 'express'
import express4 from 'express4'
import { createExpressAdapter } from '../../../src/adapters/express.ts'
import { sessions } from './sessions.ts'
import type { CartSession } from './sessions.ts'

declare global {
  // oxlint-disable-next-line typescript/no-namespace
  namespace Express {
    interface Request {
      session: CartSession
    }
  }
}

const app = express()
app.use(createExpressAdapter(sessions))
app.use('/shop', createExpressAdapter(sessions, { discard: true }))
app.get('/', async (request, response) => {
  const session = await request.session.load()
  response.send(session?.value.items.join())
  // @ts-expect-error
  response.send(session?.value.item)
  // @ts-expect-error
  response.send(session.value)
  await request.session.set({ items: ['tea'] })
  // @ts-expect-error
  await request.session.set({ item: 'tea' })
  // @ts-expect-error
  request.session.value = { items: [] }
})
// @ts-expect-error
createExpressAdapter(sessions, { name: 'session' })

const app4 = express4()
app4.use(createExpressAdapter(sessions))
app4.get('/', (request, response, next) => {
  request.session.load().then((session) => response.send(session?.value.items.join()), next)
  // @ts-expect-error
  request.session.load().then((session) => response.send(session?.value.item), next)
})
