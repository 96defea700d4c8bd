import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import session from '../../src/express-session.ts'
import { appOf, cookiesOf, createBreakableStore, PLACES, ROUTES, sentBack } from './fixture.ts'
import type { Handler } from './fixture.ts'

const API: Readonly<Record<string, Handler>> = {
  ...ROUTES,
  '/regenerate': (req, res, next) =>
    void req.session.regenerate((error: unknown) => {
      if (error) return next(error)
      req.session['fresh'] = true
      res.send(req.sessionID)
    }),
  '/regenerate/empty': (req, res) => void req.session.regenerate(() => res.send('ok')),
  '/reload': (req, res, next) => {
    req.session['a'] = 'mine'
    const before = req.session
    req.session.reload((error: unknown) =>
      error ? next(error) : res.json([req.session['a'], req.session === before]),
    )
  },
  '/save': (req, res, next) => {
    req.session['a'] = 'saved'
    const same = req.session.save((error: unknown) => {
      if (error) return next(error)
      req.sessionStore.get(req.sessionID, (failed, stored) =>
        failed
          ? next(failed)
          : res.json([(stored as unknown as { a: string }).a, same === req.session]),
      )
    })
  },
  '/ids': (req, res) => {
    const before = req.session.id
    expect(() => (req.session.id = 'x')).toThrow(TypeError)
    res.json([before === req.sessionID, Object.keys(req.session)])
  },
  '/touch': (req, res) => {
    req.session.cookie.maxAge = 60_000
    req.session.cookie._expires = new Date(Date.now() + 1000)
    req.session.touch()
    const { maxAge } = req.session.cookie
    req.session.cookie._expires = new Date(Date.now() + 1000)
    req.session.resetMaxAge()
    res.json([maxAge > 59_000, req.session.cookie.maxAge > 59_000])
  },
}

