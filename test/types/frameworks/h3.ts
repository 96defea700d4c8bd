import { H3 } from 'h3'
import { createApp, eventHandler } from 'h3v1'
import { createH3Adapter } from '../../../src/adapters/h3.ts'
import { sessions } from './sessions.ts'
import type { CartSession } from './sessions.ts'

declare module 'h3' {
  interface H3EventContext {
    session: CartSession
  }
}

declare module 'h3v1' {
  interface H3EventContext {
    session: CartSession
  }
}

const app = new H3()
app.use(createH3Adapter(sessions))
app.use('/shop/**', createH3Adapter(sessions, { discard: true }))
app.get('/', async (event) => {
  const session = await event.context.session.load()
  await event.context.session.set({ items: ['tea'] })
  // @ts-expect-error
  await event.context.session.set({ item: 'tea' })
  // @ts-expect-error
  void session?.value.item
  return session?.value.items
})
// @ts-expect-error
createH3Adapter(sessions, { name: 'session' })

const app1 = createApp()
app1.use(createH3Adapter(sessions))
app1.use(
  eventHandler(async (event) => {
    const session = await event.context.session.load()
    // @ts-expect-error
    void session?.value.item
    return session?.value.items
  }),
)
