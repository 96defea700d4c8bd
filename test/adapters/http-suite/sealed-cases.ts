import { CookieJar } from 'tough-cookie'
import { expect, it, onTestFinished } from 'vitest'
import { createCookieBackend, createMemoryRevocations } from '../../../src/backends/cookie.ts'
import type { RevocationStore } from '../../../src/backends/cookie.ts'
import { createSessionManager } from '../../../src/manager.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import { createTestClock } from '../../../src/testing/clock.ts'
import type { Application, Reply, Serve } from '../servers/exchange.ts'

const NAME = '__Host-session'
const SITE = 'https://shop.example/'

/** A client that keeps cookies as browsers do: by name, attributes and lifetime. */
function createBrowser(ask: (path: string, cookie: string) => Promise<Reply>) {
  const jar = new CookieJar()
  const cookie = () => jar.getCookieStringSync(SITE)
  return {
    cookie,
    names: () => jar.getCookiesSync(SITE).map(({ key }) => key),
    visit: async (path: string, sent = cookie()): Promise<Reply> => {
      const reply = await ask(path, sent)
      const names = reply.setCookies.map((line) => line.split('=')[0])
      // RFC 6265bis §4.1.1: no two of one name in one answer.
      expect(new Set(names).size).toBe(names.length)
      for (const line of reply.setCookies) jar.setCookieSync(line, SITE)
      return reply
    },
  }
}

const createApplication =
  (sessions: SessionManager<string>): Application<string> =>
  async ({ path, session, header }) => {
    const [, action = '', text = ''] = path.split('/')
    header('Set-Cookie', 'other=1; Path=/')
    if (action === 'set') await session.set('x'.repeat(Number(text)))
    if (action === 'twice') {
      await session.set('x'.repeat(Number(text)))
      await session.set('short')
    }
    if (action === 'bind') await session.bind(text, 'new')
    if (action === 'rotate') await session.rotate()
    if (action === 'clear') await session.clear()
    if (action === 'others') {
      // As docs/stateless.md has it.
      await session.clear()
      await sessions.clearSubject(text)
      await session.bind(text, 'anew')
    }
    const found = await session.load()
    return found === undefined ? 'none' : `${found.value.length} ${found.subject}`
  }

async function open(serve: Serve, revocations?: RevocationStore) {
  const clock = createTestClock()
  const secrets = ['a secret for the tests, of more than 32 characters']
  const common = { secrets, audience: 'test', period: 600, now: clock.now }
  const backend = createCookieBackend({ ...common, maxBytes: 12_288, revocations })
  const sessions = createSessionManager<string>({ backend })
  const server = await serve(sessions, createApplication(sessions))
  onTestFinished(() => server.close())
  return { clock, ...createBrowser((path, cookie) => server.ask(path, cookie)) }
}

/** A session that is sealed into its cookies. */
export function sealedCases(serve: Serve): void {
  it('comes back from one cookie and from four, and leaves none over when it shrinks', async () => {
    const { visit, names, clock } = await open(serve)
    for (const [length, count] of [
      [10, 1],
      [5000, 2],
      [9000, 4],
      [6000, 3],
      [10, 1],
    ] as const) {
      await visit(`/set/${length}`)
      expect(names()).toHaveLength(count + 1)
      expect((await visit('/')).body).toBe(`${length} undefined`)
      clock.advance(1)
    }
    expect(names().toSorted()).toEqual([NAME, 'other'])
  })

  it('sets the cookies of the last of many writes, and no others', async () => {
    const { visit, names } = await open(serve)
    const reply = await visit('/twice/8800')
    expect(reply.setCookies.filter((line) => line.startsWith(`${NAME}=`))).toHaveLength(1)
    expect(reply.header('cache-control')).toBe('no-store')
    expect(reply.header('vary')).toBe('Cookie')
    expect(names().toSorted()).toEqual([NAME, 'other'])
    expect((await visit('/')).body).toBe('5 undefined')
  })

  it('says nothing for a read, and moves on with one that is due', async () => {
    const { visit, cookie, clock } = await open(serve)
    await visit('/set/5000')
    const before = cookie()
    expect((await visit('/')).setCookies).toEqual(['other=1; Path=/'])
    clock.advance(400)
    await visit('/')
    expect(cookie()).not.toBe(before)
    clock.advance(400)
    expect((await visit('/')).body).toBe('5000 undefined')
    expect((await visit('/', before)).body).toBe('none')
  })

  it('is gone from the browser after a logout, whole or in part', async () => {
    const { visit, names, cookie } = await open(serve)
    await visit('/set/8800')
    const part = cookie().split('; ').slice(0, 3).join('; ')
    await visit('/clear')
    expect(names()).toEqual(['other'])
    await visit('/set/8800')
    expect((await visit('/', part)).body).toBe('none')
    await visit('/clear', part)
    expect(names()).toEqual(['other'])
  })

  it('is not logged in by a cookie planted before the login', async () => {
    const { visit, cookie } = await open(serve)
    await visit('/set/100')
    const planted = cookie()
    expect((await visit('/bind/ann')).body).toBe('100 ann')
    expect((await visit('/')).body).toBe('100 ann')
    expect((await visit('/', planted)).body).toBe('100 undefined')
  })

  it('is dead everywhere after a logout or a rotation, where there are revocations', async () => {
    const { visit, cookie } = await open(serve, createMemoryRevocations())
    await visit('/set/100')
    const first = cookie()
    await visit('/rotate')
    expect((await visit('/')).body).toBe('100 undefined')
    const second = cookie()
    expect((await visit('/', first)).body).toBe('none')
    await visit('/clear')
    for (const dead of [first, second]) expect((await visit('/', dead)).body).toBe('none')
  })

  it('is logged out everywhere but here, by one that is begun anew', async () => {
    const { visit, cookie } = await open(serve, createMemoryRevocations())
    await visit('/bind/ann')
    const elsewhere = cookie()
    expect((await visit('/others/ann')).body).toBe('4 ann')
    expect((await visit('/')).body).toBe('4 ann')
    expect((await visit('/', elsewhere)).body).toBe('none')
  })
}
