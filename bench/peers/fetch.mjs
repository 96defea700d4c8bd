// Frameworks that turn a Request into a Response: Hono, h3 and Remix's router, all on node:http.
import { createServer } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { useSession } from '@hono/session'
import { createCookie } from '@remix-run/cookie'
import { createRouter } from '@remix-run/fetch-router'
import { Session } from '@remix-run/session'
import { createMemorySessionStorage } from '@remix-run/session/memory-storage'
import { session as remixSession } from '@remix-run/session-middleware'
import { H3, getSession, updateSession } from 'h3'
import { toNodeHandler } from 'h3/node'
import { Hono } from 'hono'
import { MemoryStore, sessionMiddleware } from 'hono-sessions'
import { createH3Adapter } from '../../dist/adapters/h3.js'
import { createHonoAdapter } from '../../dist/adapters/hono.js'
import { floors } from './floor.mjs'
import { createManager, visitsOf } from './manager.mjs'
import { countOf, DAY, nameOf, NONE, SECRET, valueOf } from './value.mjs'

const constant = valueOf(0)
const bare = { login: () => {}, read: () => constant, count: () => 1 }

function serveHono(visits, middleware) {
  const app = new Hono()
  if (middleware !== undefined) app.use(middleware)
  app.get('/none', (context) => context.json(NONE))
  app.get('/read', async (context) => context.json(nameOf(await visits.read(context))))
  app.get('/count', async (context) => context.json(countOf(await visits.count(context))))
  app.get('/login', async (context) => {
    await visits.login(context)
    return context.json(NONE)
  })
  return createAdaptorServer({ fetch: app.fetch })
}

/** The servers on Hono. */
export const hono = {
  bare: () => serveHono(bare),

  ...floors(
    {
      cookieOf: ({ req }) => req.header('cookie'),
      setHeader: (name, value, context) => context.header(name, value),
    },
    serveHono,
  ),

  sojourn: (store) =>
    serveHono(
      visitsOf((context) => context.get('session')),
      createHonoAdapter(createManager(store.backend())),
    ),

  '@hono/session': () =>
    serveHono(
      {
        login: ({ var: { session } }) => session.update(valueOf(0)),
        read: ({ var: { session } }) => session.get(),
        count: async ({ var: { session } }) => {
          await session.update((value) => ({ ...value, n: value.n + 1 }))
          return session.data.n
        },
      },
      useSession({ secret: SECRET.slice(0, 32), duration: { absolute: DAY } }),
    ),

  'hono-sessions': () =>
    serveHono(
      {
        login: (context) => context.get('session').set('value', valueOf(0)),
        read: (context) => context.get('session').get('value'),
        count: (context) => {
          const session = context.get('session')
          const value = session.get('value')
          session.set('value', { ...value, n: value.n + 1 })
          return value.n + 1
        },
      },
      sessionMiddleware({
        store: new MemoryStore(),
        expireAfterSeconds: DAY,
        cookieOptions: { path: '/', httpOnly: true, sameSite: 'Lax' },
      }),
    ),
}

function serveH3(visits, middleware) {
  const app = new H3()
  if (middleware !== undefined) app.use(middleware)
  app.get('/none', () => NONE)
  app.get('/read', async (event) => nameOf(await visits.read(event)))
  app.get('/count', async (event) => countOf(await visits.count(event)))
  app.get('/login', async (event) => {
    await visits.login(event)
    return NONE
  })
  return createServer(toNodeHandler(app))
}

/** The servers on h3. */
export const h3 = {
  bare: () => serveH3(bare),

  ...floors(
    {
      cookieOf: ({ req }) => req.headers.get('cookie'),
      setHeader: (name, value, { res }) => res.headers.set(name, value),
    },
    serveH3,
  ),

  sojourn: (store) =>
    serveH3(
      visitsOf(({ context: { session } }) => session),
      createH3Adapter(createManager(store.backend())),
    ),

  useSession: () => {
    const config = { password: SECRET, maxAge: DAY, cookie: { secure: false } }
    return serveH3({
      login: (event) => updateSession(event, config, valueOf(0)),
      read: async (event) => (await getSession(event, config)).data,
      count: async (event) => {
        const { data } = await updateSession(event, config, ({ n }) => ({ n: n + 1 }))
        return data.n
      },
    })
  },
}

function serveRouter(visits, middleware = []) {
  const router = createRouter({ middleware })
  const route = (path, handle) =>
    router.get(path, async (context) => Response.json(await handle(context)))
  route('/none', () => NONE)
  route('/read', async (context) => nameOf(await visits.read(context)))
  route('/count', async (context) => countOf(await visits.count(context)))
  route('/login', visits.login)
  return createAdaptorServer({ fetch: (request) => router.fetch(request) })
}

/** The servers on Remix's router. */
export const remix = {
  bare: () => serveRouter({ ...bare, login: () => NONE }),

  '@remix-run/session': () => {
    const cookie = createCookie('remix', { secrets: [SECRET], httpOnly: true, sameSite: 'Lax' })
    return serveRouter(
      {
        login: (context) => {
          context.get(Session).set('value', valueOf(0))
          return NONE
        },
        read: (context) => context.get(Session).get('value'),
        count: (context) => {
          const session = context.get(Session)
          const value = session.get('value')
          session.set('value', { ...value, n: value.n + 1 })
          return value.n + 1
        },
      },
      [remixSession(cookie, createMemorySessionStorage())],
    )
  },
}
