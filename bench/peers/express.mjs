import { createServer } from 'node:http'
import cookieSession from 'cookie-session'
import express from 'express'
import expressSession from 'express-session'
import { createExpressAdapter } from '../../dist/adapters/express.js'
import { floors, onNode } from './floor.mjs'
import { createManager, visitsOf } from './manager.mjs'
import { countOf, DAY, nameOf, NONE, SECRET, valueOf } from './value.mjs'

function serve(visits, middleware) {
  const app = express()
  app.disable('x-powered-by').disable('etag')
  if (middleware !== undefined) app.use(middleware)
  app.get('/none', (_request, response) => response.json(NONE))
  app.get('/read', async (request, response) =>
    response.json(nameOf(await visits.read(request, response))),
  )
  app.get('/count', async (request, response) =>
    response.json(countOf(await visits.count(request, response))),
  )
  app.get('/login', async (request, response) => {
    await visits.login(request, response)
    response.json(NONE)
  })
  return createServer(app)
}

const constant = valueOf(0)

/** Libraries that give the request a `session` to write into, and save it by themselves. */
const assigned = {
  login: ({ session }) => void Object.assign(session, valueOf(0)),
  read: ({ session }) => session,
  count: ({ session }) => ++session.n,
}

/** The servers on Express. */
export const expressServers = {
  bare: () => serve({ login: () => {}, read: () => constant, count: () => 1 }),

  ...floors(onNode, serve),

  sojourn: (store) =>
    serve(
      visitsOf(({ session }) => session),
      createExpressAdapter(createManager(store.backend())),
    ),

  'express-session': (store) =>
    serve(
      assigned,
      expressSession({
        store: store.express(),
        secret: SECRET,
        resave: false,
        saveUninitialized: false,
        cookie: { maxAge: DAY * 1000, sameSite: 'lax' },
      }),
    ),

  'cookie-session': () =>
    serve(assigned, cookieSession({ name: 'cs', keys: [SECRET], maxAge: DAY * 1000 })),
}
