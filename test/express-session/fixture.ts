import { createRequire } from 'node:module'
import type express from 'express'
import type request from 'supertest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import session from '../../src/express-session.ts'
import type { SessionOptions, SessionStore } from '../../src/express-session.ts'

const load = createRequire(import.meta.url)

/** Both majors of Express. */
export const EXPRESS = {
  'Express 5': load('express') as typeof express,
  'Express 4': load('express4') as typeof express,
} as const

/** A place to keep sessions in: a new one each time. */
export const PLACES: Readonly<Record<string, () => NonNullable<SessionOptions['store']>>> = {
  backend: () => createMemoryBackend(),
  store: () => new session.MemoryStore(),
}

/** Options that leave out what a test does not care about. */
export const SOME = { secret: 'keyboard cat', resave: false, saveUninitialized: false } as const

/** A session whose data may be anything. */
export interface AnySession {
  id: string
  cookie: any
  destroy(callback: (error?: any) => void): unknown
  regenerate(callback: (error?: any) => void): unknown
  reload(callback: (error?: any) => void): unknown
  save(callback: (error?: any) => void): unknown
  touch(): unknown
  resetMaxAge(): unknown
  [key: string]: any
}

/** What a handler of these tests gets. */
export type Handler = (
  req: Omit<express.Request, 'session'> & { session: AnySession },
  res: express.Response,
  next: express.NextFunction,
) => void

/** An application with the drop-in and `routes`, by path; each answers every method. */
export function appOf(
  options: Partial<SessionOptions>,
  routes: Readonly<Record<string, Handler>>,
  version: keyof typeof EXPRESS = 'Express 5',
): express.Express {
  const app = EXPRESS[version]()
  app.set('env', 'test')
  app.use(session({ ...SOME, ...options }))
  for (const [path, handler] of Object.entries(routes)) app.all(path, handler as never)
  app.use(((error: Error, _req: unknown, res: express.Response, next: (error: Error) => void) => {
    if (res.headersSent) return next(error)
    res.send(error.message)
  }) as express.ErrorRequestHandler)
  return app
}

/** Routes that most tests need. */
export const ROUTES: Readonly<Record<string, Handler>> = {
  '/none': (_req, res) => void res.send('none'),
  '/set/:key/:value': (req, res) => {
    req.session[String(req.params['key'])] = req.params['value']
    res.send('set')
  },
  '/all': (req, res) => void res.json({ ...req.session, cookie: undefined }),
  '/id': (req, res) => void res.send(req.sessionID),
  '/out': (req, res, next) =>
    void req.session.destroy((error) => (error ? next(error) : res.send('bye'))),
}

/** The `Set-Cookie` lines of an answer. */
export function cookiesOf(answer: request.Response): readonly string[] {
  return (answer.headers['set-cookie'] as unknown as string[] | undefined) ?? []
}

/** What a client sends back of the first cookie that an answer sets. */
export function sentBack(answer: request.Response): string {
  return cookiesOf(answer)[0]?.split(';')[0] ?? ''
}

/** A step of a test that waits until it is let go. */
export interface Hold {
  /** Resolves when somebody waits. */
  readonly reached: Promise<void>
  readonly wait: () => Promise<void>
  readonly release: () => void
}

/** Makes a place where a handler waits. */
export function createHold(): Hold {
  let release = (): void => {}
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  const open = new Promise<void>((resolve) => (release = resolve))
  return { reached, release: () => release(), wait: () => (reach(), open) }
}

/** A memory store whose `set` fails while `broken`. */
export function createBreakableStore(): SessionStore & { broken: boolean } {
  const store = new session.MemoryStore() as SessionStore & { broken: boolean }
  const set = store.set.bind(store)
  store.broken = false
  store.set = (sid, data, callback) => {
    if (store.broken) process.nextTick(callback ?? (() => {}), new Error('the disk is full'))
    else set(sid, data, callback)
  }
  return store
}
