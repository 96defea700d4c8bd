import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createGuard } from '../src/adapters/guard.ts'
import { createNodeAdapter } from '../src/adapters/node.ts'
import {
  BackendError,
  CrossSiteRequestError,
  SessionConflictError,
  SessionGoneError,
} from '../src/index.ts'
import type { SessionManager } from '../src/index.ts'
import { accountRoutes } from './account-routes.ts'
import { seeOther } from './answer.ts'
import type { Answer, Route } from './answer.ts'
import { assertForm, readForm, RefusedError } from './form.ts'
import { noticePage } from './layout.ts'
import { shopRoutes } from './shop-routes.ts'
import type { Visit } from './shop.ts'
import type { Users } from './users.ts'

const STYLES = readFileSync(new URL('styles.css', import.meta.url), 'utf8')
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  // Pages show what is in a session. No cache keeps them, so the back button after a logout asks again.
  'Cache-Control': 'no-store',
}

/** Makes the request handler of the demo. */
export function createSite(
  sessions: SessionManager<Visit>,
  users: Users,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const sessionOf = createNodeAdapter(sessions)
  // Forms come from browsers, which say from which page. Strict, since the login is a form too, and needs no cookie.
  const guard = createGuard({ strict: true })
  const routes = new Map<string, Route>([
    ...Object.entries(shopRoutes(users)),
    ...Object.entries(accountRoutes(sessions, users)),
    ['GET /styles.css', () => ({ styles: STYLES })],
  ])

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
    const [path = '/', query] = (request.url ?? '').split('?')
    const route = routes.get(`${method} ${path}`)
    if (route === undefined) throw refusalOf(routes, path, response)
    const session = sessionOf(request, response)
    const asked = { request, session }
    if (method === 'GET') return route({ ...asked, fields: new URLSearchParams(query) })
    await guard.assert(request)
    assertForm(request)
    // The form was made for the session that there is now. Should that one end while the form is still coming in,
    // the write fails, and nothing begins a session in its place.
    await session.load()
    return route({ ...asked, fields: await readForm(request) })
  }

  return async (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    try {
      send(response, await answer(request, response))
    } catch (error) {
      // A client that has gone wants no answer.
      if (!response.destroyed) send(response, answerOf(error, response))
    }
  }
}

function refusalOf(
  routes: ReadonlyMap<string, Route>,
  path: string,
  response: ServerResponse,
): RefusedError {
  const methods = ['GET', 'POST'].filter((method) => routes.has(`${method} ${path}`))
  if (methods.length === 0) return new RefusedError(404, 'There is nothing at this address.')
  response.setHeader('Allow', methods.join(', ').replace('GET', 'GET, HEAD'))
  return new RefusedError(405, 'This address does not do that.')
}

function answerOf(error: unknown, response: ServerResponse): Answer {
  if (error instanceof RefusedError) {
    // Whatever is still left of a form that is too long is not read.
    if (error.status === 413) response.setHeader('Connection', 'close')
    return { status: error.status, page: noticePage(error.title, error.message) }
  }
  if (error instanceof CrossSiteRequestError) {
    const text = 'That form was not sent from a page of this site.'
    return { status: 403, page: noticePage('Not from here', text) }
  }
  // Logged out or expired while this request was under way.
  if (error instanceof SessionGoneError) return seeOther('/login?note=ended')
  if (error instanceof SessionConflictError) {
    const page = noticePage('Once more, please', 'Too much happened at once. Nothing was changed.')
    return { status: 409, page }
  }
  console.error(error)
  if (error instanceof BackendError) {
    // An outage is not a logout: the cookie stays as it is, and the session is there again afterwards.
    response.setHeader('Retry-After', '5')
    const page = noticePage('Closed for a moment', 'Your cart is safe. Try again in a moment.')
    return { status: 503, page }
  }
  return { status: 500, page: noticePage('Something broke', 'It is not your fault.') }
}

function send(response: ServerResponse, answer: Answer): void {
  if ('seeOther' in answer) {
    response.writeHead(303, { Location: answer.seeOther }).end()
  } else if ('styles' in answer) {
    const headers = { 'Content-Type': 'text/css; charset=utf-8', 'Cache-Control': 'max-age=60' }
    response.writeHead(200, headers).end(answer.styles)
  } else {
    response.writeHead(answer.status ?? 200, { 'Content-Type': 'text/html; charset=utf-8' })
    response.end(answer.page)
  }
}
