import http from 'node:http'
import { Readable } from 'node:stream'
import express from 'express'
import type { ErrorRequestHandler, Request, Response } from 'express'
import express4 from 'express4'
import { createExpressAdapter } from '../../../src/adapters/express.ts'
import { sessionOf } from '../sessions.ts'
import { running } from './client.ts'
import { codeOf, isRedirect } from './exchange.ts'
import type { Application, Serve } from './exchange.ts'

/** What Express 4 and 5 have in common here. */
type Framework = () => ReturnType<typeof express>

/** Both majors, by their names. */
export const EXPRESS: ReadonlyMap<string, Framework> = new Map<string, Framework>([
  ['Express 5', express],
  ['Express 4', express4 as unknown as Framework],
])

async function answer<V>(
  application: Application<V>,
  request: Request,
  response: Response,
): Promise<void> {
  const outcome = await application({
    path: request.path,
    session: sessionOf(request),
    get status() {
      return response.statusCode
    },
    set status(status: number) {
      response.status(status)
    },
    header: (name, value) => response.append(name, value),
  })
  if (typeof outcome === 'string') return void response.send(outcome)
  if (isRedirect(outcome)) return response.redirect(outcome.location)
  response.flushHeaders()
  if (typeof outcome === 'function') return void response.end(await outcome())
  Readable.from(outcome).pipe(response)
}

// Express knows a handler of errors by its four parameters.
const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (!response.headersSent) response.status(500)
  response.end(codeOf(error))
}

/** The Express adapter on a framework. */
export const serveExpress =
  (framework: Framework): Serve =>
  (manager, application, options) => {
    const app = framework()
    app.use(createExpressAdapter(manager, options))
    app.use((request, response, next) => {
      answer(application, request, response).catch(next)
    })
    app.use(answerError)
    return running(http.createServer(app))
  }
