import type { SessionManager } from '../manager/session-manager.ts'
import { createRequestSession } from '../request.ts'
import type { RequestSession, RequestSessionOptions, ResponseHead } from './request-session.ts'

/** The part of `IncomingMessage` and `Http2ServerRequest` that is read. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Gives the session of a request of Node: the same one, however often and by which adapter of a manager it is asked for. */
export type NodeSessions<V, I> = (request: NodeRequest, head: ResponseHead) => RequestSession<V, I>

/**
 * Makes what an adapter gets the sessions of its requests from.
 *
 * @throws TypeError for what is no manager: a backend, most likely.
 */
export function createNodeSessions<V, I>(
  manager: SessionManager<V, I>,
  options: RequestSessionOptions,
): NodeSessions<V, I> {
  if (typeof manager !== 'object' || manager === null || !('fromHeaders' in manager)) {
    throw new TypeError('an adapter needs a session manager, as createSessionManager makes it')
  }
  const place = placeOf(manager)
  return (request, head) => {
    const made = request as NodeRequest & Record<symbol, RequestSession<V, I> | undefined>
    return (made[place] ??= createRequestSession(manager, request.headers, head, options))
  }
}

// On the request, by manager and not by adapter: two adapters of one manager must not make two sessions for one request.
// A WeakMap of requests would be the dearest part of a request that never looks at its session.
const places = new WeakMap<object, symbol>()

function placeOf(manager: object): symbol {
  const place = places.get(manager) ?? Symbol('sojourn session')
  places.set(manager, place)
  return place
}
