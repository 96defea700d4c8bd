import request from 'supertest'
import { describe, expect, it } from 'vitest'
import session, { Cookie } from '../../src/express-session.ts'
import { appOf, cookiesOf, ROUTES, sentBack } from './fixture.ts'

describe('Cookie', () => {
  it('has the defaults of express-session', () => {
    const cookie = new Cookie()
    expect(cookie.data).toMatchObject({ path: '/', httpOnly: true, originalMaxAge: null })
    expect([cookie.expires, cookie.maxAge]).toEqual([null, null])
    expect(cookie.serialize('a', 'b c')).toBe('a=b%20c; Path=/; HttpOnly')
  })

  it('counts maxAge down, and keeps the original', () => {
    const cookie = new Cookie({ maxAge: 60_000 })
    expect(cookie.originalMaxAge).toBe(60_000)
    expect(cookie.maxAge).toBeLessThanOrEqual(60_000)
    cookie.expires = new Date(Date.now() + 1000)
    expect(cookie.maxAge).toBeLessThanOrEqual(1000)
    cookie.expires = false
    expect([cookie.maxAge, cookie.originalMaxAge]).toEqual([false, null])
  })

  it('takes the last of expires and maxAge', () => {
    const expires = new Date(Date.now() + 5000)
    expect(new Cookie({ maxAge: 1000, expires }).expires).toBe(expires)
    expect(new Cookie({ expires, maxAge: 1000 }).originalMaxAge).toBe(1000)
  })

  it('writes every attribute', () => {
    const cookie = new Cookie({
      domain: 'example.com',
      path: '/shop',
      expires: new Date(0),
      secure: true,
      partitioned: true,
      priority: 'high',
      sameSite: 'none',
    })
    expect(cookie.serialize('a', 'b')).toBe(
      'a=b; Domain=example.com; Path=/shop; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; Partitioned; Priority=High; SameSite=None',
    )
    expect(new Cookie({ sameSite: true }).serialize('a', 'b')).toContain('SameSite=Strict')
  })

  it('writes no attribute that ends another', () => {
    for (const options of [{ path: '/; Domain=x' }, { domain: 'a\r\nb' }, { priority: 'x' }]) {
      expect(() => new Cookie(options as object).serialize('a', 'b')).toThrow(/must|no cookie/)
    }
    expect(() => new Cookie().serialize('a;b', 'c')).toThrow('"name"')
    expect(() => new Cookie({ maxAge: '1' as never })).toThrow('"maxAge"')
  })
})

const SECURE = { 'X-Forwarded-Proto': 'https' }

describe('cookie options', () => {
  it('of a function are made for each request, "auto" included', async () => {
    const cookie = ((req: { readonly url: string }) => ({
      secure: 'auto',
      sameSite: 'auto',
      maxAge: req.url.startsWith('/set/long') ? 90_000 : undefined,
    })) as never
    const app = appOf({ proxy: true, cookie }, ROUTES)
    const [plain = ''] = cookiesOf(await request(app).get('/set/a/1'))
    expect(plain).toMatch(/HttpOnly; SameSite=Lax$/)
    const [secure = ''] = cookiesOf(await request(app).get('/set/long/1').set(SECURE))
    expect(secure).toMatch(/Expires=.*HttpOnly; Secure; SameSite=None$/)
  })

  it('that ask for a secure connection set no cookie on another, and say so once', async () => {
    const warnings: string[] = []
    const hear = ({ message }: Error): void => void warnings.push(message)
    process.on('warning', hear)
    const app = appOf({ cookie: { secure: true } }, ROUTES)
    expect(cookiesOf(await request(app).get('/set/a/1'))).toEqual([])
    expect(cookiesOf(await request(app).get('/set/a/1').set(SECURE))).toEqual([])
    await new Promise(setImmediate)
    process.off('warning', hear)
    expect(warnings.filter((message) => message.includes('trust proxy'))).toHaveLength(1)
    app.set('trust proxy', true)
    expect(cookiesOf(await request(app).get('/set/a/1').set(SECURE))).toHaveLength(1)
    const blind = appOf({ cookie: { secure: true }, proxy: false }, ROUTES)
    blind.set('trust proxy', true)
    expect(cookiesOf(await request(blind).get('/set/a/1').set(SECURE))).toEqual([])
  })

  it('with a path leave other paths without a session', async () => {
    const show = {
      '/{*rest}': (req: { session?: unknown }, res: { send(text: string): void }) =>
        res.send(String(req.session !== undefined)),
    }
    const app = appOf({ cookie: { path: '/foo' } }, show as never)
    for (const [path, text] of [
      ['/foo', 'true'],
      ['/foo/bar?x', 'true'],
      ['/foobar', 'false'],
      ['/', 'false'],
    ] as const) {
      expect((await request(app).get(path)).text).toBe(text)
    }
  })
})

describe('req.session.cookie', () => {
  it('is the session’s own: a changed maxAge is kept, and sent', async () => {
    const app = appOf(
      { cookie: { maxAge: 60_000 } },
      {
        ...ROUTES,
        '/remember': (req, res) => {
          req.session.cookie.maxAge = 3_600_000
          res.send('ok')
        },
        '/left': (req, res) => void res.json(req.session.cookie.maxAge),
      },
    )
    const agent = request.agent(app)
    await agent.get('/set/a/1')
    const [line = ''] = cookiesOf(await agent.get('/remember'))
    expect(Date.parse(/Expires=([^;]+)/.exec(line)?.[1] ?? '') - Date.now()).toBeGreaterThan(3.5e6)
    expect((await agent.get('/left')).body).toBeGreaterThan(3.5e6)
  })

  it('without an end makes the cookie end with the browser', async () => {
    const app = appOf(
      { cookie: { maxAge: 60_000 } },
      {
        ...ROUTES,
        '/forget': (req, res) => {
          req.session.cookie.expires = false
          res.send('ok')
        },
      },
    )
    const agent = request.agent(app)
    await agent.get('/set/a/1')
    expect(cookiesOf(await agent.get('/forget'))[0]).not.toContain('Expires')
  })
})

describe('a sent cookie', () => {
  it('that is unsigned, forged or of no session gets a new session with another id', async () => {
    const store = new session.MemoryStore()
    const app = appOf({ store }, ROUTES)
    const good = sentBack(await request(app).get('/set/a/1'))
    const id = decodeURIComponent(good).slice('connect.sid=s:'.length).split('.')[0]
    for (const cookie of [
      `connect.sid=${id}`,
      `connect.sid=s%3A${id}.x`,
      'connect.sid=s%3A',
      'connect.sid=%',
    ]) {
      const answer = await request(app).get('/all').set('Cookie', cookie)
      expect(answer.body).toEqual({})
    }
    await request(app).get('/out').set('Cookie', good)
    const answer = await request(app).get('/id').set('Cookie', good)
    expect(answer.text).not.toBe(id)
  })

  it('beside others of its name is found', async () => {
    const app = appOf({}, ROUTES)
    const good = sentBack(await request(app).get('/set/a/1'))
    const other = sentBack(await request(appOf({}, ROUTES)).get('/set/b/1'))
    const header = `connect.sid=s%3Ax.y; ${other}; ${good}`
    expect((await request(app).get('/all').set('Cookie', header)).body).toEqual({ a: '1' })
  })
})
