// What applications put on express-session: a login, a guard against forged requests, messages for the next page. All
// of it as it is published, on the drop-in.
import { createRequire } from 'node:module'
import type express from 'express'
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import session from '../../src/express-session.ts'
import { EXPRESS, PLACES, sentBack, SOME } from './fixture.ts'

type Done = (error: unknown, user?: unknown, info?: { message: string }) => void
type Verify = (name: string, password: string, done: Done) => void

/** The part of passport that is used here; it has no types of its own. */
interface Passport {
  use(strategy: object): void
  serializeUser(fn: (user: { name: string }, done: Done) => void): void
  deserializeUser(fn: (name: string, done: Done) => void): void
  initialize(): express.RequestHandler
  session(): express.RequestHandler
  authenticate(strategy: string, options: object): express.RequestHandler
}

/** What passport, csrf-sync and connect-flash put on a request. */
interface Extended {
  user?: { name: string }
  logout(options: object, callback: (error?: unknown) => void): void
  flash(kind: string, text?: string, ...values: string[]): string[]
}

const load = createRequire(import.meta.url)
const { Passport: NewPassport } = load('passport') as { Passport: new () => Passport }
const { Strategy } = load('passport-local') as { Strategy: new (verify: Verify) => object }
const flash = load('connect-flash') as () => express.RequestHandler
const { csrfSync } = load('csrf-sync') as typeof import('csrf-sync')

function shopOf(version: keyof typeof EXPRESS, place: string): express.Express {
  const passport = new NewPassport()
  const verify: Verify = (name, password, done) =>
    password === 'open' ? done(null, { name }) : done(null, false, { message: 'wrong password' })
  passport.use(new Strategy(verify))
  passport.serializeUser(({ name }, done) => done(null, name))
  passport.deserializeUser((name, done) => done(null, { name }))
  const { csrfSynchronisedProtection, generateToken } = csrfSync({
    getTokenFromRequest: ({ body }) => (body as { token?: string } | undefined)?.token,
  })
  const of = (req: object): Extended => req as Extended

  const framework = EXPRESS[version]
  const app = framework()
  app.set('env', 'test')
  app.use(framework.urlencoded({ extended: false }))
  app.use(session({ ...SOME, store: PLACES[place]?.() ?? createMemoryBackend() }))
  app.use(flash())
  app.use(passport.initialize())
  app.use(passport.session())
  app.use(csrfSynchronisedProtection)
  app.get('/token', (req, res) => void res.send(generateToken(req)))
  app.post(
    '/login',
    passport.authenticate('local', {
      successRedirect: '/welcome',
      failureRedirect: '/',
      failureFlash: true,
    }),
  )
  app.get('/welcome', (req, res) => {
    of(req).flash('info', 'welcome, %s', of(req).user?.name ?? 'nobody')
    res.redirect('/')
  })
  app.post('/cart/:item', (req, res) => {
    const held = req.session as unknown as { cart?: string[] }
    held.cart = [...(held.cart ?? []), req.params['item']]
    res.redirect('/')
  })
  app.post('/logout', (req, res, next) => {
    of(req).logout({ keepSessionInfo: false }, (error) => (error ? next(error) : res.redirect('/')))
  })
  app.get('/', (req, res) => {
    const { cart } = req.session as unknown as { cart?: string[] }
    const said = [...of(req).flash('info'), ...of(req).flash('error')]
    res.json({ user: of(req).user?.name, said, cart })
  })
  return app
}

const VERSIONS = Object.keys(EXPRESS) as (keyof typeof EXPRESS)[]
const CASES = VERSIONS.flatMap((version) =>
  Object.keys(PLACES).map((place) => [version, place] as const),
)

describe.each(CASES)('on %s and a %s', (version, place) => {
  it('a visitor logs in, fills a cart, and logs out', async () => {
    const app = shopOf(version, place)
    const agent = request.agent(app)
    const post = async (path: string, fields: object = {}) => {
      const { text: token } = await agent.get('/token')
      return agent
        .post(path)
        .type('form')
        .send({ token, ...fields })
    }
    expect((await agent.get('/')).body).toEqual({ said: [] })
    expect((await agent.post('/login').type('form').send({})).status).toBe(403)
    await post('/login', { username: 'ann', password: 'shut' })
    expect((await agent.get('/')).body).toEqual({ said: ['wrong password'] })
    const before = sentBack(await post('/cart/anonymous'))
    expect(before).toBe('')

    const login = await post('/login', { username: 'ann', password: 'open' })
    expect(login.headers['location']).toBe('/welcome')
    const inside = sentBack(login)
    await agent.get('/welcome')
    await post('/cart/tea')
    expect((await agent.get('/')).body).toEqual({
      user: 'ann',
      said: ['welcome, ann'],
      cart: ['tea'],
    })
    expect((await agent.get('/')).body).toEqual({ user: 'ann', said: [], cart: ['tea'] })

    await post('/logout')
    expect((await agent.get('/')).body).toEqual({ said: [] })
    const stolen = await request(app).get('/').set('Cookie', inside)
    expect(stolen.body).toEqual({ said: [] })
  })

  it('a login and a logout twice at once are no error', async () => {
    const app = shopOf(version, place)
    const agent = request.agent(app)
    const token = (await agent.get('/token')).text
    const login = { token, username: 'ann', password: 'open' }
    await agent.post('/login').type('form').send(login)
    const again = { token: (await agent.get('/token')).text }
    const outs = [1, 2].map(() => agent.post('/logout').type('form').send(again))
    for (const { status } of await Promise.all(outs)) expect([302, 403]).toContain(status)
    expect((await agent.get('/')).body).toEqual({ said: [] })
  })
})
