// A sensitive step over real HTTP: refused until the user has lately proved, by two factors, who they are. The time is
// the store's, which the test moves.
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createCookieBackend } from '../../src/backends/cookie.ts'
import { createSessionManager, isSessionError } from '../../src/index.ts'
import type { Backend } from '../../src/index.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import type { Exchange, Serve } from '../adapters/servers/exchange.ts'
import { ADAPTERS, createVisitor } from './support/target.ts'

const SECRET = 'a secret for the tests, of more than 32 characters'
const BACKENDS: readonly (readonly [name: string, create: (now: () => number) => Backend])[] = [
  ['a store', (now) => createMemoryBackend({ now, sweepEveryMs: 0 })],
  [
    'sealed cookies',
    (now) => createCookieBackend({ secrets: [SECRET], audience: 'bank', now, maxBytes: 2000 }),
  ],
]
const EACH = ADAPTERS.flatMap(([adapter, serve]) =>
  BACKENDS.map(([backend, create]) => [adapter, backend, serve, create] as const),
)
const OF_NOBODY = '403 anonymous'
const TOO_LATE = '403 too_long_ago'
const TOO_WEAK = '403 assurance'

/** A bank: `/login` by password, `/code` for the second factor, `/pay` within five minutes of it, `/email` of either. */
async function bank(exchange: Exchange<{ paid: number }>): Promise<string> {
  const { path, session } = exchange
  try {
    if (path === '/login') await session.bind('ann', { paid: 0 }, { assurance: 'aal1' })
    if (path === '/code') await session.rotate({ authenticated: true, assurance: 'aal2' })
    if (path === '/email') await session.requireRecentAuthentication(300)
    if (path === '/pay') {
      const { value } = await session.requireRecentAuthentication(300, { assurance: 'aal2' })
      await session.set({ paid: value.paid + 1 })
    }
    return `paid ${(await session.load())?.value.paid}`
  } catch (error) {
    if (!isSessionError(error) || error.code !== 'ERR_SESSION_AUTHENTICATION_REQUIRED') throw error
    exchange.status = error.status
    return error.reason
  }
}

async function openBank(serve: Serve, create: (now: () => number) => Backend) {
  const clock = createTestClock()
  const sessions = createSessionManager<{ paid: number }>({ backend: create(clock.now) })
  const { ask, close } = await serve(sessions, bank)
  onTestFinished(close)
  const { visit, cookie } = createVisitor(ask)
  const go = async (path: string): Promise<string> => {
    const { status, body } = await visit(path)
    return `${status} ${body}`
  }
  return { clock, go, cookie, ask }
}

describe.each(EACH)('a sensitive step, through %s, on %s,', (_adapter, _backend, serve, create) => {
  it('is refused until the user authenticates again, and is then allowed for as long', async () => {
    const { clock, go } = await openBank(serve, create)
    expect(await go('/email')).toBe(OF_NOBODY)
    expect(await go('/login')).toBe('200 paid 0')
    expect(await go('/email')).toBe('200 paid 0')
    clock.advance(299)
    expect(await go('/email')).toBe('200 paid 0')
    clock.advance(1)
    expect(await go('/email')).toBe(TOO_LATE)
    expect(await go('/')).toBe('200 paid 0')
    await go('/login')
    expect(await go('/email')).toBe('200 paid 0')
  })

  it('that asks for two factors is refused after one', async () => {
    const { clock, go } = await openBank(serve, create)
    await go('/login')
    expect(await go('/pay')).toBe(TOO_WEAK)
    await go('/code')
    expect(await go('/pay')).toBe('200 paid 1')
    clock.advance(299)
    expect(await go('/pay')).toBe('200 paid 2')
    clock.advance(1)
    expect(await go('/pay')).toBe(TOO_LATE)
    // A password alone is recent again, and worth less than before.
    await go('/login')
    expect(await go('/pay')).toBe(TOO_WEAK)
    await go('/code')
    expect(await go('/pay')).toBe('200 paid 3')
  })

  it('is refused to a visitor with an account’s cookie of before the login', async () => {
    const { go, ask, cookie } = await openBank(serve, create)
    await go('/login')
    const before = cookie()
    await go('/code')
    expect(await go('/pay')).toBe('200 paid 1')
    const { status, body } = await ask('/pay', before)
    expect(`${status} ${body}`).not.toMatch(/^200/)
  })
})
