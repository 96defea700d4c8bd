/**
 * Sessions for `node:http` and whatever hands on its requests and responses.
 *
 * @module `sojourn/adapters/node`
 */
import type { SessionManager } from '../manager/session-manager.ts'
import type { RequestSession, RequestSessionOptions } from '../request.ts'
import { checkAdapterOptions } from '../request/adapter-options.ts'
import { NodeHead } from '../request/node-head.ts'
import type { NodeResponse } from '../request/node-head.ts'
import { createNodeSessions } from '../request/node-session.ts'
import type { NodeRequest } from '../request/node-session.ts'

export type { NodeResponse } from '../request/node-head.ts'
export type { NodeRequest } from '../request/node-session.ts'

/** Gives the session of a request; the same one, however often and by which adapter of a manager it is asked for. */
export type NodeAdapter<V, I = V> = (
  request: NodeRequest,
  response: NodeResponse,
) => RequestSession<V, I>

/**
 * Makes the adapter of a manager. Its headers go on the response when a write is done, beside what is
 * there. What the application sets later is its own affair: `appendHeader` keeps them, while `setHeader` and
 * `writeHead` with `Set-Cookie`, `Vary` or `Cache-Control` replace them.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 * @example
 * ```ts
 * import type { IncomingMessage, ServerResponse } from 'node:http'
 * import type { SessionManager } from 'sojourn'
 * import { createNodeAdapter } from 'sojourn/adapters/node'
 *
 * declare const sessions: SessionManager<number>
 * const session = createNodeAdapter(sessions)
 *
 * export async function count(request: IncomingMessage, response: ServerResponse) {
 *   const visits = await session(request, response).update((n = 0) => n + 1)
 *   response.end(`visit ${visits}`)
 * }
 * ```
 */
export function createNodeAdapter<V, I = V>(
  manager: SessionManager<V, I>,
  options: RequestSessionOptions = {},
): NodeAdapter<V, I> {
  const sessionOf = createNodeSessions(manager, checkAdapterOptions('createNodeAdapter', options))
  return (request, response) => sessionOf(request, new NodeHead(response))
}
