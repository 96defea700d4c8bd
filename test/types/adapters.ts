import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { createFetchAdapter } from '../../src/adapters/fetch.ts'
import { createGuard } from '../../src/adapters/guard.ts'
import type { PassReason } from '../../src/adapters/guard.ts'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import type { RefusalReason, RequestSession, SessionManager } from '../../src/index.ts'

declare const sessions: SessionManager<number>

// Requests and responses of Node's servers fit as they are.
const session = createNodeAdapter(sessions)
createServer((request, response) => void session(request, response).load())
createSecureServer((request, response) => void session(request, response).load())
export function ofHttp(request: IncomingMessage, response: ServerResponse): RequestSession<number> {
  return session(request, response)
}
export function ofHttp2(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): RequestSession<number> {
  return session(request, response)
}
declare const webRequest: Request
declare const nodeRequest: IncomingMessage
declare const nodeResponse: ServerResponse
// @ts-expect-error
session(nodeRequest)
// @ts-expect-error
session(nodeResponse, nodeRequest)

// The manager reads headers in every form that servers hand them out.
void sessions.fromHeaders(webRequest.headers)
void sessions.fromHeaders(nodeRequest.headers)
void sessions.fromHeaders('session=value')
void sessions.fromHeaders(null)
// @ts-expect-error
void sessions.fromHeaders(webRequest)
// @ts-expect-error
void sessions.fromHeaders(17)

// A wrapped handler is what servers call: it takes a Request and hands on what comes beside it.
const withSession = createFetchAdapter(sessions)
const plain = withSession(async (request: Request, view) => {
  return new Response(`${request.url} ${await view.update((n = 0) => n + 1)}`)
})
export const handler: (request: Request) => Promise<Response> = plain
const routed = withSession((_request: Request, _view, { id }: { id: string }) => new Response(id))
void routed(webRequest, { id: 'one' })
// @ts-expect-error
void routed(webRequest)
// @ts-expect-error
void routed(webRequest, { id: 1 })
// @ts-expect-error
withSession((_request: Request) => 'no response')
// @ts-expect-error
void plain(nodeRequest)

// A guard takes requests and sessions of both kinds.
const guard = createGuard({ origin: 'https://app.example' })
export async function guarded(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const passed: boolean = await guard.node(request, response, {
    session: session(request, response),
  })
  const verdict = await guard.check(webRequest)
  if (verdict.ok) {
    const reason: PassReason = verdict.reason
    void reason
  } else {
    const reason: RefusalReason = verdict.reason
    // @ts-expect-error
    const passReason: PassReason = verdict.reason
    void [passed, reason, passReason]
  }
  // @ts-expect-error
  void guard.fetch('https://app.example')
  // @ts-expect-error
  createGuard({ origins: ['https://app.example'] })
}
export function guardedHttp2(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): Promise<boolean> {
  return guard.node(request, response)
}
