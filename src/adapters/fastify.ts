/**
 * Sessions for Fastify 4 and 5.
 *
 * @module `sojourn/adapters/fastify`
 */
import type { HeaderField, SessionManager } from '../manager/session-manager.ts'
import type { ResponseHead } from '../request.ts'
import { checkNamedOptions } from '../request/adapter-options.ts'
import type { NamedSessionOptions } from '../request/adapter-options.ts'
import { NodeHead } from '../request/node-head.ts'
import type { NodeResponse } from '../request/node-head.ts'
import { createNodeSessions } from '../request/node-session.ts'
import type { NodeRequest } from '../request/node-session.ts'

/** The part of a `FastifyRequest` that is read. */
export interface FastifyRequestLike {
  readonly raw: NodeRequest
}

/** The part of a `FastifyReply` that is called. */
export interface FastifyReplyLike {
  readonly raw: NodeResponse
  getHeader(name: string): number | string | string[] | undefined
  removeHeader(name: string): unknown
  header(name: string, value: unknown): unknown
}

/** The part of a `FastifyInstance` that is called. */
export interface FastifyLike {
  decorateRequest(property: string, value: null): unknown
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike, done: () => void) => void,
  ): unknown
}

/** A plugin that decorates requests with the session. */
export type FastifyPlugin = (
  instance: FastifyLike,
  options: object,
  done: (error?: Error) => void,
) => void

/**
 * Makes the plugin of a manager: `request` is decorated with a `RequestSession`, `request.session`, from its `onRequest`
 * hook on. It decorates the instance that it is registered on and those below it, as plugins made with
 * `fastify-plugin` do; register it on an encapsulated instance, and its siblings have no session.
 *
 * The headers go on the reply when a write is done, beside what is there, and on what a hijacked reply is written to.
 * What the application sets later is its own affair: `reply.header` adds to `Set-Cookie`, and replaces `Vary` and
 * `Cache-Control`.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { createSessionManager } from 'sojourn'
 * import type { RequestSessionOf } from 'sojourn'
 * import { createFastifyAdapter } from 'sojourn/adapters/fastify'
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 *
 * const sessions = createSessionManager<{ visits: number }>({ backend: createMemoryBackend() })
 *
 * declare module 'fastify' {
 *   interface FastifyRequest {
 *     session: RequestSessionOf<typeof sessions>
 *   }
 * }
 *
 * const app = fastify()
 * app.register(createFastifyAdapter(sessions))
 * app.get('/', async (request) => {
 *   const value = await request.session.update(({ visits } = { visits: 0 }) => ({ visits: visits + 1 }))
 *   return `visit ${value?.visits}`
 * })
 * ```
 */
export function createFastifyAdapter<V, I = V>(
  manager: SessionManager<V, I>,
  options: NamedSessionOptions = {},
): FastifyPlugin {
  const { property, ...checked } = checkNamedOptions('createFastifyAdapter', options)
  const sessionOf = createNodeSessions(manager, checked)
  const plugin: FastifyPlugin = (instance, _options, done) => {
    try {
      instance.decorateRequest(property, null)
    } catch (error) {
      // What a plugin with a callback throws, Fastify leaves uncaught.
      done(error as Error)
      return
    }
    instance.addHook('onRequest', (request, reply, next) => {
      const named = request as unknown as Record<string, unknown>
      named[property] = sessionOf(request.raw, new ReplyHead(reply))
      next()
    })
    done()
  }
  return Object.assign(plugin, MARKS)
}

// What `fastify-plugin` marks a function with: the decorator is for the instance that registers the plugin.
const MARKS = {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'sojourn',
  [Symbol.for('plugin-meta')]: { name: 'sojourn', fastify: '>=4' },
}

/**
 * The reply's head and that of the response below it, where a hijacked reply takes its headers from. All else takes them
 * from the reply, which then replaces those.
 */
class ReplyHead implements ResponseHead {
  readonly #reply: FastifyReplyLike
  #heads: readonly NodeHead[] | undefined

  constructor(reply: FastifyReplyLike) {
    this.#reply = reply
  }

  sent(): boolean {
    return this.#reply.raw.headersSent
  }

  write(fields: readonly HeaderField[]): void {
    const reply = this.#reply
    this.#heads ??= [new NodeHead(new ReplyResponse(reply)), new NodeHead(reply.raw)]
    for (const head of this.#heads) head.write(fields)
  }
}

/** A reply as a response. */
class ReplyResponse implements NodeResponse {
  readonly #reply: FastifyReplyLike

  constructor(reply: FastifyReplyLike) {
    this.#reply = reply
  }

  get headersSent(): boolean {
    return this.#reply.raw.headersSent
  }

  getHeader(name: string): number | string | string[] | undefined {
    return this.#reply.getHeader(name)
  }

  setHeader(name: string, value: string | readonly string[]): void {
    const reply = this.#reply
    if (name === 'Set-Cookie' && reply.getHeader(name) !== undefined) {
      // `reply.header` adds to a `Set-Cookie` that is there, and `removeHeader` takes it from the response below, too.
      const below = reply.raw.getHeader(name)
      reply.removeHeader(name)
      if (typeof below === 'string' || typeof below === 'object') reply.raw.setHeader(name, below)
    }
    reply.header(name, value)
  }
}
