import { createRequire } from 'node:module'
import type express from 'express'
import theirs from 'express-session'
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import type { MemoryBackend } from '../../src/backends/memory.ts'
import { derivedKey } from '../../src/express-session/compat-keeper.ts'
import session from '../../src/express-session.ts'
import { appOf, cookiesOf, createHold, ROUTES, SOME, sentBack } from './fixture.ts'
import type { Handler, Hold } from './fixture.ts'

const express5 = createRequire(import.meta.url)('express') as typeof express
const KEY = /^connect\.sid=s%3A[\w-]{22}\.[\w-]{43}\./

interface Site {
  readonly store: theirs.MemoryStore
  readonly backend: MemoryBackend
  /** As it was: express-session. */
  readonly before: express.Express
  readonly shared: express.Express
  readonly upgrade: express.Express
  /** As it will be: without the old store. */
  readonly after: express.Express
}

function siteOf(routes: Readonly<Record<string, Handler>> = ROUTES): Site {
  const store = new theirs.MemoryStore()
  const backend = createMemoryBackend()
  const before = express5()
  before.use(theirs({ ...SOME, store }))
  for (const [path, handler] of Object.entries(routes)) before.all(path, handler as never)
  const both = { store, backend }
  return {
    store,
    backend,
    before,
    shared: appOf({ ...both, compat: 'shared' }, routes),
    upgrade: appOf({ ...both, compat: 'upgrade' }, routes),
    after: appOf({ backend }, routes),
  }
}

async function allOf(app: express.Express, cookie: string): Promise<unknown> {
  return (await request(app).get('/all').set('Cookie', cookie)).body
}

function lengthOf(store: theirs.MemoryStore): Promise<number> {
  return new Promise((resolve) => store.length((_error, n = 0) => resolve(n)))
}

function waits(hold: Hold): Handler {
  return (req, res) =>
    void hold.wait().then(() => {
      req.session['late'] = true
      res.send('late')
    })
}

describe('compat: "shared"', () => {
  it('goes on with the sessions of express-session, and they with its own', async () => {
    const { before, shared } = siteOf()
    const cookie = sentBack(await request(before).get('/set/a/1'))
    const answer = await request(shared).get('/set/b/2').set('Cookie', cookie)
    expect(cookiesOf(answer)).toEqual([])
    expect(await allOf(before, cookie)).toEqual({ a: '1', b: '2' })
    const made = sentBack(await request(shared).get('/set/c/3'))
    expect(await allOf(before, made)).toEqual({ c: '3' })
    await request(before).get('/out').set('Cookie', made)
    expect(await allOf(shared, made)).toEqual({})
    await request(shared).get('/out').set('Cookie', cookie)
    expect(await allOf(before, cookie)).toEqual({})
  })

  it('goes on with sessions that other processes have upgraded, by either cookie', async () => {
    const { before, shared, upgrade } = siteOf()
    const old = sentBack(await request(before).get('/set/a/1'))
    const moved = sentBack(await request(upgrade).get('/set/b/2').set('Cookie', old))
    expect(moved).toMatch(KEY)
    expect(await allOf(shared, moved)).toEqual({ a: '1', b: '2' })
    const again = await request(shared).get('/set/c/3').set('Cookie', old)
    expect(sentBack(again)).toBe(moved)
    expect(await allOf(upgrade, moved)).toEqual({ a: '1', b: '2', c: '3' })
  })

  it('saves to a session that has been upgraded since it was loaded', async () => {
    const hold = createHold()
    const { before, shared, upgrade } = siteOf({ ...ROUTES, '/late': waits(hold) })
    const old = sentBack(await request(before).get('/set/a/1'))
    const slow = request(shared).get('/late').set('Cookie', old).then()
    await hold.reached
    const moved = sentBack(await request(upgrade).get('/none').set('Cookie', old))
    hold.release()
    await slow
    expect(await allOf(upgrade, moved)).toEqual({ a: '1', late: true })
  })
})

