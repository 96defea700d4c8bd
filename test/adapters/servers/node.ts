import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import { createNodeAdapter } from '../../../src/adapters/node.ts'
import type { NodeRequest, NodeResponse } from '../../../src/adapters/node.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import type { RequestSessionOptions } from '../../../src/request.ts'
import { listen, running } from './client.ts'
import { asking, codeOf, isRedirect } from './exchange.ts'
import type { Application, Head, Sent, Serve } from './exchange.ts'

/** A node request and response that the adapter and this file use alike, of HTTP/1.1 or HTTP/2. */
interface NodeExchange {
  readonly request: NodeRequest & { readonly url?: string | undefined }
  readonly response: NodeResponse & {
    statusCode: number
    appendHeader(name: string, value: string): unknown
    writeHead(status: number): unknown
    write(text: string): unknown
    end(): unknown
    end(text: string): unknown
  }
}

function nodeListener<V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options: RequestSessionOptions | undefined,
): (request: NodeExchange['request'], response: NodeExchange['response']) => void {
  const sessionOf = createNodeAdapter(manager, options)
  async function answer({ request, response }: NodeExchange): Promise<void> {
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
    if (typeof outcome === 'string') return void response.end(outcome)
    if (isRedirect(outcome)) {
      response.setHeader('Location', outcome.location)
      response.writeHead(302)
      return void response.end()
    }
    response.writeHead(response.statusCode)
    if (typeof outcome === 'function') return void response.end(await outcome())
    for await (const piece of outcome) response.write(piece)
    response.end()
  }
  return (request, response) => {
    answer({ request, response }).catch((error: unknown) => {
      if (!response.headersSent) response.statusCode = 500
      response.end(codeOf(error))
    })
  }
}

/** The node adapter on `node:http`. */
export const serveNode: Serve = (manager, application, options) =>
  running(http.createServer(nodeListener(manager, application, options)))

async function send(client: http2.ClientHttp2Session, path: string, sent: Sent): Promise<Head> {
  const { method = 'GET', cookies = [], signal } = sent
  // One field for each cookie, as browsers split them (RFC 9113 §8.2.3).
  const stream = client.request({
    ':path': path,
    ':method': method,
    ...(cookies.length > 0 && { cookie: [...cookies] }),
  })
  signal?.addEventListener('abort', () => stream.destroy(new Error('aborted')))
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  return {
    status: Number(headers[':status']),
    setCookies: headers['set-cookie'] ?? [],
    header: (name) => headers[name]?.toString(),
    text: async () => {
      let body = ''
      for await (const chunk of stream.setEncoding('utf8')) body += String(chunk)
      return body
    },
  }
}

/** The node adapter on `node:http2` without TLS, through its compatibility API. */
export const serveHttp2: Serve = async (manager, application, options) => {
  const server = http2.createServer(nodeListener(manager, application, options))
  const client = http2.connect(`http://127.0.0.1:${await listen(server)}`)
  return asking(
    (path, sent) => send(client, path, sent),
    async () => {
      client.close()
      await once(client, 'close')
      server.close()
      await once(server, 'close')
    },
  )
}
