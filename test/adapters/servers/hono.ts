import { Hono } from 'hono'
import { Hono as Hono3 } from 'hono3'
import type { Context } from 'hono'
import type { RedirectStatusCode, StatusCode } from 'hono/utils/http-status'
import { createHonoAdapter } from '../../../src/adapters/hono.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import type { RequestSession } from '../../../src/request.ts'
import type { NamedSessionOptions } from '../../../src/request/adapter-options.ts'
import { codeOf, isRedirect, webBody } from './exchange.ts'
import type { Application } from './exchange.ts'
import type { MakeHandler } from './fetch.ts'

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

function handlerOf(Framework: typeof Hono): MakeHandler {
  return <V>(
    manager: SessionManager<V>,
    application: Application<V>,
    options?: NamedSessionOptions,
  ) => {
    const app = new Framework<Env<V>>()
    app.use('*', createHonoAdapter(manager, options))
    app.all('*', (c) => answer(application, c))
    app.onError((error, c) => c.text(codeOf(error), 500))
    return async (request) => app.fetch(request)
  }
}

/** The Hono adapter on Hono 4. */
export const honoHandler = handlerOf(Hono)

/** The Hono adapter on Hono 3, of which no more is called than both have. */
export const hono3Handler = handlerOf(Hono3 as unknown as typeof Hono)
