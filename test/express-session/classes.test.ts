import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { inherits } from 'node:util'
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import session, { Cookie, MemoryStore, Session, Store } from '../../src/express-session.ts'
import type { SessionData, SessionStore } from '../../src/express-session.ts'
import { appOf, PLACES, ROUTES, sentBack } from './fixture.ts'

type Got = (error: unknown, session?: SessionData | null) => void
type StoreMaker = (from: typeof session) => new (options: object) => SessionStore

const load = createRequire(import.meta.url)

function OldStore(this: SessionStore & { kept: Map<string, string> }): void {
  Store.call(this)
  this.kept = new Map()
}
inherits(OldStore, Store)
Object.assign(OldStore.prototype as object, {
  get(this: { kept: Map<string, string> }, sid: string, callback: Got) {
    callback(null, JSON.parse(this.kept.get(sid) ?? 'null') as SessionData | null)
  },
  set(this: { kept: Map<string, string> }, sid: string, data: object, callback: () => void) {
    this.kept.set(sid, JSON.stringify(data))
    callback()
  },
  destroy(this: { kept: Map<string, string> }, sid: string, callback: () => void) {
    this.kept.delete(sid)
    callback()
  },
})

class NewStore extends session.Store {
  readonly kept = new Map<string, SessionData>()

  override get(sid: string, callback: Got): void {
    callback(null, this.kept.get(sid) ?? null)
  }

  override set(sid: string, data: SessionData, callback?: () => void): void {
    this.kept.set(sid, data)
    callback?.()
  }

  override destroy(sid: string, callback?: () => void): void {
    this.kept.delete(sid)
    callback?.()
  }
}

const STORES: Readonly<Record<string, () => SessionStore>> = {
  'a store in the old way': () => new (OldStore as unknown as new () => SessionStore)(),
  'a store as a class': () => new NewStore(),
  memorystore: () => new ((load('memorystore') as StoreMaker)(session))({}),
  MemoryStore: () => new MemoryStore(),
}

describe.each(Object.entries(STORES))('%s', (_name, open) => {
  it('is a Store and an EventEmitter', () => {
    const store = open()
    expect([store instanceof Store, store instanceof EventEmitter]).toEqual([true, true])
    let heard = 0
    store.on('connect', () => heard++)
    store.emit('connect')
    expect(heard).toBe(1)
  })

  it('keeps sessions through requests, login and logout', async () => {
    const app = appOf(
      { store: open() },
      {
        ...ROUTES,
        '/login': (req, res) =>
          void req.session.regenerate(() => {
            req.session['user'] = 'ann'
            res.send('in')
          }),
      },
    )
    const agent = request.agent(app)
    await agent.get('/set/a/1')
    await agent.get('/set/b/2')
    expect((await agent.get('/all')).body).toEqual({ a: '1', b: '2' })
    await agent.get('/login')
    expect((await agent.get('/all')).body).toEqual({ user: 'ann' })
    await agent.get('/out')
    expect((await agent.get('/all')).body).toEqual({})
  })
})

describe('the stores of other packages', () => {
  it('are made by the drop-in as by express-session', () => {
    for (const name of ['connect-pg-simple', 'session-file-store']) {
      const Made = (load(name) as StoreMaker)(session)
      expect(Made.prototype instanceof Store).toBe(true)
    }
  })
})

describe('session', () => {
  it('has the classes of express-session', () => {
    expect([session.Store, session.MemoryStore]).toEqual([Store, MemoryStore])
    expect([session.Cookie, session.Session]).toEqual([Cookie, Session])
    expect([Store.name, MemoryStore.name]).toEqual(['Store', 'MemoryStore'])
  })

  it('makes stores without "new"', () => {
    const make = MemoryStore as unknown as () => unknown
    expect(make() instanceof MemoryStore).toBe(true)
    expect((Store as unknown as () => unknown)() instanceof Store).toBe(true)
  })
})

describe('MemoryStore', () => {
  const cookieFor = (ms: number) => new Cookie({ maxAge: ms }) as unknown as SessionData['cookie']
  const ask = <T>(
    call: (callback: (error: unknown, answer?: T) => void) => void,
  ): Promise<T | undefined> => new Promise((resolve) => call((_error, answer) => resolve(answer)))

  it('lists, counts and clears what lives', async () => {
    const store = new MemoryStore()
    store.set('a', { cookie: cookieFor(60_000) })
    store.set('b', { cookie: cookieFor(-1) })
    expect(
      Object.keys((await ask<object>((callback) => store.all(callback as never))) ?? {}),
    ).toEqual(['a'])
    expect(await ask<number>((callback) => store.length(callback))).toBe(1)
    await ask((callback) => store.clear(callback))
    expect(await ask((callback) => store.get('a', callback as Got))).toBeUndefined()
  })

  it('drops what has ended without being asked for it', () => {
    const store = new MemoryStore() as SessionStore & { sessions: Map<string, unknown> }
    for (let n = 0; n < 500; n++) store.set(`ended ${n}`, { cookie: cookieFor(-1) })
    expect(store.sessions.size).toBeLessThan(5)
  })

  it('hands out no object of its own', async () => {
    const store = new MemoryStore()
    const data = { cookie: cookieFor(60_000), list: [1] }
    store.set('a', data)
    data.list.push(2)
    expect(await ask((callback) => store.get('a', callback as Got))).toMatchObject({ list: [1] })
  })
})

describe('load', () => {
  it('gives a session that can be changed and saved without a request', async () => {
    const store = PLACES['store']?.() as SessionStore
    const app = appOf({ store }, ROUTES)
    const cookie = sentBack(await request(app).get('/set/a/1'))
    const id = (await request(app).get('/id').set('Cookie', cookie)).text
    const loaded = await new Promise<Session>((resolve) => {
      store.load(id, (_error, found) => resolve(found as unknown as Session))
    })
    Object.assign(loaded, { b: 2 })
    await new Promise((resolve) => loaded.save(resolve))
    expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({ a: '1', b: 2 })
    await new Promise((resolve) => loaded.reload(resolve))
    await new Promise((resolve) => loaded.destroy(resolve))
    expect((await request(app).get('/all').set('Cookie', cookie)).body).toEqual({})
  })
})
