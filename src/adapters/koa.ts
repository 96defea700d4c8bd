/**
 * Sessions for Koa 2 and 3.
 *
 * @module `sojourn/adapters/koa`
 */
import type { SessionManager } from '../manager/session-manager.ts'
import type { RequestSession } from '../request.ts'
import { attachSession, checkNamedOptions } from '../request/adapter-options.ts'
import type { NamedSessionOptions } from '../request/adapter-options.ts'
import { varyWithCookie } from '../http/vary.ts'
import { mergeFields } from '../request/fields.ts'
import type { Fields } from '../request/fields.ts'
import { NodeHead } from '../request/node-head.ts'
import type { NodeResponse } from '../request/node-head.ts'
import { createNodeSessions } from '../request/node-session.ts'
import type { NodeRequest } from '../request/node-session.ts'

/** The part of a Koa context that is read and called. */
export interface KoaContextLike {
  readonly req: NodeRequest
  readonly res: NodeResponse
  onerror(error: Error): void
}

/** A middleware that puts the session on the context. */
export type KoaMiddleware<V, I = V> = (
  context: KoaContextLike & { session: RequestSession<V, I> },
  next: () => Promise<unknown>,
) => Promise<unknown>

/**
 * Makes the middleware of a manager: those after it find a `RequestSession` at `ctx.session`. It waits for nothing and
 * answers nothing. Its headers go on the response when a write is done, as those of `sojourn/adapters/node` do.
 *
 * When an error reaches Koa, Koa takes all headers off the response but those that the error asks for. The session's are
 * among these for as long as Koa makes its answer, so that a login or a new key is not lost with the request.
 *
 * Where something else is at `ctx.session`, requests end with a TypeError: see the option `property`.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createSessionManager } from 'sojourn'
 * import { createKoaAdapter } from 'sojourn/adapters/koa'
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 *
 * const sessions = createSessionManager<{ visits: number }>({ backend: createMemoryBackend() })
 *
 * new Koa().use(createKoaAdapter(sessions)).use(async (ctx) => {
 *   const value = await ctx.session.update(({ visits } = { visits: 0 }) => ({ visits: visits + 1 }))
 *   ctx.body = `visit ${value?.visits}`
 * })
 * ```
 */
export function createKoaAdapter<V, I = V>(
  manager: SessionManager<V, I>,
  options: NamedSessionOptions = {},
): KoaMiddleware<V, I> {
  const { property, ...checked } = checkNamedOptions('createKoaAdapter', options)
  const sessionOf = createNodeSessions(manager, checked)
  return async (context, next) => {
    const { req, res } = context
    attachSession(context, property, sessionOf(req, new KoaHead(context, res)))
    return next()
  }
}

/** A head whose fields Koa leaves on its answer to an error. */
class KoaHead extends NodeHead {
  readonly #context: KoaContextLike
  #kept: Fields = []

  constructor(context: KoaContextLike, response: NodeResponse) {
    super(response)
    this.#context = context
  }

  override write(fields: Fields): void {
    super.write(fields)
    if (this.#kept.length === 0) answerErrorsWith(this.#context, () => this.#kept)
    this.#kept = mergeFields(this.#kept, fields)
  }
}

/**
 * The error gets its headers for the moment in which Koa reads them, and out of sight of what shows errors: an error may be
 * one object that is thrown for many requests, and the cookie is a secret.
 */
function answerErrorsWith(context: KoaContextLike, kept: () => Fields): void {
  const answer = context.onerror.bind(context)
  const onerror = (error: Error): void => {
    if (!(error instanceof Error)) return answer(error)
    const own = Object.getOwnPropertyDescriptor(error, 'headers')
    const { headers } = error as { readonly headers?: object }
    const value = besideAsked({ ...headers }, kept())
    const placed = Reflect.defineProperty(error, 'headers', { value, configurable: true })
    try {
      answer(error)
    } finally {
      if (placed && own !== undefined) Object.defineProperty(error, 'headers', own)
      else if (placed) Reflect.deleteProperty(error, 'headers')
    }
  }
  Object.assign(context, { onerror })
}

/** The headers that an error asks for, with the session's beside them. */
function besideAsked(headers: Record<string, unknown>, fields: Fields): Record<string, unknown> {
  for (const [name, value] of fields) {
    const asked = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase())
    const there = asked === undefined ? [] : [headers[asked] as string | string[]].flat()
    if (asked !== undefined) delete headers[asked]
    if (name === 'Set-Cookie') headers[name] = [...there, value]
    else if (name === 'Vary') headers[name] = varyWithCookie(there.join(', ')) ?? there.join(', ')
    else headers[name] = value
  }
  return headers
}
