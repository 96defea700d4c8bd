// A process of a site that is on its way from express-session to a backend: `kind` says how far it has come, `engine`
// where sessions are. It loads what it needs for that, and serves until it is told to go.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type express from 'express'
import type theirs from 'express-session'
import type { SessionBackend } from '../../src/index.ts'
import type { AnySession } from './fixture.ts'

/** What a process has open. */
interface Opened {
  readonly store: theirs.Store
  readonly openBackend: () => Promise<SessionBackend>
  readonly close: () => Promise<unknown>
}

type StoreClass = new (options: object) => theirs.Store
type Handler = (
  req: express.Request & { session: AnySession },
  res: express.Response,
  next: express.NextFunction,
) => void

const load = createRequire(import.meta.url)
const COMMON = {
  secret: 'keyboard cat',
  resave: false,
  saveUninitialized: false,
  cookie: { maxAge: 600_000 },
}

async function onRedis(Store: StoreClass, url: string, prefix: string): Promise<Opened> {
  const { createClient } = await import('redis')
  const client = await createClient({ url }).connect()
  return {
    store: new Store({ client, prefix: `${prefix}sess:` }),
    openBackend: async () => {
      const { createRedisBackend } = await import('../../src/backends/redis.ts')
      return createRedisBackend(client, { prefix })
    },
    close: async () => client.destroy(),
  }
}

async function onPostgres(connectionString: string, schemaName: string): Promise<Opened> {
  const { Pool } = await import('pg')
  const pool = new Pool({ connectionString, max: 2 })
  const simple = load('connect-pg-simple') as (from: unknown) => StoreClass
  const Store = simple(load('express-session'))
  return {
    store: new Store({ pool, schemaName, tableName: 'session', pruneSessionInterval: false }),
    openBackend: async () => {
      const { createPostgresBackend } = await import('../../src/backends/postgres.ts')
      return createPostgresBackend(pool, { table: `${schemaName}.sojourn` })
    },
    close: () => pool.end(),
  }
}

async function open(engine: string, url: string, place: string): Promise<Opened> {
  if (engine === 'connect-pg-simple') return onPostgres(url, place)
  if (engine === 'connect-redis 9') {
    const { RedisStore } = await import('connect-redis')
    return onRedis(RedisStore as StoreClass, url, place)
  }
  const { default: RedisStore7 } = load('connect-redis7') as { readonly default: StoreClass }
  return onRedis(RedisStore7, url, place)
}

type Middleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

async function middlewareOf(kind: string, { store, openBackend }: Opened): Promise<Middleware> {
  if (kind === 'express-session') {
    return (load('express-session') as typeof theirs)({ ...COMMON, store }) as Middleware
  }
  const { default: session } = await import('../../src/express-session.ts')
  const backend = await openBackend()
  if (kind === 'after') return session({ ...COMMON, backend })
  const compat = kind === 'upgrade' ? 'upgrade' : 'shared'
  return session({ ...COMMON, store, backend, compat })
}

const ROUTES: Readonly<Record<string, Handler>> = {
  '/login/:user': (req, res, next) =>
    void req.session.regenerate((error) => {
      if (error) return next(error)
      req.session['user'] = req.params['user']
      res.redirect('/')
    }),
  '/set/:key/:value': (req, res) => {
    req.session[String(req.params['key'])] = req.params['value']
    res.send('set')
  },
  '/who': (req, res) => void res.send(String(req.session['user'])),
  '/all': (req, res) => void res.json(Object.assign({}, req.session, { cookie: undefined })),
  '/out': (req, res, next) =>
    void req.session.destroy((error) => (error ? next(error) : res.send('bye'))),
  '/process': (_req, res) => void res.send(String(process.pid)),
}

const [kind = '', engine = '', url = '', place = ''] = process.argv.slice(2)
const opened = await open(engine, url, place)
const app = (load('express') as typeof express)()
app.use(await middlewareOf(kind, opened))
for (const [path, handler] of Object.entries(ROUTES)) app.all(path, handler as never)
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log('ready')
console.log((server.address() as AddressInfo).port)
// The word to go, or the end of whoever would have said it.
await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end')])
process.stdin.destroy()
server.close()
server.closeAllConnections()
await opened.close()
