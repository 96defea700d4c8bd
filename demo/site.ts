import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createNodeAdapter } from '../src/adapters/node.ts'
import type { RequestSession, Session, SessionManager } from '../src/index.ts'
import { BackendError, SessionConflictError, SessionGoneError } from '../src/index.ts'
import { deviceOf } from './device.ts'
import { readForm, RefusedError } from './form.ts'
import { accountPage, doorPage, noticePage, shopPage } from './pages.ts'
import type { Frame } from './pages.ts'
import { FIRST_VISIT, withProduct } from './shop.ts'
import type { Visit } from './shop.ts'
import type { User, Users } from './users.ts'

/** What a route works with. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly session: RequestSession<Visit>
}

type Route = (exchange: Exchange) => Promise<void>

const STYLES = readFileSync(new URL('styles.css', import.meta.url))
const WRONG = 'That name and password do not go together.'

/** Makes the request handler of the demo. */
export function createSite(
  sessions: SessionManager<Visit>,
  users: Users,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const sessionOf = createNodeAdapter(sessions)

  /** What the page shows, with the flash message, which is taken out of the session on the way. */
  async function frameOf(session: RequestSession<Visit>): Promise<Frame> {
    const loaded = await session.load()
    if (loaded === undefined) return { user: undefined, visit: FIRST_VISIT }
    const user = loaded.subject === undefined ? undefined : users.byId(loaded.subject)
    const { flash } = loaded.value
    if (flash !== undefined) await session.update(withoutFlash)
    return { user, visit: loaded.value, flash }
  }

  async function needUser(
    session: RequestSession<Visit>,
  ): Promise<{ loaded: Session<Visit>; user: User }> {
    const loaded = await session.load()
    const user = loaded?.subject === undefined ? undefined : users.byId(loaded.subject)
    if (loaded === undefined || user === undefined)
      throw new SessionGoneError('nobody is logged in')
    return { loaded, user }
  }

  async function enter(
    { request, response, session }: Exchange,
    user: User,
    flash: string,
  ): Promise<void> {
    const labels = { device: deviceOf(request.headers['user-agent']) }
    await session.bind(user.id, FIRST_VISIT, { labels })
    await session.update((visit = FIRST_VISIT) => ({ ...visit, flash }))
    redirect(response, '/account')
  }

  async function door(kind: 'login' | 'signup', exchange: Exchange): Promise<void> {
    const form = await readForm(exchange.request)
    const name = (form.get('name') ?? '').trim()
    const password = form.get('password') ?? ''
    const problem = problemOf(kind, name, password)
    const user = problem === undefined ? await users[kind](name, password) : undefined
    if (user !== undefined)
      return enter(exchange, user, kind === 'login' ? 'Welcome back.' : 'Welcome.')
    const text = problem ?? (kind === 'login' ? WRONG : 'Somebody has that name already.')
    send(exchange.response, 422, doorPage(kind, await frameOf(exchange.session), text))
  }

  async function changeCart({ request, response, session }: Exchange, step: 1 | -1): Promise<void> {
    const product = (await readForm(request)).get('product') ?? ''
    await session.update((visit = FIRST_VISIT) => withProduct(visit, product, step))
    redirect(response, '/#cart')
  }

  const routes: Readonly<Record<string, Route>> = {
    'GET /': async ({ response, session }) => send(response, 200, shopPage(await frameOf(session))),

    'GET /login': async ({ response, session }) =>
      send(response, 200, doorPage('login', await frameOf(session))),

    'GET /signup': async ({ response, session }) =>
      send(response, 200, doorPage('signup', await frameOf(session))),

    'POST /login': (exchange) => door('login', exchange),
    'POST /signup': (exchange) => door('signup', exchange),

    'POST /count': async ({ request, response, session }) => {
      await readForm(request)
      await session.update((visit = FIRST_VISIT) => ({ ...visit, count: visit.count + 1 }))
      redirect(response, '/')
    },

    'POST /cart/add': (exchange) => changeCart(exchange, 1),
    'POST /cart/remove': (exchange) => changeCart(exchange, -1),

    'GET /account': async ({ response, session }) => {
      const { loaded, user } = await needUser(session)
      const devices = await sessions.list(user.id)
      send(response, 200, accountPage(await frameOf(session), devices, loaded.handle ?? ''))
    },

    'POST /devices/revoke': async ({ request, response, session }) => {
      const handle = (await readForm(request)).get('handle') ?? ''
      const { user } = await needUser(session)
      // A handle is no secret: only one of the user's own may be ended with it.
      const own = (await sessions.list(user.id)).some((device) => device.handle === handle)
      if (own) await sessions.clearHandle(handle)
      await session.update((visit) => visit && { ...visit, flash: 'That device is logged out.' })
      redirect(response, '/account')
    },

    'POST /logout': async ({ request, response, session }) => {
      await readForm(request)
      await session.clear()
      redirect(response, '/')
    },

    'POST /logout-everywhere': async ({ request, response, session }) => {
      await readForm(request)
      const { user } = await needUser(session)
      await sessions.clearSubject(user.id)
      await session.clear()
      redirect(response, '/')
    },

    'GET /styles.css': async ({ response }) => {
      response.setHeader('Cache-Control', 'public, max-age=300')
      response.setHeader('Content-Type', 'text/css; charset=utf-8')
      response.end(STYLES)
    },
  }

  return async (request, response) => {
    const path = request.url?.split('?')[0] ?? '/'
    const method = request.method === 'HEAD' ? 'GET' : request.method
    secure(response)
    try {
      const route = Object.hasOwn(routes, `${method} ${path}`)
        ? routes[`${method} ${path}`]
        : undefined
      if (route === undefined) throw unknown(routes, path)
      await route({ request, response, session: sessionOf(request, response) })
    } catch (error) {
      answerError(response, error)
    }
  }
}

