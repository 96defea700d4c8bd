import express from 'express'
import { createMemoryBackend } from '../../../src/backends/memory.ts'
import { createRedisBackend } from '../../../src/backends/redis.ts'
import type { RedisClient } from '../../../src/backends/redis.ts'
import session, { Cookie, MemoryStore, Store } from '../../../src/express-session.ts'
import type { SessionData, SessionOptions, SessionStore } from '../../../src/express-session.ts'

// As with express-session, but by the name of this package.
declare module '../../../src/express-session.ts' {
  interface SessionData {
    user: string
    cart?: { items: number[] }
  }
}

declare const redis: RedisClient
const app = express()
const options: SessionOptions = {
  secret: ['new', Buffer.from('old')],
  name: 'shop',
  store: createRedisBackend(redis),
  cookie: { maxAge: 60_000, secure: 'auto', sameSite: 'lax' },
  rolling: true,
  resave: false,
  saveUninitialized: false,
  unset: 'destroy',
  proxy: true,
}
app.use(session(options))
// What the types of stores ask for, those of connect-pg-simple among them.
const asStoresTakeIt: (options?: SessionOptions) => express.RequestHandler = session
app.use(asStoresTakeIt(options))
session({ secret: 'k', cookie: (request: express.Request) => ({ secure: request.secure }) })
session({ secret: 'k', genid: (request: express.Request) => request.path })
session({ secret: 'k', store: new MemoryStore(), backend: createMemoryBackend(), compat: 'shared' })

app.get('/', (request, response, next) => {
  const user: string | undefined = request.session.user
  request.session.cart?.items.push(1)
  request.session.cookie.maxAge = 60_000
  request.session.cookie.expires = false
  const left: number | null | false | undefined = request.session.cookie.maxAge
  const store: SessionStore = request.sessionStore
  request.session.regenerate((error: unknown) => {
    if (error) return next(error)
    request.session.user = 'ann'
    request.session.save().touch().resetMaxAge()
  })
  store.get(request.sessionID, (_error: unknown, data?: SessionData | null) => data?.user)
  response.json([user, left])
  // @ts-expect-error A field that nobody has declared.
  request.session.usr = 'ann'
  // @ts-expect-error A field of another type.
  request.session.user = 1
})

export class OwnStore extends Store {
  override get(_sid: string, callback: (error: unknown, session?: SessionData) => void): void {
    callback(null, { user: 'ann', cookie: new Cookie() })
  }
  override set(_sid: string, _session: SessionData, callback?: () => void): void {
    callback?.()
  }
  override destroy(_sid: string, callback?: () => void): void {
    callback?.()
  }
}
session({ secret: 'k', store: new OwnStore() })

// @ts-expect-error A store must have get, set and destroy.
export class NoStore extends Store {}
// @ts-expect-error
session({})
// @ts-expect-error
session({ secret: 'k', compat: 'both' })
// @ts-expect-error
session({ secret: 'k', sotre: new MemoryStore() })
