/**
 * Sessions for `node:http` and whatever hands on its requests and responses.
 *
 * @module `sojourn/adapters/node`
 */
import { varyWithCookie } from '../http/vary.ts'
import type { HeaderField, SessionManager } from '../manager/session-manager.ts'
import { checkRequestOptions, createRequestSession } from '../request.ts'
import type { RequestSession, RequestSessionOptions, ResponseHead } from '../request.ts'

/** The part of `IncomingMessage` and `Http2ServerRequest` that this adapter reads. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** The part of `ServerResponse` and `Http2ServerResponse` that this adapter calls. */
export interface NodeResponse {
  readonly headersSent: boolean
  getHeader(name: string): number | string | readonly string[] | undefined
  setHeader(name: string, value: string | readonly string[]): unknown
}

/** Gives the session of a request; the same one, however often and by which adapter of a manager it is asked for. */
export type NodeAdapter<V> = (request: NodeRequest, response: NodeResponse) => RequestSession<V>

/**
 * Makes the adapter of a manager. Its headers go on the response when a write is done, beside what is
 * there. What the application sets later is its own affair: `appendHeader` keeps them, while `setHeader` and
 * `writeHead` with `Set-Cookie`, `Vary` or `Cache-Control` replace them.
 *
 * @throws TypeError for an option of the wrong type.
 *
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
export function createNodeAdapter<V>(
  manager: SessionManager<V>,
  options: RequestSessionOptions = {},
): NodeAdapter<V> {
  const checked = checkRequestOptions(options)
  const known = sessionsOf(manager)
  return (request, response) => {
    let session = known.get(request)
    if (session === undefined) {
      session = createRequestSession(manager, request.headers, headOf(response), checked)
      known.set(request, session)
    }
    return session
  }
}

// By manager and not by adapter: two adapters of one manager must not make two sessions for one request.
const managers = new WeakMap<object, WeakMap<NodeRequest, unknown>>()

function sessionsOf<V>(manager: SessionManager<V>): WeakMap<NodeRequest, RequestSession<V>> {
  const known = managers.get(manager) ?? new WeakMap<NodeRequest, unknown>()
  managers.set(manager, known)
  return known as WeakMap<NodeRequest, RequestSession<V>>
}

function headOf(response: NodeResponse): ResponseHead {
  let ours: readonly string[] = []

  function writeField([name, value]: HeaderField): void {
    if (name === 'Set-Cookie') return
    if (name !== 'Vary') return void response.setHeader(name, value)
    const vary = varyWithCookie(listOf(response.getHeader('vary')).join(', '))
    if (vary !== undefined) response.setHeader('Vary', vary)
  }

  function write(fields: readonly HeaderField[]): void {
    const lines = fields.filter(([name]) => name === 'Set-Cookie').map(([, line]) => line)
    if (lines.length > 0) {
      const others = listOf(response.getHeader('set-cookie')).filter((line) => !ours.includes(line))
      ours = lines
      response.setHeader('Set-Cookie', [...others, ...lines])
    }
    fields.forEach(writeField)
  }

  return { sent: () => response.headersSent, write }
}

function listOf(value: number | string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'object' ? value : [String(value)]
}
