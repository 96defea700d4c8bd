// The same requests to express-session and to the drop-in, with every combination of the options that decide about
// cookies and writes: what a client sees is the same, but for the ids.
import { createRequire } from 'node:module'
import type express from 'express'
import theirs from 'express-session'
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import ours from '../../src/express-session.ts'
import type { SessionOptions } from '../../src/express-session.ts'
import { cookiesOf, PLACES, ROUTES } from './fixture.ts'
import type { Handler } from './fixture.ts'

const express5 = createRequire(import.meta.url)('express') as typeof express

const VISITOR = '/none /none /set/a/1 /none /all /set/a/1 /set/b/2 /shorter /all'
const USER = '/login /all /none /touched /unset /all /saved /all'
const PATHS = `${VISITOR} ${USER}`.split(' ')

const SHOP: Readonly<Record<string, Handler>> = {
  ...ROUTES,
  '/shorter': (req, res) => {
    req.session['b'] = 3
    req.session.cookie.maxAge = 30_000
    res.send('shorter')
  },
  '/login': (req, res) =>
    void req.session.regenerate(() => {
      req.session['user'] = 'ann'
      res.redirect('/')
    }),
  '/touched': (req, res) => {
    req.session.touch()
    res.send(String(req.session.cookie.originalMaxAge))
  },
  '/unset': (req, res) => {
    delete (req as { session?: unknown }).session
    res.send('unset')
  },
  '/saved': (req, res) => {
    req.session['c'] = { d: [1] }
    req.session.save(() => res.send('saved'))
  },
}

const BOTH = [true, false] as const
const CASES = BOTH.flatMap((saveUninitialized) =>
  BOTH.flatMap((rolling) =>
    BOTH.flatMap((resave) =>
      [null, 60_000].map((maxAge) => ({
        saveUninitialized,
        rolling,
        resave,
        cookie: { maxAge, sameSite: 'lax' as const },
      })),
    ),
  ),
)

async function seenWith(middleware: unknown): Promise<unknown[]> {
  const app = express5()
  app.use(middleware as express.RequestHandler)
  for (const [path, handler] of Object.entries(SHOP)) app.all(path, handler as never)
  const server = app.listen(0)
  const agent = request.agent(server)
  const seen: unknown[] = []
  for (const path of PATHS) {
    const answer = await agent.get(path).redirects(0)
    const lines = cookiesOf(answer).map((line) =>
      line.replace(/=s%3A[^;]+/, '=ID').replace(/Expires=([^;]+)/, (_all, date: string) => {
        const minutes = (Date.parse(date) - Date.now()) / 60_000
        return `Expires in ${minutes.toFixed(1)} min`
      }),
    )
    // An original maxAge may be a millisecond short there, since it is computed from its end.
    const text = answer.text.replace(/^(29|59)\d{3}$/, (ms) =>
      String(Math.ceil(Number(ms) / 1000) * 1000),
    )
    seen.push([path, answer.status, text, lines])
  }
  server.close()
  return seen
}

describe('a client of the drop-in', () => {
  it.each(CASES)('sees what it sees with express-session: %j', async (options) => {
    const common = { secret: 'keyboard cat', ...options }
    const expected = await seenWith(theirs(common as theirs.SessionOptions))
    for (const open of Object.values(PLACES)) {
      const own = { ...common, store: open() } as SessionOptions
      expect(await seenWith(ours(own))).toEqual(expected)
    }
  })
})
