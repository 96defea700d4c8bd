import http from 'node:http'
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { RedirectStatusCode, StatusCode } from 'hono/utils/http-status'
import { createHonoAdapter } from '../../../src/adapters/hono.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import type { RequestSession } from '../../../src/request.ts'
import type { NamedSessionOptions } from '../../../src/request/adapter-options.ts'
import { running } from './client.ts'
import { codeOf, isRedirect, webBody } from './exchange.ts'
import type { Application, Serve } from './exchange.ts'
import { bridge, calling } from './fetch.ts'

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

function createApp<V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options: NamedSessionOptions | undefined,
): Hono<Env<V>> {
  const app = new Hono<Env<V>>()
  app.use(createHonoAdapter(manager, options))
  app.all('*', (c) => answer(application, c))
  app.onError((error, c) => c.text(codeOf(error), 500))
  return app
}

/** The Hono adapter, called with `Request` objects and no server. */
export const serveHono: Serve = (manager, application, options) => {
  const app = createApp(manager, application, options)
  return Promise.resolve(calling(async (request) => app.fetch(request)))
}

/** The Hono adapter on `node:http`. */
export const serveHonoOverHttp: Serve = (manager, application, options) => {
  const app = createApp(manager, application, options)
  return running(
    http.createServer((request, response) => {
      void bridge(async (incoming) => app.fetch(incoming), request, response)
    }),
  )
}
