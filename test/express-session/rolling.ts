import { createRequire } from 'node:module'
import type express from 'express'
import theirs from 'express-session'
import request from 'supertest'
import { expect, it } from 'vitest'
import type { SessionBackend } from '../../src/index.ts'
import type { SessionOptions } from '../../src/express-session.ts'
import { appOf, ROUTES, SOME } from './fixture.ts'
import type { Handler } from './fixture.ts'

/** Old and new processes on one server: each call makes what a process of its own would have. */
export interface Rolling {
  /** A store of the old package, on a connection of its own. */
  readonly openStore: () => Promise<theirs.Store>
  readonly openBackend: () => Promise<SessionBackend>
  /** How many records the old store has. */
  readonly countOld: () => Promise<number>
}

type Site = { readonly server: ReturnType<express.Express['listen']>; readonly kind: string }

const USERS = ['ann', 'bob', 'cyd']
const COOKIE = { maxAge: 600_000 }
const express5 = createRequire(import.meta.url)('express') as typeof express

const SHOP: Readonly<Record<string, Handler>> = {
  ...ROUTES,
  '/login/:user': (req, res, next) =>
    void req.session.regenerate((error) => {
      if (error) return next(error)
      req.session['user'] = req.params['user']
      res.redirect('/')
    }),
  '/who': (req, res) => void res.send(String(req.session['user'])),
}

/** A browser, which takes every cookie that it is given. */
class Browser {
  #cookie = ''

  async go({ server }: Site, path: string): Promise<string> {
    const answer = await request(server).get(path).redirects(0).set('Cookie', this.#cookie)
    const [line] = (answer.headers['set-cookie'] as unknown as string[] | undefined) ?? []
    if (line !== undefined) this.#cookie = line.split(';')[0] ?? ''
    return answer.text
  }

  get hasKey(): boolean {
    return /^connect\.sid=s%3A[\w-]{22}\.[\w-]{43}\./.test(this.#cookie)
  }
}

/** The way from express-session to a backend, with every visitor logged in all the way, and one logged out. */
export function rollingSuite({ openStore, openBackend, countOld }: Rolling): void {
  const sites: Site[] = []

  async function deploy(kind: 'express-session' | 'shared' | 'upgrade' | 'after'): Promise<Site> {
    const app =
      kind === 'express-session' ? oldApp(await openStore()) : appOf(await optionsOf(kind), SHOP)
    const site = { server: app.listen(0), kind }
    sites.push(site)
    return site
  }

  async function optionsOf(kind: 'shared' | 'upgrade' | 'after'): Promise<Partial<SessionOptions>> {
    const backend = await openBackend()
    if (kind === 'after') return { backend, cookie: COOKIE }
    return { store: await openStore(), backend, compat: kind, cookie: COOKIE }
  }

  it('logs nobody out, whichever processes are old and whichever are new', async () => {
    const browsers = USERS.map(() => new Browser())
    const leaver = new Browser()

    /** Everybody visits every process, several at once, and is still there; what they add stays. */
    async function visitAll(...processes: readonly Site[]): Promise<void> {
      for (const site of [...processes, ...processes.toReversed()]) {
        const seen = browsers.map((browser) => browser.go(site, '/who'))
        expect(await Promise.all(seen)).toEqual(USERS)
      }
    }

    const [old, old2] = [await deploy('express-session'), await deploy('express-session')]
    for (const [index, user] of USERS.entries()) await browsers[index]?.go(old, `/login/${user}`)
    await leaver.go(old, '/login/dan')
    await visitAll(old, old2)

    // Half of the processes are new, and visitors log in on either kind.
    const [shared, shared2] = [await deploy('shared'), await deploy('shared')]
    await visitAll(old, shared, old2, shared2)
    await browsers[0]?.go(shared, '/login/ann')
    await browsers[1]?.go(old, '/login/bob')
    await browsers[2]?.go(shared, '/set/cart/3')
    await visitAll(old, shared)
    expect(await browsers[2]?.go(old, '/all')).toContain('"cart":"3"')

    // Back to the old version, and on again.
    await visitAll(old, old2)
    await visitAll(shared, shared2)
    expect(browsers.map(({ hasKey }) => hasKey)).toEqual([false, false, false])

    // The old ones are gone. Half of the others upgrade, and each visitor's first requests come together.
    const upgrade = await deploy('upgrade')
    const firsts = browsers.map((browser) =>
      Promise.all(
        ['/who', '/set/a/1', '/set/b/2', '/who'].map((path) => browser.go(upgrade, path)),
      ),
    )
    await Promise.all(firsts)
    await visitAll(shared, upgrade, shared2)
    const all = JSON.parse((await browsers[1]?.go(shared, '/all')) ?? '') as unknown
    expect(all).toEqual({ user: 'bob', a: '1', b: '2' })
    expect(browsers.map(({ hasKey }) => hasKey)).toEqual([true, true, true])

    // A logout is one everywhere, for a session that has not moved and for one that has.
    expect(await leaver.go(shared, '/who')).toBe('dan')
    await leaver.go(shared, '/out')
    for (const site of [upgrade, shared, old]) {
      expect(await leaver.go(site, '/who')).toBe('undefined')
    }
    expect(await countOld()).toBe(0)

    const [upgrade2, after] = [await deploy('upgrade'), await deploy('after')]
    await visitAll(upgrade, upgrade2, after)
    await browsers[0]?.go(upgrade, '/out')
    expect(await browsers[0]?.go(after, '/who')).toBe('undefined')
    sites.forEach(({ server }) => server.close())
  })
}

function oldApp(store: theirs.Store): express.Express {
  const app = express5()
  app.use(theirs({ ...SOME, store, cookie: COOKIE }))
  for (const [path, handler] of Object.entries(SHOP)) app.all(path, handler as never)
  return app
}
