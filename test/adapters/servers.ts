import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo, Server as NetServer } from 'node:net'
import { createFetchAdapter } from '../../src/adapters/fetch.ts'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import type { NodeRequest, NodeResponse } from '../../src/adapters/node.ts'
import { isSessionError } from '../../src/core/errors.ts'
import type { SessionManager } from '../../src/manager/session-manager.ts'
import type { RequestSession, RequestSessionOptions } from '../../src/request.ts'

/** What an application sees of one request, whatever the server. */
export interface Exchange<V> {
  readonly path: string
  readonly session: RequestSession<V>
  /** Status of the answer. Default: 200. */
  status: number
  /** Appends a header to the answer. */
  readonly header: (name: string, value: string) => void
}

/** Gives the body, or a function that gives it once the headers are gone. */
export type Application<V> = (exchange: Exchange<V>) => Promise<string | (() => Promise<string>)>

/** A client's view of an answer. */
export interface Reply {
  readonly status: number
  readonly body: string
  readonly setCookies: readonly string[]
  readonly header: (name: string) => string | undefined
}

/** A server that is running, and a client of it. */
export interface Running {
  /** Asks for `path` with these `Cookie` headers. */
  readonly ask: (path: string, ...cookies: string[]) => Promise<Reply>
  readonly close: () => Promise<void>
}

/** Starts a server with `application` on it. What it throws is answered with status 500 and its code. */
export type Serve = <V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options?: RequestSessionOptions,
) => Promise<Running>

function codeOf(error: unknown): string {
  if (isSessionError(error)) return error.code
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** A node request and response that the adapter and this file use alike, of HTTP/1.1 or HTTP/2. */
interface NodeExchange {
  readonly request: NodeRequest & { readonly url?: string | undefined }
  readonly response: NodeResponse & {
    statusCode: number
    appendHeader(name: string, value: string): unknown
    writeHead(status: number): unknown
    end(text: string): unknown
  }
}

function nodeListener<V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options: RequestSessionOptions | undefined,
): (request: NodeExchange['request'], response: NodeExchange['response']) => void {
  const sessionOf = createNodeAdapter(manager, options)
  async function answer({ request, response }: NodeExchange): Promise<string> {
    const outcome = await application({
      path: request.url ?? '/',
      session: sessionOf(request, response),
      get status() {
        return response.statusCode
      },
      set status(status: number) {
        response.statusCode = status
      },
      header: (name, value) => response.appendHeader(name, value),
    })
    if (typeof outcome === 'string') return outcome
    response.writeHead(response.statusCode)
    return outcome()
  }
  return (request, response) => {
    answer({ request, response })
      .catch((error: unknown) => {
        if (!response.headersSent) response.statusCode = 500
        return codeOf(error)
      })
      .then((text) => response.end(text))
      .catch(() => {})
  }
}

async function listen(server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function askHttp(port: number, path: string, cookies: readonly string[]): Promise<Reply> {
  const headers: http.OutgoingHttpHeaders = cookies.length > 0 ? { cookie: [...cookies] } : {}
  const request = http.get({ host: '127.0.0.1', port, path, headers, agent: false })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk)
  return {
    status: response.statusCode ?? 0,
    body,
    setCookies: response.headers['set-cookie'] ?? [],
    header: (name) => {
      const value = response.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}

function running(server: http.Server, port: number): Running {
  return {
    ask: (path, ...cookies) => askHttp(port, path, cookies),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The node adapter on `node:http`. */
export const serveNode: Serve = async (manager, application, options) => {
  const server = http.createServer(nodeListener(manager, application, options))
  return running(server, await listen(server))
}

async function askHttp2(
  client: http2.ClientHttp2Session,
  path: string,
  cookies: readonly string[],
): Promise<Reply> {
  // One field for each cookie, as browsers split them (RFC 9113 §8.2.3).
  const stream = client.request({
    ':path': path,
    ...(cookies.length > 0 && { cookie: [...cookies] }),
  })
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  let body = ''
  for await (const chunk of stream.setEncoding('utf8')) body += String(chunk)
  return {
    status: Number(headers[':status']),
    body,
    setCookies: headers['set-cookie'] ?? [],
    header: (name) => headers[name]?.toString(),
  }
}

/** The node adapter on `node:http2` without TLS, through its compatibility API. */
export const serveHttp2: Serve = async (manager, application, options) => {
  const server = http2.createServer(nodeListener(manager, application, options))
  const client = http2.connect(`http://127.0.0.1:${await listen(server)}`)
  return {
    ask: (path, ...cookies) => askHttp2(client, path, cookies),
    close: async () => {
      client.close()
      await once(client, 'close')
      server.close()
      await once(server, 'close')
    },
  }
}

/** A body that is asked for only when somebody reads it, and so after the headers are gone. */
function lateBody(give: () => Promise<string>): ReadableStream {
  return new ReadableStream(
    {
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode(await give().catch(codeOf)))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

function fetchHandler<V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options: RequestSessionOptions | undefined,
): (request: Request) => Promise<Response> {
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
    const body = typeof outcome === 'string' ? outcome : lateBody(outcome)
    return new Response(body, { status: exchange.status, headers })
  })
  return (request) =>
    handler(request).catch((error: unknown) => new Response(codeOf(error), { status: 500 }))
}

/** The fetch adapter, called with `Request` objects and no server. */
export const serveFetch: Serve = (manager, application, options) => {
  const handle = fetchHandler(manager, application, options)
  const ask = async (path: string, ...cookies: string[]): Promise<Reply> => {
    const headers = cookies.length > 0 ? { cookie: cookies.join('; ') } : {}
    const response = await handle(new Request(`http://127.0.0.1${path}`, { headers }))
    return {
      status: response.status,
      body: await response.text(),
      setCookies: response.headers.getSetCookie(),
      header: (name) => response.headers.get(name) ?? undefined,
    }
  }
  return Promise.resolve({ ask, close: () => Promise.resolve() })
}

/** The fetch adapter on `node:http`, as the servers of fetch-style frameworks call it. */
export const serveFetchOverHttp: Serve = async (manager, application, options) => {
  const handle = fetchHandler(manager, application, options)
  const server = http.createServer((request, response) => {
    void bridge(handle, request, response)
  })
  return running(server, await listen(server))
}

async function bridge(
  handle: (request: Request) => Promise<Response>,
  { url = '/', headers: { cookie } }: http.IncomingMessage,
  outgoing: http.ServerResponse,
): Promise<void> {
  const headers = cookie === undefined ? {} : { cookie }
  const response = await handle(new Request(`http://127.0.0.1${url}`, { headers }))
  outgoing.statusCode = response.status
  outgoing.setHeaders(response.headers)
  outgoing.flushHeaders()
  for await (const chunk of response.body ?? []) outgoing.write(chunk)
  outgoing.end()
}
