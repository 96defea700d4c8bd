import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { startWorker } from '../processes/worker-process.ts'
import type { WorkerProcess } from '../processes/worker-process.ts'

/** Where the sessions of the site are. */
export interface Rolling {
  /** The stores of its processes, by turns: names of rolling-process.ts. */
  readonly stores: readonly [string, string]
  /** The address of its server, and a prefix or a schema of its own. */
  readonly place: () => readonly [url: string, name: string]
  /** How many records the old store has. */
  readonly countOld: () => Promise<number>
}

type Kind = 'express-session' | 'shared' | 'upgrade' | 'after'

/** A process, with a memory of its own. */
interface Site {
  readonly origin: string
  readonly worker: WorkerProcess
}

const USERS = ['ann', 'bob', 'cyd']
const PROCESS = new URL('rolling-process.ts', import.meta.url)

/** A browser, which takes every cookie that it is given. */
class Browser {
  #cookie = ''

  async go({ origin }: Site, path: string): Promise<string> {
    const answer = await request(origin).get(path).redirects(0).set('Cookie', this.#cookie)
    const [line] = (answer.headers['set-cookie'] as unknown as string[] | undefined) ?? []
    if (line !== undefined) this.#cookie = line.split(';')[0] ?? ''
    return answer.text
  }

  get hasKey(): boolean {
    return /^connect\.sid=s%3A[\w-]{22}\.[\w-]{43}\./.test(this.#cookie)
  }
}

/** The way from express-session to a backend, with every visitor logged in all the way, and one logged out. */
export function rollingSuite({ stores, place, countOld }: Rolling): void {
  const sites: Site[] = []
  // Processes that load the same files need not compile them again.
  const cache = mkdtempSync(join(tmpdir(), 'sojourn-rolling-'))
  afterAll(() => rmSync(cache, { recursive: true, force: true }))

  async function start(kind: Kind, store: string): Promise<Site> {
    const parameters = [kind, store, ...place()]
    const worker = await startWorker(PROCESS, parameters, { NODE_COMPILE_CACHE: cache })
    const site = { worker, origin: `http://127.0.0.1:${await worker.line()}` }
    sites.push(site)
    return site
  }

  /** Starts two processes, which end with the test. */
  async function deploy(kind: Kind): Promise<readonly [Site, Site]> {
    return Promise.all([start(kind, stores[0]), start(kind, stores[1])])
  }

  async function stop(): Promise<void> {
    for (const { worker } of sites) worker.go()
    await Promise.all(sites.map(({ worker }) => worker.done))
  }

  it(
    'logs nobody out, whichever processes are old and whichever are new',
    { timeout: 120_000 },
    async () => {
      onTestFinished(stop)
      const browsers = USERS.map(() => new Browser())
      const leaver = new Browser()

      /** Everybody visits every process, several at once, and is still there; what they add stays. */
      async function visitAll(...processes: readonly Site[]): Promise<void> {
        for (const site of [...processes, ...processes.toReversed()]) {
          const seen = browsers.map((browser) => browser.go(site, '/who'))
          expect(await Promise.all(seen)).toEqual(USERS)
        }
      }

      const [old, old2] = await deploy('express-session')
      for (const [index, user] of USERS.entries()) await browsers[index]?.go(old, `/login/${user}`)
      await leaver.go(old, '/login/dan')
      await visitAll(old, old2)

      // Half of the processes are new, and visitors log in on either kind.
      const [shared, shared2] = await deploy('shared')
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
      const [upgrade, upgrade2] = await deploy('upgrade')
      const firsts = browsers.map((browser) =>
        Promise.all(
          ['/who', '/set/a/1', '/set/b/2', '/who'].map((path, at) =>
            browser.go(at % 2 === 0 ? upgrade : upgrade2, path),
          ),
        ),
      )
      await Promise.all(firsts)
      await visitAll(shared, upgrade, shared2, upgrade2)
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

      const [after, after2] = await deploy('after')
      await visitAll(upgrade, after, upgrade2, after2)
      await browsers[0]?.go(upgrade, '/out')
      expect(await browsers[0]?.go(after, '/who')).toBe('undefined')

      const asked = sites.map((site) => leaver.go(site, '/process'))
      expect(new Set([...(await Promise.all(asked)), String(process.pid)]).size).toBe(9)
    },
  )
}
