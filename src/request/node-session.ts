import type { SessionManager } from '../manager/session-manager.ts'
import { createRequestSession } from '../request.ts'
import { createNodeHead } from './node-head.ts'
import type { NodeResponse } from './node-head.ts'
import type { RequestSession, RequestSessionOptions, ResponseHead } from './request-session.ts'

/** The part of `IncomingMessage` and `Http2ServerRequest` that is read. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Gives the session of a request of Node: the same one, however often and by which adapter of a manager it is asked for. */
export type NodeSessions<V, I> = (
  request: NodeRequest,
  response: NodeResponse,
  createHead?: (response: NodeResponse) => ResponseHead,
) => RequestSession<V, I>

/** Makes what an adapter gets the sessions of its requests from. */
export function createNodeSessions<V, I>(
  manager: SessionManager<V, I>,
  options: RequestSessionOptions,
): NodeSessions<V, I> {
  const known = sessionsOf(manager)
  return (request, response, createHead = createNodeHead) => {
    let session = known.get(request)
    if (session === undefined) {
      session = createRequestSession(manager, request.headers, createHead(response), options)
      known.set(request, session)
    }
    return session
  }
}

// By manager and not by adapter: two adapters of one manager must not make two sessions for one request.
const managers = new WeakMap<object, WeakMap<NodeRequest, unknown>>()

function sessionsOf<V, I>(
  manager: SessionManager<V, I>,
): WeakMap<NodeRequest, RequestSession<V, I>> {
  const known = managers.get(manager) ?? new WeakMap<NodeRequest, unknown>()
  managers.set(manager, known)
  return known as WeakMap<NodeRequest, RequestSession<V, I>>
}
