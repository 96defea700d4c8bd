import { onTestFinished } from 'vitest'
import { createMemoryStore } from '../../../src/backends/memory.ts'
import type { Codec } from '../../../src/core/codec.ts'
import { InvalidValueError } from '../../../src/core/errors.ts'
import { isKey } from '../../../src/core/key.ts'
import { createBackend } from '../../../src/core/lifecycle.ts'
import type { Session } from '../../../src/core/session.ts'
import type { SessionBackend } from '../../../src/core/session-backend.ts'
import { createSessionManager } from '../../../src/manager.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import type { RequestSession } from '../../../src/request.ts'
import type { NamedSessionOptions } from '../../../src/request/adapter-options.ts'
import { createTestClock } from '../../../src/testing/clock.ts'
import type { TestClock } from '../../../src/testing/clock.ts'
import type { Application, Reply, Running, Serve } from '../servers/exchange.ts'
import { watchStore } from '../watched-store.ts'
import type { WatchedStore } from '../watched-store.ts'

/** The value of the sessions in the suite. */
export interface Cart {
  readonly items: number
}

/** A server with sessions on a memory store that is being watched. */
export interface Shop extends Running {
  readonly clock: TestClock
  readonly store: WatchedStore
  readonly backend: SessionBackend
  readonly sessions: SessionManager<Cart>
  /** Makes a session and gives its `Cookie` header. The calls it takes are forgotten. */
  readonly cookieWith: (cart: Cart, subject?: string) => Promise<string>
  /** The value behind a `Cookie` header. The calls it takes are forgotten. */
  readonly cartOf: (cookie: string) => Promise<Cart | undefined>
}

/** Any call of a request's session. */
export type Call = (session: RequestSession<Cart>) => Promise<unknown>

/** Every call that writes, by its name. */
export const WRITES: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['set', (session) => session.set({ items: 9 })],
  ['update', (session) => session.update(() => ({ items: 9 }))],
  ['clear', (session) => session.clear()],
  ['rotate', (session) => session.rotate()],
  ['bind', (session) => session.bind('ann', { items: 9 })],
])

/** A session in words: `none` for a cleared one too. */
export function describeCart(session: Session<Cart> | undefined): string {
  const cart: Cart | undefined = session?.value
  return cart === undefined ? 'none' : `${cart.items} items`
}

/** The cookie line of a session that was just made or written. */
export const FRESH_COOKIE =
  /^__Host-session=[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}; Max-Age=3600; Path=\/; Secure; HttpOnly; SameSite=Lax$/

/** The cookie line that evicts. */
export const EVICTION =
  '__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax'

const codec: Codec<Cart> = {
  encode: (cart) => JSON.stringify(cart),
  decode: (text) => {
    const value = JSON.parse(text) as Partial<Cart>
    if (typeof value.items !== 'number') throw new InvalidValueError('no cart')
    return { items: value.items }
  },
}

/** Starts a shop for one test, and closes it with that test. */
export async function openShop(
  serve: Serve,
  application: Application<Cart>,
  options?: NamedSessionOptions,
): Promise<Shop> {
  const clock = createTestClock()
  const store = watchStore(createMemoryStore(clock.now))
  const backend = createBackend(store, { period: 3600, absolute: 86_400 })
  const sessions = createSessionManager<Cart>({ backend, codec })
  const running = await serve(sessions, application, options)
  onTestFinished(() => running.close())
  return {
    ...running,
    clock,
    store,
    backend,
    sessions,
    cookieWith: async (cart, subject) => {
      const { key } = await sessions.generate(cart, { subject })
      store.takeCalls()
      return `__Host-session=${key}`
    },
    cartOf: async (cookie) => {
      const found = await sessions.fromHeaders(cookie)
      store.takeCalls()
      return found.ok ? found.session.value : undefined
    },
  }
}

/** The `Cookie` header of a client that got `reply`, which must set one session cookie and no other of its name. */
export function cookieFrom(reply: Reply): string {
  const own = reply.setCookies.filter((line) => line.startsWith('__Host-session='))
  const [pair = ''] = own[0]?.split(';') ?? []
  const key = pair.slice('__Host-session='.length)
  if (own.length !== 1 || !isKey(key)) throw new Error('the reply sets no single session cookie')
  return pair
}

/** A door that is shut until it is opened. */
export interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

export function createGate(): Gate {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
