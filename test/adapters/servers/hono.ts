import { Hono } from 'hono'
import type { Context } from 'hono'
import type { RedirectStatusCode, StatusCode } from 'hono/utils/http-status'
import { createHonoAdapter } from '../../../src/adapters/hono.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import type { RequestSession } from '../../../src/request.ts'
import type { NamedSessionOptions } from '../../../src/request/adapter-options.ts'
import { codeOf, isRedirect, webBody } from './exchange.ts'
import type { Application } from './exchange.ts'
import type { FetchHandler } from './fetch.ts'

interface Env<V> {
  Variables: { session: RequestSession<V> }
}

async function answer<V>(application: Application<V>, c: Context<Env<V>>): Promise<Response> {
  let status = 200
  const outcome = await application({
    path: c.req.path,
    session: c.var.session,
    get status() {
      return status
    },
    set status(next: number) {
      status = next
      c.status(next as StatusCode)
    },
    header: (name, value) => c.header(name, value, { append: true }),
  })
  if (typeof outcome === 'string') return c.text(outcome)
  if (isRedirect(outcome)) return c.redirect(outcome.location, 302 satisfies RedirectStatusCode)
  return c.body(webBody(outcome))
}

/** The Hono adapter. */
export function honoHandler<V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options?: NamedSessionOptions,
): FetchHandler {
  const app = new Hono<Env<V>>()
  app.use(createHonoAdapter(manager, options))
  app.all('*', (c) => answer(application, c))
  app.onError((error, c) => c.text(codeOf(error), 500))
  return async (request) => app.fetch(request)
}
