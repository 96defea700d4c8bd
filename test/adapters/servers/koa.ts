import http from 'node:http'
import { Readable } from 'node:stream'
import Koa from 'koa'
import type { Context } from 'koa'
import Koa2 from 'koa2'
import { createKoaAdapter } from '../../../src/adapters/koa.ts'
import { sessionOf } from '../sessions.ts'
import { running } from './client.ts'
import { codeOf, isRedirect } from './exchange.ts'
import type { Application, Running, Serve } from './exchange.ts'

/** What Koa 2 and 3 have in common here. */
export type Framework = typeof Koa

/** Both majors, by their names. */
export const KOA: ReadonlyMap<string, Framework> = new Map<string, Framework>([
  ['Koa 3', Koa],
  ['Koa 2', Koa2 as unknown as Framework],
])

async function answer<V>(application: Application<V>, context: Context): Promise<void> {
  context.status = 200
  const outcome = await application({
    path: context.path,
    session: sessionOf(context),
    get status() {
      return context.status
    },
    set status(status: number) {
      context.status = status
    },
    header: (name, value) => context.append(name, value),
  })
  if (typeof outcome === 'string') context.body = outcome
  else if (isRedirect(outcome)) context.redirect(outcome.location)
  else if (typeof outcome === 'function') {
    context.flushHeaders()
    context.body = await outcome()
  } else context.body = Readable.from(outcome)
}

/** A server for an application of either. */
export function runKoa(app: Koa): Promise<Running> {
  const handle = app.callback()
  return running(http.createServer((request, response) => void handle(request, response)))
}

/** The Koa adapter on a framework. */
export const serveKoa =
  (framework: Framework): Serve =>
  (manager, application, options) => {
    const app = new framework()
    app.use(async (context, next) => {
      try {
        await next()
      } catch (error) {
        context.status = 500
        context.body = codeOf(error)
      }
    })
    app.use(createKoaAdapter(manager, options))
    app.use((context) => answer(application, context))
    return runKoa(app)
  }
