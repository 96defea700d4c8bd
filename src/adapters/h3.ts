/**
 * Sessions for h3 1 and 2, and for what is built on them: Nitro, Nuxt.
 *
 * @module `sojourn/adapters/h3`
 */
import type { SessionManager } from '../manager/session-manager.ts'
import { attachSession, checkNamedOptions } from '../request/adapter-options.ts'
import type { NamedSessionOptions } from '../request/adapter-options.ts'
import { FetchHead } from '../request/fetch-head.ts'
import { withSession } from '../request/fetch-session.ts'
import type { SessionPlace } from '../request/fetch-session.ts'
import { NodeHead } from '../request/node-head.ts'
import type { NodeResponse } from '../request/node-head.ts'
import { createNodeSessions } from '../request/node-session.ts'
import type { NodeRequest } from '../request/node-session.ts'

/** The part of an `H3Event` of h3 1 that is read. */
export interface H3NodeEvent {
  readonly context: object
  readonly node: { readonly req: NodeRequest; readonly res: NodeResponse }
}

/** The part of an `H3Event` of h3 2 that is read. */
export interface H3WebEvent {
  readonly context: object
  readonly req: { readonly headers: Headers }
  readonly res: { readonly headers: Headers; readonly errHeaders: Headers }
}

/** What each major calls. */
export interface H3Calls {
  (event: H3WebEvent, next: () => unknown): Promise<unknown>
  (event: H3NodeEvent): undefined
}

/** An event handler of h3 1, and a middleware of h3 2, that puts the session on the event's context. */
export interface H3Middleware extends H3Calls {
  readonly __is_handler__: true
}

/**
 * Makes the event handler of a manager, for `app.use`: those after it find a `RequestSession` at `event.context.session`.
 * It waits for nothing before them and answers nothing. Its headers go with what they return, and with what h3 makes of
 * an error.
 *
 * With h3 1 the headers go on the response when a write is done, as those of `sojourn/adapters/node` do. With h3 2
 * they are put beside the others when the handlers are done; after that, writes reject with `HeadersSentError`.
 *
 * Where something else is at `event.context.session`, requests end with a TypeError: see the option `property`.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 * @example
 * ```ts
 * import { H3 } from 'h3'
 * import { createSessionManager } from 'sojourn'
 * import type { RequestSessionOf } from 'sojourn'
 * import { createH3Adapter } from 'sojourn/adapters/h3'
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 *
 * const sessions = createSessionManager<{ visits: number }>({ backend: createMemoryBackend() })
 *
 * declare module 'h3' {
 *   interface H3EventContext {
 *     session: RequestSessionOf<typeof sessions>
 *   }
 * }
 *
 * const app = new H3()
 * app.use(createH3Adapter(sessions))
 * app.get('/', async (event) => {
 *   const value = await event.context.session.update(({ visits } = { visits: 0 }) => ({ visits: visits + 1 }))
 *   return `visit ${value?.visits}`
 * })
 * ```
 */
export function createH3Adapter<V, I = V>(
  manager: SessionManager<V, I>,
  options: NamedSessionOptions = {},
): H3Middleware {
  const checked = checkNamedOptions('createH3Adapter', options)
  const { property } = checked
  const sessionOf = createNodeSessions(manager, checked)
  // h3 2 calls a function of two parameters with what comes next; h3 1 goes on by itself.
  function handle(event: H3WebEvent | H3NodeEvent, next?: () => unknown): unknown {
    const context = event.context as Record<string, unknown>
    if (next === undefined || !('res' in event)) {
      const { req, res } = (event as H3NodeEvent).node
      return attachSession(context, property, sessionOf(req, new NodeHead(res)))
    }
    const place: SessionPlace<FetchHead> = {
      get: () => context[property],
      set: (session) => {
        context[property] = session
      },
      createHead: () => new FetchHead(),
      end: (head, body, error) => putOn(event, head, body ?? error),
    }
    return withSession(manager, event.req.headers, place, checked, next)
  }
  const marks: Pick<H3Middleware, '__is_handler__'> = { __is_handler__: true }
  return Object.assign(handle as H3Calls, marks)
}

/** h3 puts the headers of an event over those of a response, and others over those of an error. */
function putOn({ res }: H3WebEvent, head: FetchHead, outcome: unknown): void {
  // The answer to a handshake is known by what it is: h3 would make another one to put headers on.
  if (isObject(outcome) && 'crossws' in outcome) return
  const own =
    isObject(outcome) && outcome['headers'] instanceof Headers ? outcome['headers'] : undefined
  for (const headers of [res.headers, res.errHeaders]) {
    head.putOn(headers, headers.get('vary') ?? own?.get('vary'))
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
