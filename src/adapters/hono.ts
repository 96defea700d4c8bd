/**
 * Sessions for Hono 4 and 3.
 *
 * @module `sojourn/adapters/hono`
 */
import type { HeaderField, SessionManager } from '../manager/session-manager.ts'
import { checkNamedOptions } from '../request/adapter-options.ts'
import type { NamedSessionOptions } from '../request/adapter-options.ts'
import { FetchHead, withHead } from '../request/fetch-head.ts'
import { withSession } from '../request/fetch-session.ts'
import type { SessionPlace } from '../request/fetch-session.ts'

/** The part of a Hono `Context` that is read and called. */
export interface HonoContextLike {
  readonly req: { readonly raw: { readonly headers: Headers } }
  readonly finalized: boolean
  header(name: string, value: string, options?: { append?: boolean }): void
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
  return (context, next) => {
    const place = new HonoPlace(context, checked.property)
    return withSession(manager, context.req.raw.headers, place, checked, next)
  }
}

/** The variable of the context, and its response. */
class HonoPlace implements SessionPlace<HonoHead> {
  readonly #context: HonoContextLike
  readonly #property: string

  constructor(context: HonoContextLike, property: string) {
    this.#context = context
    this.#property = property
  }

  get(): unknown {
    return this.#context.get(this.#property)
  }

  set(session: object): void {
    this.#context.set(this.#property, session)
  }

  createHead(): HonoHead {
    return new HonoHead(this.#context)
  }

  end(head: HonoHead): void {
    const context = this.#context
    if (!context.finalized || head.isOn(context.res.headers)) return
    const response = withHead(context.res, head)
    // Hono merges the headers of a response into the next one, and would undo what was put beside them.
    context.res = undefined
    context.res = response
  }
}

// Where the application had said so first.
const TWICE = /^(.*(?:\bcookie\b|\*).*), Cookie$/i

/**
 * `Vary` goes to Hono before there is a response, which puts it on each that it makes itself: then one that is only to have
 * that need not be copied, which costs more than all the rest. Cookies do not: what is inside the middleware may keep what it sees.
 */
class HonoHead extends FetchHead {
  readonly #context: HonoContextLike

  constructor(context: HonoContextLike) {
    super()
    this.#context = context
  }

  override write(fields: readonly HeaderField[]): void {
    if (!this.written() && !this.#context.finalized) {
      this.#context.header('Vary', 'Cookie', { append: true })
    }
    super.write(fields)
  }

  override isOn(headers: Headers): boolean {
    return super.isOn(headers) && !TWICE.test(headers.get('vary') ?? '')
  }

  override putOn(headers: Headers): void {
    super.putOn(headers, headers.get('vary')?.replace(TWICE, '$1'))
  }
}
