import { createServer } from 'node:http'
import Koa from 'koa'
import koaSession from 'koa-session'
import { createKoaAdapter } from '../../dist/adapters/koa.js'
import { floors } from './floor.mjs'
import { createManager, visitsOf } from './manager.mjs'
import { countOf, DAY, nameOf, NONE, SECRET, valueOf } from './value.mjs'

function serve(visits, use) {
  const app = new Koa()
  use?.(app)
  app.use(async (context) => {
    context.body = await answerOf(visits, context)
  })
  const answer = app.callback()
  return createServer((request, response) => void answer(request, response))
}

async function answerOf(visits, context) {
  switch (context.path) {
    case '/read':
      return nameOf(await visits.read(context))
    case '/count':
      return countOf(await visits.count(context))
    case '/login':
      await visits.login(context)
      return NONE
    default:
      return NONE
  }
}

const constant = valueOf(0)

const assigned = {
  login: (context) => void (context.session = valueOf(0)),
  read: ({ session }) => session,
  count: ({ session }) => ++session.n,
}

const withSession = (options) =>
  serve(assigned, (app) => {
    app.keys = [SECRET]
    app.use(koaSession({ key: 'koa', maxAge: DAY * 1000, sameSite: 'lax', ...options }, app))
  })

/** The servers on Koa. */
export const koa = {
  bare: () => serve({ login: () => {}, read: () => constant, count: () => 1 }),

  ...floors(
    {
      cookieOf: ({ headers }) => headers.cookie,
      setHeader: (name, value, { res }) => res.setHeader(name, value),
    },
    serve,
  ),

  sojourn: (store) =>
    serve(
      visitsOf(({ session }) => session),
      (app) => app.use(createKoaAdapter(createManager(store.backend()))),
    ),

  'koa-session': (store) => {
    const { get, set } = store.floor
    return withSession({
      store: {
        get: async (key) => JSON.parse((await get(key)) ?? 'null'),
        set: (key, value) => set(key, JSON.stringify(value)),
        destroy: () => {},
      },
    })
  },

  'koa-session (cookie)': () => withSession({}),
}