describe('compat: "upgrade"', () => {
  it('moves a session at its next request: a new cookie, and no old record', async () => {
    const { before, upgrade, after, store } = siteOf()
    const old = sentBack(await request(before).get('/set/a/1'))
    const answer = await request(upgrade).get('/none').set('Cookie', old)
    const moved = sentBack(answer)
    expect(moved).toMatch(KEY)
    expect(await lengthOf(store)).toBe(0)
    for (const app of [upgrade, after]) expect(await allOf(app, moved)).toEqual({ a: '1' })
    expect(cookiesOf(await request(upgrade).get('/none').set('Cookie', moved))).toEqual([])
    expect(await allOf(before, old)).toEqual({})
  })

  it('makes new sessions on the backend', async () => {
    const { upgrade, after, store } = siteOf()
    const cookie = sentBack(await request(upgrade).get('/set/a/1'))
    expect(cookie).toMatch(KEY)
    expect(await allOf(after, cookie)).toEqual({ a: '1' })
    expect(await lengthOf(store)).toBe(0)
  })

  it('logs nobody out whose answer was lost', async () => {
    const { before, upgrade } = siteOf()
    const old = sentBack(await request(before).get('/set/a/1'))
    const lost = sentBack(await request(upgrade).get('/set/b/2').set('Cookie', old))
    const answer = await request(upgrade).get('/all').set('Cookie', old)
    expect([sentBack(answer), answer.body]).toEqual([lost, { a: '1', b: '2' }])
  })

  it('neither loses nor forks a session at whose first requests come together', async () => {
    const { before, upgrade } = siteOf()
    const server = upgrade.listen(0)
    const old = sentBack(await request(before).get('/set/a/1'))
    const keys = Array.from({ length: 10 }, (_, index) => `k${index}`)
    const answers = await Promise.all(
      keys.map((key) => request(server).get(`/set/${key}/1`).set('Cookie', old)),
    )
    server.close()
    expect(new Set(answers.map(sentBack)).size).toBe(1)
    const all = await allOf(upgrade, sentBack(answers[0] as request.Response))
    expect(Object.keys(all as object).toSorted()).toEqual(['a', ...keys].toSorted())
  })

  it('gives a key that follows from the old id and the secret, and from neither alone', () => {
    const key = derivedKey('one-id', 'keyboard cat')
    expect(key).toMatch(/^[\w-]{22}\.[\w-]{43}$/)
    expect(derivedKey('one-id', 'keyboard cat')).toBe(key)
    const others = [derivedKey('one-id', 'another'), derivedKey('two-id', 'keyboard cat')]
    const halves = new Set([key, ...others].flatMap((each) => each.split('.')))
    expect(halves.size).toBe(6)
  })

  it('goes on across a change of the secret', async () => {
    const { before, store, backend } = siteOf()
    const old = sentBack(await request(before).get('/set/a/1'))
    const both = { store, backend, compat: 'upgrade' } as const
    const rotated = appOf({ ...both, secret: ['new', SOME.secret] }, ROUTES)
    const not = appOf(both, ROUTES)
    const moved = await request(not).get('/none').set('Cookie', old)
    expect(cookiesOf(moved)).toHaveLength(1)
    const answer = await request(rotated).get('/set/b/2').set('Cookie', old)
    expect(await allOf(rotated, sentBack(answer))).toEqual({ a: '1', b: '2' })
    expect(await allOf(not, sentBack(moved))).toEqual({ a: '1', b: '2' })
  })

  it.each(['upgrade', 'shared'] as const)(
    'a logout on "%s" is not undone by a request that moves the session meanwhile',
    async (mode) => {
      const hold = createHold()
      const site = siteOf()
      const old = sentBack(await request(site.before).get('/set/a/1'))
      const get = site.store.get.bind(site.store)
      // The first read has its answer, and hands it on when the logout is done.
      site.store.get = (sid, callback) => {
        site.store.get = get
        get(sid, (error: unknown, data) => void hold.wait().then(() => callback(error, data)))
      }
      const slow = request(site.upgrade).get('/all').set('Cookie', old).then()
      await hold.reached
      await request(site[mode]).get('/out').set('Cookie', old)
      hold.release()
      const answer = await slow
      expect([answer.body, cookiesOf(answer)]).toEqual([{}, []])
      for (const app of [site.upgrade, site.shared]) expect(await allOf(app, old)).toEqual({})
    },
  )

  it('sets no cookie of a session that a login has replaced meanwhile', async () => {
    const hold = createHold()
    const site = siteOf({
      ...ROUTES,
      '/wait': (_req, res) => void hold.wait().then(() => res.send('waited')),
      '/login': (req, res) =>
        void req.session.regenerate(() => {
          req.session['user'] = 'ann'
          res.send('in')
        }),
    })
    const old = sentBack(await request(site.before).get('/set/a/1'))
    const slow = request(site.upgrade).get('/wait').set('Cookie', old).then()
    await hold.reached
    const login = sentBack(await request(site.upgrade).get('/login').set('Cookie', old))
    hold.release()
    expect(cookiesOf(await slow)).toEqual([])
    expect(await allOf(site.upgrade, login)).toEqual({ user: 'ann' })
  })

  it('tries again after a fault between the two places', async () => {
    const { before, upgrade, store } = siteOf()
    const old = sentBack(await request(before).get('/set/a/1'))
    const destroy = store.destroy.bind(store)
    store.destroy = (_sid, callback) => process.nextTick(callback ?? (() => {}), new Error('down'))
    expect((await request(upgrade).get('/all').set('Cookie', old)).text).toBe('down')
    store.destroy = destroy
    expect(await allOf(upgrade, old)).toEqual({ a: '1' })
    expect(await lengthOf(store)).toBe(0)
  })

  it('keeps the cookie as the session has it', async () => {
    const store = new theirs.MemoryStore()
    const before = express5()
    before.use(theirs({ ...SOME, store, cookie: { path: '/', maxAge: 60_000, sameSite: 'lax' } }))
    before.get('/', (req, res) => {
      Object.assign(req.session, { a: 1 })
      res.send('ok')
    })
    const upgrade = appOf({ store, backend: createMemoryBackend(), compat: 'upgrade' }, ROUTES)
    const old = sentBack(await request(before).get('/'))
    const [line = ''] = cookiesOf(await request(upgrade).get('/none').set('Cookie', old))
    expect(line).toMatch(/Path=\/; Expires=.+; HttpOnly; SameSite=Lax$/)
  })
})

