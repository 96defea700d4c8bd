import http from 'node:http'
import { Readable } from 'node:stream'
import { H3, HTTPResponse, redirect } from 'h3'
import type { H3Event } from 'h3'
import * as v1 from 'h3v1'
import type { H3Event as H3v1Event } from 'h3v1'
import { createH3Adapter } from '../../../src/adapters/h3.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import type { NamedSessionOptions } from '../../../src/request/adapter-options.ts'
import { sessionOf } from '../sessions.ts'
import { running } from './client.ts'
import { codeOf, isRedirect, webBody } from './exchange.ts'
import type { Application, Serve } from './exchange.ts'
import type { FetchHandler } from './fetch.ts'

async function answer<V>(application: Application<V>, event: H3Event): Promise<unknown> {
  const outcome = await application({
    path: event.url.pathname,
    session: sessionOf(event.context),
    get status() {
      return event.res.status ?? 200
    },
    set status(status: number) {
      event.res.status = status
    },
    header: (name, value) => event.res.headers.append(name, value),
  })
  if (typeof outcome === 'string') return outcome
  return isRedirect(outcome) ? redirect(outcome.location) : webBody(outcome)
}

/** The h3 adapter on h3 2. */
export function h3Handler<V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options?: NamedSessionOptions,
): FetchHandler {
  const onError = (error: Error & { cause?: unknown }): HTTPResponse =>
    new HTTPResponse(codeOf(error.cause ?? error), { status: 500 })
  const app = new H3({ silent: true, onError })
  app.use(createH3Adapter(manager, options))
  app.all('/**', (event) => answer(application, event))
  return async (request) => app.request(request)
}

async function answer1<V>(application: Application<V>, event: H3v1Event): Promise<unknown> {
  const outcome = await application({
    path: event.path,
    session: sessionOf(event.context),
    get status() {
      return v1.getResponseStatus(event)
    },
    set status(status: number) {
      v1.setResponseStatus(event, status)
    },
    header: (name, value) => v1.appendResponseHeader(event, name, value),
  })
  if (typeof outcome === 'string') return outcome
  if (isRedirect(outcome)) return v1.sendRedirect(event, outcome.location)
  if (typeof outcome !== 'function') return v1.sendStream(event, Readable.from(outcome))
  event.node.res.flushHeaders()
  event.node.res.end(await outcome().catch(codeOf))
  return undefined
}

/** The h3 adapter on h3 1 and `node:http`. */
export const serveH3v1: Serve = (manager, application, options) => {
  const app = v1.createApp()
  app.use(createH3Adapter(manager, options))
  app.use(
    v1.eventHandler((event) =>
      answer1(application, event).catch((error: unknown) => {
        v1.setResponseStatus(event, 500)
        return codeOf(error)
      }),
    ),
  )
  return running(http.createServer(v1.toNodeListener(app)))
}
