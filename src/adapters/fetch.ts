/**
 * Sessions for servers that turn a `Request` into a `Response`: Bun, Deno, Hono, workers, route handlers.
 *
 * @module `sojourn/adapters/fetch`
 */
import type { Awaitable } from '../core/backend.ts'
import type { SessionManager } from '../manager/session-manager.ts'
import { createRequestSession } from '../request.ts'
import type { RequestSession, RequestSessionOptions } from '../request.ts'
import { checkAdapterOptions } from '../request/adapter-options.ts'
import { FetchHead, withHead } from '../request/fetch-head.ts'

/** The part of a `Request` that this adapter reads. */
export interface FetchRequest {
  readonly headers: { get(name: string): string | null }
}

/** A handler that also gets the request's session. */
export type SessionHandler<V, Req extends FetchRequest, Rest extends unknown[], I = V> = (
  request: Req,
  session: RequestSession<V, I>,
  ...rest: Rest
) => Awaitable<Response>

/** Wraps a handler into one that the server calls: what it was given beside the request is handed on. */
export type FetchAdapter<V, I = V> = <Req extends FetchRequest, Rest extends unknown[]>(
  handler: SessionHandler<V, Req, Rest, I>,
) => (request: Req, ...rest: Rest) => Promise<Response>

/**
 * Makes the adapter of a manager. The session's headers go on a copy of the response that the handler
 * returns; its body is not touched, and a `Response` that is handed out many times stays clean. After
 * that, writes reject with `HeadersSentError`. A handler that throws sends no header: what it wrote before is
 * stored, and a key it rotated is lost with the cookie. Answer errors inside the handler.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 * @example
 * ```ts
 * import type { SessionManager } from 'sojourn'
 * import { createFetchAdapter } from 'sojourn/adapters/fetch'
 *
 * declare const sessions: SessionManager<number>
 * const withSession = createFetchAdapter(sessions)
 *
 * export default {
 *   fetch: withSession(async (_request: Request, session) => {
 *     return new Response(`visit ${await session.update((n = 0) => n + 1)}`)
 *   }),
 * }
 * ```
 */
export function createFetchAdapter<V, I = V>(
  manager: SessionManager<V, I>,
  options: RequestSessionOptions = {},
): FetchAdapter<V, I> {
  const checked = checkAdapterOptions('createFetchAdapter', options)
  return (handler) =>
    async (request, ...rest) => {
      const head = new FetchHead()
      const session = createRequestSession(manager, request.headers, head, checked)
      try {
        return withHead(await handler(request, session, ...rest), head)
      } finally {
        head.close()
      }
    }
}