describe.each(Object.entries(PLACES))('on a %s, a session', (_place, open) => {
  it('keeps data, nested ones too, and forgets what is deleted', async () => {
    const agent = request.agent(
      appOf(
        { store: open() },
        {
          ...API,
          '/deep': (req, res) => {
            req.session['cart'] ??= { items: [] }
            req.session['cart'].items.push(req.session['cart'].items.length)
            res.send('ok')
          },
          '/delete': (req, res) => {
            delete req.session['a']
            res.send('ok')
          },
        },
      ),
    )
    await agent.get('/set/a/1')
    await agent.get('/deep')
    await agent.get('/deep')
    expect((await agent.get('/all')).body).toEqual({ a: '1', cart: { items: [0, 1] } })
    await agent.get('/delete')
    expect((await agent.get('/all')).body).toEqual({ cart: { items: [0, 1] } })
  })

  it('is new after regenerate: another id, no data, and the old one is dead', async () => {
    const app = appOf({ store: open() }, API)
    const agent = request.agent(app)
    const old = sentBack(await agent.get('/set/a/1'))
    const before = (await agent.get('/id')).text
    const answer = await agent.get('/regenerate')
    expect(answer.text).not.toBe(before)
    expect((await agent.get('/id')).text).toBe(answer.text)
    expect((await agent.get('/all')).body).toEqual({ fresh: true })
    expect((await request(app).get('/all').set('Cookie', old)).body).toEqual({})
  })

  it('that is regenerated and left empty takes its cookie along', async () => {
    const agent = request.agent(appOf({ store: open() }, API))
    await agent.get('/set/a/1')
    expect(cookiesOf(await agent.get('/regenerate/empty'))[0]).toMatch(/^connect\.sid=; /)
  })

  it('is gone after destroy, cookie and all', async () => {
    const app = appOf({ store: open() }, API)
    const agent = request.agent(app)
    const old = sentBack(await agent.get('/set/a/1'))
    expect(cookiesOf(await agent.get('/out'))[0]).toMatch(/^connect\.sid=; Path=\/; Expires=Thu/)
    expect((await request(app).get('/all').set('Cookie', old)).body).toEqual({})
    expect((await agent.get('/all')).body).toEqual({})
  })

  it('that has ended is not made again by its own save', async () => {
    const app = appOf(
      { store: open() },
      {
        ...API,
        '/again': (req, res) => {
          const held = req.session
          held['a'] = 2
          const { id } = held
          held.destroy(() =>
            held.save(() => req.sessionStore.get(id, (_error, stored) => res.json(stored ?? null))),
          )
        },
      },
    )
    const agent = request.agent(app)
    expect((await agent.get('/again')).body).toBe(null)
    await agent.get('/set/a/1')
    expect((await agent.get('/again')).body).toBe(null)
  })

  it('is read again by reload, and changes that were not saved are gone', async () => {
    const agent = request.agent(appOf({ store: open() }, API))
    await agent.get('/set/a/1')
    expect((await agent.get('/reload')).body).toEqual(['1', false])
    expect((await agent.get('/all')).body).toEqual({ a: '1' })
  })

  it('that was never saved cannot be reloaded', async () => {
    const answer = await request(appOf({ store: open() }, API)).get('/reload')
    expect(answer.text).toBe('failed to load session')
  })

  it('is stored when save calls back, and sets its cookie', async () => {
    const agent = request.agent(appOf({ store: open() }, API))
    const answer = await agent.get('/save')
    expect(answer.body).toEqual(['saved', true])
    expect(cookiesOf(answer)).toHaveLength(1)
    expect((await agent.get('/all')).body).toEqual({ a: 'saved' })
  })

  it('shows an id that cannot be changed, and only its data and cookie as keys', async () => {
    const agent = request.agent(appOf({ store: open() }, API))
    await agent.get('/set/a/1')
    expect((await agent.get('/ids')).body).toEqual([true, ['a', 'cookie']])
  })

  it('starts its time anew by touch and resetMaxAge', async () => {
    expect((await request(appOf({ store: open() }, API)).get('/touch')).body).toEqual([true, true])
  })

  it('keeps data named as its methods out of their way', async () => {
    const store = open()
    const agent = request.agent(appOf({ store }, API))
    await agent.get('/set/a/1')
    const forged = appOf(
      { store },
      {
        '/forge': (req, res) =>
          req.sessionStore.get(req.sessionID, (_error, stored) => {
            req.sessionStore.set(req.sessionID, { ...stored, save: 1, id: 2 } as never, () =>
              res.send(),
            )
          }),
        ...API,
      },
    )
    const cookie = sentBack(await request(forged).get('/set/a/2'))
    await request(forged).get('/forge').set('Cookie', cookie)
    expect((await request(forged).get('/save').set('Cookie', cookie)).body).toEqual(['saved', true])
  })

  it('may be replaced by nothing: what was changed is not saved', async () => {
    const agent = request.agent(
      appOf(
        { store: open() },
        {
          ...API,
          '/drop': (req, res) => {
            req.session['a'] = 2
            delete (req as { session?: unknown }).session
            res.send('ok')
          },
        },
      ),
    )
    await agent.get('/set/a/1')
    await agent.get('/drop')
    expect((await agent.get('/all')).body).toEqual({ a: '1' })
  })
})

describe('a callback', () => {
  it('is called once, whatever it throws', async () => {
    const calls: unknown[] = []
    const thrown: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (error) => thrown.push(error.message))
    const app = appOf(
      {},
      {
        '/': (req, res) => {
          req.session.save((error: unknown) => {
            calls.push(error)
            res.send('ok')
            throw new Error('mine')
          })
        },
      },
    )
    await request(app).get('/')
    await new Promise(setImmediate)
    before.forEach((listener) => process.on('uncaughtException', listener))
    expect(calls).toEqual([undefined])
    expect(thrown).toEqual(['mine'])
  })

  it('of save gets the store’s error, and the session is saved by the next request', async () => {
    const store = createBreakableStore()
    const app = appOf(
      { store },
      {
        ...ROUTES,
        '/': (req, res) => {
          req.session['a'] = 1
          store.broken = true
          req.session.save((error: Error) => {
            store.broken = false
            res.send(error.message)
          })
        },
      },
    )
    const agent = request.agent(app)
    expect((await agent.get('/')).text).toBe('the disk is full')
    expect((await agent.get('/all')).body).toEqual({ a: 1 })
  })
})

