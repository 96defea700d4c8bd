/**
 * Sessions for Hono 4 and 3.
 *
 * @module `sojourn/adapters/hono`
 */
import { varyWithCookie } from '../http/vary.ts'
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
 * nothing before them. Its headers go on what Hono makes, of an error too, and on a copy of a response that the
 * application has made itself. When the handlers are done, writes reject with `HeadersSentError`.
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
 * What is written before there is a response goes to Hono, which puts it on each that it makes itself, as it does with what
 * `setCookie` of Hono writes: a response that has all of it need not be copied, and a copy costs more than all the rest.
 */
class HonoHead extends FetchHead {
  readonly #context: HonoContextLike
  /** The cookies that Hono has been given. */
  readonly #given: string[] = []

  constructor(context: HonoContextLike) {
    super()
    this.#context = context
  }

  override write(fields: readonly HeaderField[]): void {
    const isFirst = this.written().length === 0
    super.write(fields)
    const context = this.#context
    if (context.finalized) return
    if (isFirst) context.header('Vary', 'Cookie', { append: true })
    // Hono cannot be told to take one of its cookies back: what comes later goes on a copy.
    if (this.#given.length > 0) return
    for (const [name, value] of fields) {
      if (name === 'Set-Cookie') {
        this.#given.push(value)
        context.header(name, value, { append: true })
      } else if (name === 'Cache-Control') context.header(name, value)
    }
  }

  /** Whether `headers` have all that was written, and of cookies no more: of a session that was only read, `Vary`. */
  isOn(headers: Headers): boolean {
    const vary = headers.get('vary') ?? undefined
    if (TWICE.test(vary ?? '') || varyWithCookie(vary) !== undefined) return false
    const written = this.written().filter(([name]) => name !== 'Vary')
    if (written.length === 0) return true
    const [given, cookies] = [this.#given, headers.getSetCookie()]
    const isThere = ([name, value]: HeaderField): boolean =>
      name === 'Set-Cookie'
        ? given.includes(value) && cookies.includes(value)
        : headers.get(name) === value
    const own = written.filter(([name]) => name === 'Set-Cookie')
    return own.length === given.length && written.every(isThere)
  }

  override putOn(headers: Headers): void {
    if (this.#given.length > 0) {
      const others = headers.getSetCookie().filter((line) => !this.#given.includes(line))
      headers.delete('Set-Cookie')
      for (const line of others) headers.append('Set-Cookie', line)
    }
    super.putOn(headers, headers.get('vary')?.replace(TWICE, '$1'))
  }
}
