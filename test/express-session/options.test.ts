import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { InvalidCookieError } from '../../src/core/errors.ts'
import { createSessionManager } from '../../src/index.ts'
import session from '../../src/express-session.ts'
import type { SessionOptions } from '../../src/express-session.ts'
import { appOf, cookiesOf, PLACES, ROUTES, SOME, sentBack } from './fixture.ts'

const REFUSED: readonly (readonly [string, object, RegExp])[] = [
  ['no secret', { secret: undefined }, /"secret"/],
  ['an empty list of secrets', { secret: [] }, /"secret"/],
  ['an unknown option', { maxAge: 1 }, /no option "maxAge"/],
  ['an empty name', { name: '' }, /"name"/],
  ['a cookie that is no object', { cookie: 1 }, /"cookie"/],
  ['a misspelt attribute', { cookie: { samesite: 'lax' } }, /no option "samesite"/],
  ['an age that is no number', { cookie: { maxAge: '1h' } }, /"maxAge"/],
  ['a secret that is empty', { secret: ['one', ''] }, /"secret"/],
  [
    'two backends',
    { store: createMemoryBackend(), backend: createMemoryBackend() },
    /leave out "backend"/,
  ],
  ['a genid that is no function', { genid: 'x' }, /"genid" must be a function/],
  ['a genid on a backend', { genid: () => 'x', store: createMemoryBackend() }, /"genid" is for/],
  ['another unset', { unset: 'drop' }, /"unset"/],
  ['a store that is none', { store: {} }, /"store"/],
  ['a backend that is none', { backend: {} }, /"backend"/],
  [
    'a manager in place of a backend',
    { store: createSessionManager({ backend: createMemoryBackend() }) },
    /"store" is a session manager/,
  ],
  [
    'a client of Redis in place of a backend',
    { store: { get() {}, set() {}, destroy() {}, sendCommand() {} } },
    /"store" is a client of Redis/,
  ],
  ['another compat', { compat: 'both' }, /"compat" must be/],
  ['compat without a store', { compat: 'shared', backend: createMemoryBackend() }, /needs both/],
  [
    'a store beside a backend without compat',
    { store: new session.MemoryStore(), backend: createMemoryBackend() },
    /needs "compat"/,
  ],
]

describe('session', () => {
  it.each(REFUSED)('refuses %s', (_name, options, message) => {
    const given = { secret: 'keyboard cat', ...options } as SessionOptions
    expect(() => session(given)).toThrow(TypeError)
    expect(() => session(given)).toThrow(message)
  })

  it.each([{ sameSite: 'laxx' }, { priority: 'urgent' }, { domain: 'a;b' }, { path: '/\n' }])(
    'refuses the cookie %o at once',
    (cookie) => {
      const options = { secret: 'keyboard cat', cookie } as SessionOptions
      expect(() => session(options)).toThrow(InvalidCookieError)
    },
  )

  it('takes every attribute that express-session has, and what decides by the connection', () => {
    const attributes = { path: '/', domain: 'a.example', httpOnly: true, partitioned: false }
    const times = { maxAge: 1000, expires: new Date(), originalMaxAge: 1000 }
    const idle = { signed: true, encode: encodeURIComponent, overwrite: true }
    const auto = { secure: 'auto', sameSite: 'auto', priority: 'HIGH' }
    const cookie = { ...attributes, ...times, ...idle, ...auto }
    expect(() => session({ secret: 'keyboard cat', cookie } as SessionOptions)).not.toThrow()
  })

  it('refuses to be called without options, which its type allows for the sake of stores', () => {
    expect(() => session()).toThrow('"secret"')
  })

  it('takes a backend as "store" and as "backend"', async () => {
    for (const option of ['store', 'backend']) {
      const app = appOf({ [option]: createMemoryBackend() }, ROUTES)
      const agent = request.agent(app)
      await agent.get('/set/a/1')
      expect((await agent.get('/all')).body).toEqual({ a: '1' })
    }
  })
})

