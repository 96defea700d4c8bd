import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import session from '../../src/express-session.ts'
import type { SessionStore } from '../../src/express-session.ts'
import {
  appOf,
  cookiesOf,
  createBreakableStore,
  createHold,
  EXPRESS,
  ROUTES,
  SOME,
} from './fixture.ts'
import type { Handler, Hold } from './fixture.ts'

function slowStore(hold: Hold): SessionStore {
  const store = new session.MemoryStore()
  const set = store.set.bind(store)
  store.set = (sid, data, callback) => void hold.wait().then(() => set(sid, data, callback))
  return store
}

const WRITERS: Readonly<Record<string, Handler>> = {
  redirect: (_req, res) => res.redirect('/next'),
  json: (_req, res) => void res.json({ a: 1 }),
  'status only': (_req, res) => void res.sendStatus(204),
  'writeHead and end': (_req, res) => {
    res.writeHead(201, 'Made', { 'X-Own': 'yes', 'Set-Cookie': 'own=1' })
    res.end('made')
  },
  'writeHead with a list': (_req, res) => {
    res.setHeader('X-Own', 'no')
    res.writeHead(201, ['X-Own', 'yes', 'Set-Cookie', 'own=1'] as never)
    res.end('made')
  },
  stream: (_req, res) => void Readable.from(['a', 'b', 'c']).pipe(res),
  flushHeaders: (_req, res) => {
    res.flushHeaders()
    res.end('flushed')
  },
}

describe.each(Object.keys(EXPRESS) as (keyof typeof EXPRESS)[])('on %s', (version) => {
  it.each(Object.entries(WRITERS))('%s waits for the save', async (_name, writer) => {
    const hold = createHold()
    const set: Handler = (req, res, next) => {
      req.session['a'] = 1
      writer(req, res, next)
    }
    const app = appOf({ store: slowStore(hold) }, { '/': set }, version)
    let answered = false
    const answer = request(app)
      .get('/')
      .redirects(0)
      .then((got) => ((answered = true), got))
    await hold.reached
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(answered).toBe(false)
    hold.release()
    const got = await answer
    expect(cookiesOf(got).some((line) => line.startsWith('connect.sid='))).toBe(true)
    expect(got.status).toBeLessThan(400)
    expect([undefined, 'yes']).toContain(got.headers['x-own'])
  })

  it('a save that fails is an error of the request, not a half answer', async () => {
    const store = createBreakableStore()
    store.broken = true
    const app = appOf(
      { store },
      {
        '/': (req, res) => {
          req.session['a'] = 1
          res.redirect('/next')
        },
      },
      version,
    )
    const answer = await request(app).get('/').redirects(0)
    expect([answer.status, answer.text]).toEqual([500, 'the disk is full'])
    expect(answer.headers['location']).toBeUndefined()
    expect(cookiesOf(answer)).toEqual([])
  })

  it('what cannot be stored is an error of the request', async () => {
    const app = appOf(
      {},
      {
        '/': (req, res) => {
          req.session['a'] = 1n
          res.send('ok')
        },
      },
      version,
    )
    const answer = await request(app).get('/')
    expect([answer.status, answer.text]).toEqual([500, expect.stringContaining('BigInt')])
  })

  it('an error that a handler throws is answered, and the session saved', async () => {
    const app = appOf(
      {},
      {
        ...ROUTES,
        '/throw': (req) => {
          req.session['a'] = 1
          throw new Error('mine')
        },
      },
      version,
    )
    const agent = request.agent(app)
    const answer = await agent.get('/throw')
    expect([answer.text, cookiesOf(answer).length]).toEqual(['mine', 1])
    expect((await agent.get('/all')).body).toEqual({ a: 1 })
  })
})

describe('a response', () => {
  it('keeps its own headers, status and message beside the session’s', async () => {
    const app = appOf(
      {},
      {
        '/': (req, res, next) => {
          req.session['a'] = 1
          WRITERS['writeHead and end']?.(req, res, next)
        },
      },
    )
    const server = app.listen(0)
    const { port } = server.address() as AddressInfo
    const answer = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      get({ port, agent: false }, (got) => (got.resume(), resolve(got)))
    })
    server.close()
    expect([answer.statusCode, answer.statusMessage]).toEqual([201, 'Made'])
    expect(answer.headers['x-own']).toBe('yes')
    expect(answer.headers['set-cookie']).toHaveLength(2)
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('calls back from end and write, and hears what is said to it too late', async () => {
    const heard: unknown[] = []
    const app = appOf(
      {},
      {
        '/': (req, res) => {
          req.session['a'] = 1
          heard.push(res.write('a', () => heard.push('written')))
          heard.push(res.headersSent)
          res.status(500)
          res.end('b', () => heard.push('ended'))
          res.end('c')
        },
      },
    )
    const answer = await request(app).get('/')
    expect([answer.status, answer.text]).toEqual([200, 'ab'])
    await new Promise(setImmediate)
    expect(heard).toEqual([false, true, 'written', 'ended'])
  })

  it('saves what changes after its headers have left, before it ends', async () => {
    const app = appOf(
      {},
      {
        ...ROUTES,
        '/late': (req, res) => {
          req.session['a'] = 1
          res.write('a')
          setTimeout(() => {
            req.session['b'] = 2
            res.end('b')
          }, 5)
        },
      },
    )
    const agent = request.agent(app)
    expect((await agent.get('/late')).text).toBe('ab')
    expect((await agent.get('/all')).body).toEqual({ a: 1, b: 2 })
  })

  it('that begins before a new session has data sets no cookie, and leaves nothing stored', async () => {
    const store = new session.MemoryStore()
    const app = appOf(
      { store },
      {
        '/': (req, res) => {
          res.write('a')
          req.session['b'] = 2
          res.end('b')
        },
      },
    )
    expect(cookiesOf(await request(app).get('/'))).toEqual([])
    expect(await new Promise((resolve) => store.length?.((_error, n) => resolve(n)))).toBe(0)
  })

  it('that others patch too asks for its implicit head as often as they like', async () => {
    const app = EXPRESS['Express 5']()
    app.use(session(SOME))
    app.use((_req, res, next) => {
      const patched = res as unknown as { _header: unknown; _implicitHeader(): void }
      const [write, end] = [res.write.bind(res), res.end.bind(res)]
      const head = (): void => void (patched._header || patched._implicitHeader())
      res.write = ((chunk: string) => (head(), write(chunk, 'utf8'))) as never
      res.end = (() => (head(), end())) as never
      next()
    })
    app.get('/', (req, res) => {
      Object.assign(req.session, { a: 1 })
      res.write('a')
      res.write('b')
      res.end()
    })
    const answer = await request(app).get('/')
    expect([answer.text, cookiesOf(answer).length]).toEqual(['ab', 1])
  })

  it('of node:http alone works, and so does none at all', async () => {
    const middleware = session(SOME)
    const server = createServer((req, res) => {
      middleware(req, res, () => {
        const seen = req as unknown as { session: { n?: number } }
        seen.session.n = (seen.session.n ?? 0) + 1
        res.end(String(seen.session.n))
      })
    })
    const agent = request.agent(server)
    expect((await agent.get('/')).text).toBe('1')
    expect((await agent.get('/')).text).toBe('2')
    const upgrade = { headers: {}, url: '/' } as { headers: object; sessionID?: string }
    middleware(upgrade as never, {} as never, () => {})
    expect(upgrade.sessionID).toHaveLength(32)
  })
})
