/**
 * Sessions for Express 4 and 5, and for what runs its middleware: Connect, NestJS on Express.
 *
 * @module `sojourn/adapters/express`
 */
import type { SessionManager } from '../manager/session-manager.ts'
import { attachSession, checkNamedOptions } from '../request/adapter-options.ts'
import type { NamedSessionOptions } from '../request/adapter-options.ts'
import { NodeHead } from '../request/node-head.ts'
import type { NodeResponse } from '../request/node-head.ts'
import { createNodeSessions } from '../request/node-session.ts'
import type { NodeRequest } from '../request/node-session.ts'

/** A middleware that puts the session on the request. */
export type ExpressMiddleware = (
  request: NodeRequest,
  response: NodeResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Makes the middleware of a manager: handlers after it find a `RequestSession` at `request.session`. It waits for
 * nothing and answers nothing. Its headers go on the response when a write is done, as those of
 * `sojourn/adapters/node` do, and stay there when a handler throws afterwards.
 *
 * Where something else is at `request.session`, requests end with a TypeError: see the option `property`.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 * @example
 * ```ts
 * import express from 'express'
 * import { createSessionManager } from 'sojourn'
 * import type { RequestSessionOf } from 'sojourn'
 * import { createExpressAdapter } from 'sojourn/adapters/express'
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 *
 * const sessions = createSessionManager<{ visits: number }>({ backend: createMemoryBackend() })
 *
 * declare global {
 *   namespace Express {
 *     interface Request {
 *       session: RequestSessionOf<typeof sessions>
 *     }
 *   }
 * }
 *
 * const app = express()
 * app.use(createExpressAdapter(sessions))
 * app.get('/', async (request, response) => {
 *   const value = await request.session.update(({ visits } = { visits: 0 }) => ({ visits: visits + 1 }))
 *   response.send(`visit ${value?.visits}`)
 * })
 * ```
 */
export function createExpressAdapter<V, I = V>(
  manager: SessionManager<V, I>,
  options: NamedSessionOptions = {},
): ExpressMiddleware {
  const { property, ...checked } = checkNamedOptions('createExpressAdapter', options)
  const sessionOf = createNodeSessions(manager, checked)
  return (request, response, next) => {
    try {
      attachSession(request, property, sessionOf(request, new NodeHead(response)))
    } catch (error) {
      next(error)
      return
    }
    next()
  }
}