describe.each(Object.entries(PLACES))('on a %s, "%s"', (_place, open) => {
  it('saveUninitialized: true sets a cookie for a visitor without data', async () => {
    const agent = request.agent(appOf({ store: open(), saveUninitialized: true }, ROUTES))
    const first = await agent.get('/id')
    expect(cookiesOf(first)).toHaveLength(1)
    const second = await agent.get('/id')
    expect(second.text).toBe(first.text)
    expect(cookiesOf(second)).toEqual([])
  })

  it('saveUninitialized: false sets none until there are data', async () => {
    const agent = request.agent(appOf({ store: open() }, ROUTES))
    expect(cookiesOf(await agent.get('/none'))).toEqual([])
    expect(cookiesOf(await agent.get('/set/a/1'))).toHaveLength(1)
  })

  it('left out, saveUninitialized is true', async () => {
    const app = appOf({ store: open(), saveUninitialized: undefined }, ROUTES)
    expect(cookiesOf(await request(app).get('/none'))).toHaveLength(1)
  })

  it('rolling sets the cookie again on each response, and moves its end', async () => {
    const options = { store: open(), rolling: true, cookie: { maxAge: 60_000 } }
    const agent = request.agent(appOf(options, ROUTES))
    await agent.get('/set/a/1')
    const [line = ''] = cookiesOf(await agent.get('/none'))
    const left = Date.parse(/Expires=([^;]+)/.exec(line)?.[1] ?? '') - Date.now()
    expect(left).toBeGreaterThan(57_000)
    expect(cookiesOf(await request(appOf(options, ROUTES)).get('/none'))).toEqual([])
  })

  it('without rolling, an unchanged session sets none, and a changed one with an end does', async () => {
    const agent = request.agent(appOf({ store: open(), cookie: { maxAge: 60_000 } }, ROUTES))
    await agent.get('/set/a/1')
    expect(cookiesOf(await agent.get('/all'))).toEqual([])
    expect(cookiesOf(await agent.get('/set/a/2'))).toHaveLength(1)
    const endless = request.agent(appOf({ store: open() }, ROUTES))
    await endless.get('/set/a/1')
    expect(cookiesOf(await endless.get('/set/a/2'))).toEqual([])
  })

  it('name names the cookie', async () => {
    const agent = request.agent(appOf({ store: open(), name: 'shop' }, ROUTES))
    expect(sentBack(await agent.get('/set/a/1'))).toMatch(/^shop=s%3A/)
    expect((await agent.get('/all')).body).toEqual({ a: '1' })
  })

  it('a list of secrets signs with the first, and accepts all', async () => {
    const store = open()
    const before = appOf({ store, secret: 'old' }, ROUTES)
    const after = appOf({ store, secret: ['new', 'old'] }, ROUTES)
    const without = appOf({ store, secret: ['new'] }, ROUTES)
    const cookie = sentBack(await request(before).get('/set/a/1'))
    expect((await request(after).get('/all').set('Cookie', cookie)).body).toEqual({ a: '1' })
    expect((await request(without).get('/all').set('Cookie', cookie)).body).toEqual({})
    const renewed = sentBack(await request(after).get('/set/a/1'))
    expect((await request(without).get('/all').set('Cookie', renewed)).body).toEqual({ a: '1' })
  })

  it('unset: "destroy" ends the session and removes its cookie', async () => {
    const unset: typeof ROUTES = {
      ...ROUTES,
      '/unset': (req, res) => {
        ;(req as { session: unknown }).session = null
        res.send('unset')
      },
    }
    const agent = request.agent(appOf({ store: open(), unset: 'destroy' }, unset))
    const cookie = sentBack(await agent.get('/set/a/1'))
    const [line = ''] = cookiesOf(await agent.get('/unset'))
    expect(line).toMatch(/^connect\.sid=; Path=\/; Expires=Thu, 01 Jan 1970/)
    const again = await request(appOf({ store: open() }, ROUTES))
      .get('/all')
      .set('Cookie', cookie)
    expect(again.body).toEqual({})

    const kept = request.agent(appOf({ store: open() }, unset))
    await kept.get('/set/a/1')
    expect(cookiesOf(await kept.get('/unset'))).toEqual([])
    expect((await kept.get('/all')).body).toEqual({ a: '1' })
  })
})

describe('genid', () => {
  it('gives the ids in a store, and gets the request', async () => {
    const genid = (req: { readonly url: string }): string => `id-of-${req.url.slice(1)}`
    const app = appOf({ genid: genid }, ROUTES)
    expect((await request(app).get('/id')).text).toBe('id-of-id')
  })
})

describe('resave', () => {
  it('saves an unchanged session again, in a store', async () => {
    const store = new session.MemoryStore()
    const saved: string[] = []
    const set = store.set.bind(store)
    store.set = (sid, data, callback) => (saved.push(sid), set(sid, data, callback))
    const app = appOf({ store, resave: true }, ROUTES)
    const cookie = sentBack(await request(app).get('/set/a/1'))
    await request(app).get('/all').set('Cookie', cookie)
    expect(saved).toHaveLength(2)
    await request(appOf({ store }, ROUTES)).get('/all').set('Cookie', cookie)
    expect(saved).toHaveLength(2)
    expect(SOME.resave).toBe(false)
  })
})
