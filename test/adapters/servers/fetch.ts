import http from 'node:http'
import { createFetchAdapter } from '../../../src/adapters/fetch.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import type { NamedSessionOptions } from '../../../src/request/adapter-options.ts'
import { running } from './client.ts'
import { asking, codeOf, isRedirect, webBody } from './exchange.ts'
import type { Application, Head, Running, Sent, Serve } from './exchange.ts'

/** What a server of fetch calls. */
export type FetchHandler = (request: Request) => Promise<Response>

/** Makes the handler of a framework with an application in it. */
export type MakeHandler = <V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options?: NamedSessionOptions,
) => FetchHandler

/** The fetch adapter. */
export function fetchHandler<V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options?: NamedSessionOptions,
): FetchHandler {
  const handler = createFetchAdapter(
    manager,
    options,
  )(async (request: Request, session) => {
    const headers = new Headers()
    const exchange = {
      path: new URL(request.url).pathname,
      session,
      status: 200,
      header: (name: string, value: string) => headers.append(name, value),
    }
    const outcome = await application(exchange)
    if (typeof outcome !== 'string' && isRedirect(outcome)) {
      return Response.redirect(new URL(outcome.location, request.url), 302)
    }
    const body = typeof outcome === 'string' ? outcome : webBody(outcome)
    return new Response(body, { status: exchange.status, headers })
  })
  return (request) =>
    handler(request).catch((error: unknown) => new Response(codeOf(error), { status: 500 }))
}

function calling(handle: FetchHandler): Running {
  const send = async (path: string, sent: Sent): Promise<Head> => {
    const { method = 'GET', cookies = [], signal = null } = sent
    const headers = cookies.length > 0 ? { cookie: cookies.join('; ') } : {}
    const aborted = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new Error('aborted')))
    })
    const request = new Request(`http://127.0.0.1${path}`, { method, headers, signal })
    const response = await Promise.race([handle(request), aborted])
    return {
      status: response.status,
      setCookies: response.headers.getSetCookie(),
      header: (name) => response.headers.get(name) ?? undefined,
      text: () => (method === 'HEAD' ? Promise.resolve('') : response.text()),
    }
  }
  return asking(send, () => Promise.resolve())
}

/** A handler of fetch, called with `Request` objects and no server. */
export function byCalls(make: MakeHandler): Serve {
  return (manager, application, options) =>
    Promise.resolve(calling(make(manager, application, options)))
}

/** A handler of fetch on `node:http`, as the servers of fetch-style frameworks call it. */
export function overHttp(make: MakeHandler): Serve {
  return (manager, application, options) => {
    const handle = make(manager, application, options)
    return running(
      http.createServer((request, response) => {
        void bridge(handle, request, response)
      }),
    )
  }
}

/** Answers a request of `node:http` with a handler of fetch. */
async function bridge(
  handle: (request: Request) => Promise<Response>,
  { url = '/', method = 'GET', headers: { cookie } }: http.IncomingMessage,
  outgoing: http.ServerResponse,
): Promise<void> {
  const headers = cookie === undefined ? {} : { cookie }
  const response = await handle(new Request(`http://127.0.0.1${url}`, { method, headers }))
  outgoing.statusCode = response.status
  outgoing.setHeaders(response.headers)
  outgoing.flushHeaders()
  if (method !== 'HEAD') for await (const chunk of response.body ?? []) outgoing.write(chunk)
  outgoing.end()
}