describe.each(['shared', 'upgrade'] as const)(
  'an old id that looks like a handle, on "%s"',
  (mode) => {
    it('is that of a session as any other, until its logout', async () => {
      const store = new theirs.MemoryStore()
      const before = express5()
      before.use(theirs({ ...SOME, store, genid: () => 'abcdefghijklmnopqrstuv' }))
      for (const [path, handler] of Object.entries(ROUTES)) before.all(path, handler as never)
      const app = appOf({ store, backend: createMemoryBackend(), compat: mode }, ROUTES)
      const old = sentBack(await request(before).get('/set/a/1'))
      expect(await allOf(app, old)).toEqual({ a: '1' })
      await request(app).get('/out').set('Cookie', old)
      for (const each of [before, app]) expect(await allOf(each, old)).toEqual({})
    })
  },
)

describe('the cookie of the drop-in', () => {
  it('is that of express-session, byte for byte', async () => {
    const options = {
      ...SOME,
      genid: () => 'one-id',
      cookie: { sameSite: 'lax', domain: 'example.com' },
    }
    const routes = ROUTES
    const old = express5()
    old.use(theirs(options as theirs.SessionOptions))
    for (const [path, handler] of Object.entries(routes)) old.all(path, handler as never)
    const [line] = cookiesOf(await request(old).get('/set/a/1'))
    const ours = appOf({ ...options, store: new session.MemoryStore() } as never, routes)
    expect(cookiesOf(await request(ours).get('/set/a/1'))).toEqual([line])
  })
})
