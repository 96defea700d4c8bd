import { onTestFinished } from 'vitest'
import { createMemoryStore } from '../../../src/backends/memory.ts'
import { createBackend } from '../../../src/core/lifecycle.ts'
import type { LifecyclePolicy } from '../../../src/core/lifecycle.ts'
import { createSessionManager } from '../../../src/manager.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import { createTestClock } from '../../../src/testing/clock.ts'
import type { TestClock } from '../../../src/testing/clock.ts'
import { fetchHandler, overHttp } from '../../adapters/servers/fetch.ts'
import { serveNode } from '../../adapters/servers/node.ts'
import type { Exchange, Reply, Serve } from '../../adapters/servers/exchange.ts'
import { watchStore } from '../../adapters/watched-store.ts'
import type { WatchedStore } from '../../adapters/watched-store.ts'

/** What the sessions of the attacked site hold. */
export interface Basket {
  readonly items: number
}

/** Somebody at a browser of their own: one jar with whatever the site has set, or an attacker has planted. */
export interface Visitor {
  /** Asks for the page, with all cookies of the jar, and keeps what the site sets. */
  readonly visit: (path: string) => Promise<Reply>
  /** Whom the site takes the visitor for: `nobody`, `a guest with 1 items`, `ann with 1 items`. */
  readonly look: () => Promise<string>
  /** The site's own cookie, as `name=key`. */
  readonly cookie: () => string
  /** Puts a cookie into the jar, before the site's own: it came from another path or host. */
  readonly plant: (pair: string) => void
}

/** A site with nothing but the defaults, and a look at what reaches its store. */
export interface Target {
  readonly clock: TestClock
  readonly store: WatchedStore
  readonly sessions: SessionManager<Basket>
  readonly ask: (path: string, ...cookies: string[]) => Promise<Reply>
  readonly visitor: () => Visitor
}

/** The two adapters over `node:http`, for `describe.each`. */
export const ADAPTERS: readonly (readonly [name: string, serve: Serve])[] = [
  ['the node adapter', serveNode],
  ['the fetch adapter', overHttp(fetchHandler)],
]

const NAME = '__Host-session'

/** A shop that shows who one is, sells, and lets in whoever says a name: `/login/ann`. */
export async function shop({ path, session }: Exchange<Basket>): Promise<string> {
  const [, action, name = ''] = path.split('/')
  if (action === 'buy')
    await session.update((basket = { items: 0 }) => ({ items: basket.items + 1 }))
  else if (action === 'login') await session.bind(name, { items: 0 })
  else if (action === 'rotate') await session.rotate()
  else if (action === 'logout') await session.clear()
  const loaded = await session.load()
  if (loaded === undefined) return 'nobody'
  return `${loaded.subject ?? 'a guest'} with ${loaded.value.items} items`
}

/** Starts the site for one test, and closes it with that test. */
export async function openTarget(serve: Serve, policy: LifecyclePolicy = {}): Promise<Target> {
  const clock = createTestClock()
  const store = watchStore(createMemoryStore(clock.now))
  const sessions = createSessionManager<Basket>({ backend: createBackend(store, policy) })
  const { ask, close } = await serve(sessions, shop)
  onTestFinished(close)
  return { clock, store, sessions, ask, visitor: () => createVisitor(ask) }
}

/** A visitor of whatever site `ask` leads to. */
export function createVisitor(ask: Target['ask']): Visitor {
  const planted: string[] = []
  let own = ''

  async function visit(path: string): Promise<Reply> {
    const cookies = [...planted, own].filter((pair) => pair !== '')
    const reply = await ask(path, ...(cookies.length > 0 ? [cookies.join('; ')] : []))
    for (const line of reply.setCookies) {
      if (line.startsWith(`${NAME}=`)) own = line.includes('Max-Age=0') ? '' : pairOf(line)
    }
    return reply
  }

  return {
    visit,
    look: async () => (await visit('/')).body,
    cookie: () => own,
    plant: (pair) => void planted.push(pair),
  }
}

function pairOf(line: string): string {
  return line.split(';')[0] ?? ''
}

/** The key in a `name=key` pair. */
export function keyIn(pair: string): string {
  return pair.slice(NAME.length + 1)
}

/** The public half of the key in a pair. */
export function handleIn(pair: string): string {
  return keyIn(pair).split('.')[0] ?? ''
}

/** The pair with another key. */
export function pairWith(key: string): string {
  return `${NAME}=${key}`
}