function withoutFlash(visit: Visit | undefined): Visit | undefined {
  if (visit?.flash === undefined) return undefined
  const { flash: _said, ...rest } = visit
  return rest
}

function problemOf(kind: 'login' | 'signup', name: string, password: string): string | undefined {
  if (name === '' || name.length > 40) return 'A name has 1 to 40 characters.'
  if (password.length > 200) return 'A password has at most 200 characters.'
  if (kind === 'signup' && password.length < 8) return 'A password has at least 8 characters.'
  return undefined
}

function unknown(routes: Readonly<Record<string, Route>>, path: string): RefusedError {
  const known = ['GET', 'POST'].some((method) => Object.hasOwn(routes, `${method} ${path}`))
  return known
    ? new RefusedError(405, 'That cannot be done here.')
    : new RefusedError(404, 'There is nothing here.')
}

function secure(response: ServerResponse): void {
  // Pages show what is in the session: no cache keeps them, and the back button asks again.
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  )
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Referrer-Policy', 'same-origin')
}

function send(response: ServerResponse, status: number, page: string): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.end(page)
}

function redirect(response: ServerResponse, to: string): void {
  response.statusCode = 303
  response.setHeader('Location', to)
  response.end()
}

function answerError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  if (error instanceof SessionGoneError) return redirect(response, '/login')
  if (error instanceof RefusedError) {
    if (error.status === 413) response.setHeader('Connection', 'close')
    return send(response, error.status, noticePage('Not like this', error.message))
  }
  if (error instanceof SessionConflictError) {
    return send(
      response,
      409,
      noticePage('Once more, please', 'Too much happened at once. Nothing was lost: try again.'),
    )
  }
  console.error(error)
  const outage = error instanceof BackendError
  const text = 'Nothing was lost. Try again in a moment.'
  send(
    response,
    outage ? 503 : 500,
    noticePage(outage ? 'Closed for a moment' : 'Something broke', text),
  )
}