describe('req.sessionStore', () => {
  it('on a backend reads, writes, touches and ends sessions by id', async () => {
    const app = appOf(
      { store: createMemoryBackend() },
      {
        ...ROUTES,
        '/store': (req, res, next) => {
          const { sessionStore: store, sessionID: sid } = req
          store.get(sid, (_error, data) => {
            store.set(sid, { ...data, b: 2 } as never, () => {
              store.touch?.(sid, data as never, () => {
                store.load(sid, (error, loaded) => {
                  if (error) return next(error)
                  res.json({ ...loaded, cookie: undefined })
                })
              })
            })
          })
        },
        '/end': (req, res) => req.sessionStore.destroy(req.sessionID, () => res.send('ok')),
        '/late': (req, res) =>
          req.sessionStore.destroy(req.sessionID, () =>
            req.sessionStore.set(req.sessionID, req.session, (error) =>
              res.send((error as Error).name),
            ),
          ),
        '/clear': (req, res) => req.sessionStore.clear?.(() => res.send('ok')),
      },
    )
    const agent = request.agent(app)
    await agent.get('/set/a/1')
    expect((await agent.get('/store')).body).toEqual({ a: '1', b: 2 })
    await agent.get('/end')
    expect((await agent.get('/all')).body).toEqual({})
    await agent.get('/set/a/1')
    expect((await agent.get('/late')).text).toBe('SessionGoneError')
    await agent.get('/set/a/1')
    await agent.get('/clear')
    expect((await agent.get('/all')).body).toEqual({})
  })

  it('regenerates, as stores of express-session do', async () => {
    const app = appOf(
      { store: new session.MemoryStore() },
      {
        ...ROUTES,
        '/store': (req, res) =>
          req.sessionStore.regenerate(req as never, () => {
            req.session['b'] = 1
            res.send('ok')
          }),
      },
    )
    const agent = request.agent(app)
    await agent.get('/set/a/1')
    await agent.get('/store')
    expect((await agent.get('/all')).body).toEqual({ b: 1 })
  })
})

describe('a store that has lost its server', () => {
  it('is an error, and no request without a session', async () => {
    const store = new session.MemoryStore()
    const app = appOf({ store }, ROUTES)
    store.emit('disconnect')
    expect((await request(app).get('/none')).text).toBe('the store has lost its server')
    store.emit('connect')
    expect((await request(app).get('/none')).text).toBe('none')
  })

  it('that cannot be read is an error too; ENOENT is "no such session"', async () => {
    const store = new session.MemoryStore()
    const app = appOf({ store }, ROUTES)
    const cookie = sentBack(await request(app).get('/set/a/1'))
    const fail = (fault: Error): void => {
      store.get = (_sid, callback) => process.nextTick(callback, fault)
    }
    fail(new Error('down'))
    expect((await request(app).get('/all').set('Cookie', cookie)).text).toBe('down')
    fail(Object.assign(new Error('no file'), { code: 'ENOENT' }))
    expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({})
    fail(Object.assign(new Error('no socket'), { code: 'ENOENT', syscall: 'connect' }))
    expect((await request(app).get('/all').set('Cookie', cookie)).text).toBe('no socket')
    const of = { code: 'ENOENT', syscall: 'open', path: '/there/is/no/folder.json' }
    fail(Object.assign(new Error('no folder'), of))
    expect((await request(app).get('/all').set('Cookie', cookie)).text).toBe('no folder')
  })
})
