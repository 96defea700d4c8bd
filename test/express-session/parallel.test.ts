import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { appOf, cookiesOf, createHold, PLACES, ROUTES, sentBack } from './fixture.ts'
import type { Handler, Hold } from './fixture.ts'

function heldRoutes(hold: Hold): Readonly<Record<string, Handler>> {
  return {
    ...ROUTES,
    '/held/set/:key/:value': (req, res) => {
      void hold.wait().then(() => {
        req.session[String(req.params['key'])] = req.params['value']
        res.send('set')
      })
    },
    '/held/delete/:key': (req, res) => {
      void hold.wait().then(() => {
        delete req.session[String(req.params['key'])]
        res.send('deleted')
      })
    },
    '/held/save': (req, res, next) => {
      void hold.wait().then(() => {
        req.session['late'] = true
        req.session.save((error) => (error ? next(error) : res.send('saved')))
      })
    },
    '/held/none': (_req, res) => void hold.wait().then(() => res.send('none')),
    '/login': (req, res, next) =>
      void req.session.regenerate((error) => {
        if (error) return next(error)
        req.session['user'] = 'ann'
        res.send('in')
      }),
  }
}

describe.each(Object.entries(PLACES))('on a %s, requests at once', (_place, open) => {
  it('keep each other’s keys, whichever ends last', async () => {
    const hold = createHold()
    const app = appOf({ store: open() }, heldRoutes(hold))
    const cookie = sentBack(await request(app).get('/set/a/1'))
    const slow = request(app).get('/held/set/b/2').set('Cookie', cookie).then()
    await hold.reached
    await request(app).get('/set/c/3').set('Cookie', cookie)
    await request(app).get('/set/a/4').set('Cookie', cookie)
    hold.release()
    await slow
    const all = await request(app).get('/all').set('Cookie', cookie)
    expect(all.body).toEqual({ a: '4', b: '2', c: '3' })
  })

  it('on 20 keys lose none', async () => {
    const app = appOf({ store: open() }, ROUTES)
    const server = app.listen(0)
    const cookie = sentBack(await request(server).get('/set/a/1'))
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
    await Promise.all(keys.map((key) => request(server).get(`/set/${key}/1`).set('Cookie', cookie)))
    const all = await request(server).get('/all').set('Cookie', cookie)
    server.close()
    expect(Object.keys(all.body as object).toSorted()).toEqual(['a', ...keys].toSorted())
  })

  it('that change one key: the last one wins, and a removal is a change', async () => {
    const hold = createHold()
    const app = appOf({ store: open() }, heldRoutes(hold))
    const cookie = sentBack(await request(app).get('/set/a/1'))
    const removal = request(app).get('/held/delete/a').set('Cookie', cookie).then()
    await hold.reached
    await request(app).get('/set/a/2').set('Cookie', cookie)
    await request(app).get('/set/b/2').set('Cookie', cookie)
    hold.release()
    await removal
    expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({ b: '2' })
  })

  it.each(['/held/set/b/2', '/held/save', '/held/none', '/held/delete/a'])(
    'do not bring back a session that %s had loaded before it ended',
    async (path) => {
      const hold = createHold()
      const app = appOf({ store: open(), rolling: path === '/held/set/b/2' }, heldRoutes(hold))
      const cookie = sentBack(await request(app).get('/set/a/1'))
      const slow = request(app).get(path).set('Cookie', cookie).then()
      await hold.reached
      await request(app).get('/out').set('Cookie', cookie)
      hold.release()
      const answer = await slow
      expect([answer.status, cookiesOf(answer)]).toEqual([200, []])
      expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({})
    },
  )

  it('do not bring back what a login has replaced, and leave the login alone', async () => {
    const hold = createHold()
    const app = appOf({ store: open() }, heldRoutes(hold))
    const cookie = sentBack(await request(app).get('/set/a/1'))
    const slow = request(app).get('/held/set/b/2').set('Cookie', cookie).then()
    await hold.reached
    const login = await request(app).get('/login').set('Cookie', cookie)
    hold.release()
    expect(cookiesOf(await slow)).toEqual([])
    const after = await request(app).get('/all').set('Cookie', sentBack(login))
    expect(after.body).toEqual({ user: 'ann' })
    expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({})
  })
})

describe('on a backend', () => {
  it('a page view costs one read and no write until a touch is due, and a login no write too many', async () => {
    let nowMs = 0
    const backend = createMemoryBackend({ period: 3600, now: () => nowMs })
    const calls: string[] = []
    const watched = new Proxy(backend, {
      get(target, name: keyof typeof backend) {
        const member = target[name]
        if (typeof member !== 'function') return member
        return (...parameters: unknown[]): unknown => {
          calls.push(name)
          return Reflect.apply(member as () => unknown, target, parameters)
        }
      },
    })
    const app = appOf(
      { store: watched },
      {
        ...ROUTES,
        '/hasty': (req, res) => {
          req.session['a'] = 3
          req.session.save(() => {})
          res.redirect('/')
        },
        // Saved by hand, as passport does: the end of the request finds nothing to save.
        '/login/save': (req, res) =>
          void req.session.regenerate(() => {
            req.session['user'] = 'ann'
            req.session.save(() => res.send('in'))
          }),
      },
    )
    await request(app).get('/none')
    expect(calls).toEqual([])
    const cookie = sentBack(await request(app).get('/set/a/1'))
    await request(app).get('/all').set('Cookie', cookie)
    expect(calls.splice(0)).toEqual(['generate', 'get'])
    nowMs += 600_000
    await request(app).get('/all').set('Cookie', cookie)
    expect(calls.splice(0)).toEqual(['get', 'touch'])
    await request(app).get('/set/a/2').set('Cookie', cookie)
    expect(calls.splice(0)).toEqual(['get', 'set'])
    await request(app).get('/hasty').set('Cookie', cookie)
    expect(calls.splice(0)).toEqual(['get', 'set'])
    const login = await request(app).get('/login/save').set('Cookie', cookie)
    expect(calls.splice(0)).toEqual(['get', 'clear', 'generate'])
    nowMs += 3_600_001
    const late = await request(app).get('/all').set('Cookie', sentBack(login))
    expect(late.body).toEqual({})
  })

  it('a session lives as long as its cookie says', async () => {
    let nowMs = 0
    const backend = createMemoryBackend({ now: () => nowMs })
    const app = appOf(
      { store: backend, cookie: { maxAge: 90_000 } },
      {
        ...ROUTES,
        '/left': (req, res) => void res.json(req.session.cookie.maxAge),
      },
    )
    const cookie = sentBack(await request(app).get('/set/a/1'))
    nowMs += 40_000
    const left = Number((await request(app).get('/left').set('Cookie', cookie)).text)
    expect(left).toBeGreaterThan(45_000)
    expect(left).toBeLessThan(51_000)
    nowMs += 49_000
    expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({ a: '1' })
    nowMs += 89_000
    expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({ a: '1' })
    nowMs += 90_001
    expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({})
  })
})
