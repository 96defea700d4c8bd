import fastifyCookie from '@fastify/cookie'
import secureSession from '@fastify/secure-session'
import fastifySession from '@fastify/session'
import Fastify from 'fastify'
import { createFastifyAdapter } from '../../dist/adapters/fastify.js'
import { floors } from './floor.mjs'
import { createManager, visitsOf } from './manager.mjs'
import { countOf, DAY, nameOf, NONE, SECRET, valueOf } from './value.mjs'

async function serve(visits, register) {
  const app = Fastify()
  await register?.(app)
  app.get('/none', async () => NONE)
  app.get('/read', async (request, reply) => nameOf(await visits.read(request, reply)))
  app.get('/count', async (request, reply) => countOf(await visits.count(request, reply)))
  app.get('/login', async (request, reply) => {
    await visits.login(request, reply)
    return NONE
  })
  await app.ready()
  return app.server
}

const constant = valueOf(0)

/** The servers on Fastify. */
export const fastify = {
  bare: () => serve({ login: () => {}, read: () => constant, count: () => 1 }),

  ...floors(
    {
      cookieOf: (request) => request.headers.cookie,
      setHeader: (name, value, _request, reply) => reply.header(name, value),
    },
    serve,
  ),

  sojourn: (store) =>
    serve(
      visitsOf(({ session }) => session),
      (app) => app.register(createFastifyAdapter(createManager(store.backend()))),
    ),

  // Its best settings: by default it is rolling, and writes at every request.
  '@fastify/session': (store) =>
    serve(
      {
        login: ({ session }) => void Object.assign(session, valueOf(0)),
        read: ({ session }) => session,
        count: ({ session }) => ++session.n,
      },
      async (app) => {
        await app.register(fastifyCookie)
        await app.register(fastifySession, {
          store: store.express(),
          secret: SECRET,
          rolling: false,
          saveUninitialized: false,
          cookie: { maxAge: DAY * 1000, secure: false, sameSite: 'lax' },
        })
      },
    ),

  '@fastify/secure-session': () =>
    serve(
      {
        login: ({ session }) => session.set('value', valueOf(0)),
        read: ({ session }) => session.get('value'),
        count: ({ session }) => {
          const value = session.get('value')
          session.set('value', { ...value, n: value.n + 1 })
          return value.n + 1
        },
      },
      (app) =>
        app.register(secureSession, {
          key: Buffer.alloc(32, SECRET),
          cookie: { path: '/', maxAge: DAY, sameSite: 'lax' },
        }),
    ),
}
