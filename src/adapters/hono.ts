/**
 * Sessions for Hono 4 and 3.
 *
 * @module `sojourn/adapters/hono`
 */
import type { SessionManager } from '../manager/session-manager.ts'
import { checkNamedOptions } from '../request/adapter-options.ts'
import type { NamedSessionOptions } from '../request/adapter-options.ts'
import { withHead } from '../request/fetch-head.ts'
import { withSession } from '../request/fetch-session.ts'

/** The part of a Hono `Context` that is read and called. */
export interface HonoContextLike {
  readonly req: { readonly raw: { readonly headers: Headers } }
  readonly finalized: boolean
  get res(): Response
  set res(response: Response | undefined)
  get(key: string): unknown
  set(key: string, value: unknown): void
}

/** A middleware that puts the session among the variables of the context. */
export type HonoMiddleware = (context: HonoContextLike, next: () => Promise<void>) => Promise<void>

/**
 * Makes the middleware of a manager: handlers after it find a `RequestSession` at `c.var.session`. It waits for
 * nothing before them. When they are done its headers go on a copy of the response, also of one that Hono makes of an
 * error; after that, writes reject with `HeadersSentError`.
 *
 * Where something else has the name `session`, requests end with a TypeError: see the option `property`.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { createSessionManager } from 'sojourn'
 * import type { RequestSessionOf } from 'sojourn'
 * import { createHonoAdapter } from 'sojourn/adapters/hono'
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 *
 * const sessions = createSessionManager<{ visits: number }>({ backend: createMemoryBackend() })
 *
 * const app = new Hono<{ Variables: { session: RequestSessionOf<typeof sessions> } }>()
 * app.use(createHonoAdapter(sessions))
 * app.get('/', async (c) => {
 *   const value = await c.var.session.update(({ visits } = { visits: 0 }) => ({ visits: visits + 1 }))
 *   return c.text(`visit ${value?.visits}`)
 * })
 * ```
 */
export function createHonoAdapter<V, I = V>(
  manager: SessionManager<V, I>,
  options: NamedSessionOptions = {},
): HonoMiddleware {
  const checked = checkNamedOptions('createHonoAdapter', options)
  const { property } = checked
  return (context, next) => {
    const place = {
      get: () => context.get(property),
      set: (session: object) => context.set(property, session),
    }
    return withSession(manager, context.req.raw.headers, place, checked, next, (head) => {
      if (context.finalized) replace(context, withHead(context.res, head))
    })
  }
}

/** Hono merges the headers of a response into the next one, and would undo what was put beside them. */
function replace(context: HonoContextLike, response: Response): void {
  context.res = undefined
  context.res = response
}
