import { createServer } from 'node:http'
import { getIronSession } from 'iron-session'
import { createNodeAdapter } from '../../dist/adapters/node.js'
import { floors, onNode } from './floor.mjs'
import { createCookieManager, createManager, visitsOf } from './manager.mjs'
import { countOf, DAY, nameOf, NONE, SECRET, valueOf } from './value.mjs'

/** A server of four paths. */
function serve(visits) {
  const handle = async (request, response) => {
    const answer = await answerOf(visits, request, response)
    const body = JSON.stringify(answer)
    response.setHeader('Content-Type', 'application/json')
    response.setHeader('Content-Length', body.length)
    response.end(body)
  }
  return createServer((request, response) => {
    handle(request, response).catch((error) => response.destroy(error))
  })
}

async function answerOf(visits, request, response) {
  switch (request.url) {
    case '/read':
      return nameOf(await visits.read(request, response))
    case '/count':
      return countOf(await visits.count(request, response))
    case '/login':
      await visits.login(request, response)
      return NONE
    default:
      return NONE
  }
}

const withManager = (manager, options) => serve(visitsOf(createNodeAdapter(manager), options))

const constant = valueOf(0)

/** The servers on `node:http`. */
export const node = {
  bare: () => serve({ login: async () => {}, read: async () => constant, count: async () => 1 }),

  ...floors(onNode, serve),

  sojourn: (store) => withManager(createManager(store.backend())),
  'sojourn (cookie)': () => withManager(createCookieManager(), { unversioned: true }),

  'iron-session': () => {
    const options = {
      cookieName: 'iron',
      password: SECRET,
      ttl: DAY,
      cookieOptions: { secure: false },
    }
    const sessionOf = (request, response) => getIronSession(request, response, options)
    const save = async (session, value) => {
      Object.assign(session, value)
      await session.save()
      return value.n
    }
    return serve({
      login: async (request, response) => save(await sessionOf(request, response), valueOf(0)),
      read: sessionOf,
      count: async (request, response) => {
        const session = await sessionOf(request, response)
        return save(session, { n: session.n + 1 })
      },
    })
  },
}
