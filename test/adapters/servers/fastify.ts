import { Readable } from 'node:stream'
import fastify from 'fastify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fastify4 from 'fastify4'
import { createFastifyAdapter } from '../../../src/adapters/fastify.ts'
import { sessionOf } from '../sessions.ts'
import { running } from './client.ts'
import { codeOf, isRedirect } from './exchange.ts'
import type { Application, Serve } from './exchange.ts'

/** What Fastify 4 and 5 have in common here. */
export type Framework = typeof fastify

/** Both majors, by their names. */
export const FASTIFY: ReadonlyMap<string, Framework> = new Map<string, Framework>([
  ['Fastify 5', fastify],
  ['Fastify 4', fastify4 as unknown as Framework],
])

async function answer<V>(
  application: Application<V>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const outcome = await application({
    path: request.url,
    session: sessionOf(request),
    get status() {
      return reply.statusCode
    },
    set status(status: number) {
      reply.code(status)
    },
    header: (name, value) => {
      const there = name === 'Set-Cookie' ? undefined : reply.getHeader(name)
      reply.header(name, there === undefined ? value : `${String(there)}, ${value}`)
    },
  })
  if (typeof outcome === 'string') return outcome
  if (isRedirect(outcome)) return reply.redirect(outcome.location)
  if (typeof outcome !== 'function') return reply.send(Readable.from(outcome))
  reply.hijack()
  reply.raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>)
  reply.raw.end(await outcome().catch(codeOf))
  return reply
}

/** The Fastify adapter on a framework. */
export const serveFastify =
  (framework: Framework): Serve =>
  async (manager, application, options) => {
    const app = framework()
    app.register(createFastifyAdapter(manager, options))
    app.setErrorHandler((error, _request, reply) => reply.code(500).send(codeOf(error)))
    app.all('*', (request, reply) => answer(application, request, reply))
    await app.ready()
    return running(app.server)
  }
