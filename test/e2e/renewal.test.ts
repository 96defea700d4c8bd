// A client over real HTTP whose session is given new keys: in parallel, with a response lost, with a copy stolen.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import type { LifecyclePolicy } from '../../src/index.ts'
import { createSessionManager, onSessionEvent } from '../../src/index.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createTestClock } from '../../src/testing/clock.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

/** A shop that counts visits, renews keys every ten minutes, and answers `/slow` when it is told to. */
async function openShop(policy: LifecyclePolicy = {}) {
  const clock = createTestClock()
  const options = { period: 100_000, renewAfter: 600, renewGrace: 30, ...policy }
  const backend = createMemoryBackend({ ...options, now: clock.now, sweepEveryMs: 0 })
  const sessions = createSessionManager<number>({ backend })
  const adapter = createNodeAdapter(sessions)
  let loaded = (): void => {}
  let answer = (): void => {}
  const isLoaded = new Promise<void>((resolve) => (loaded = resolve))
  const mayAnswer = new Promise<void>((resolve) => (answer = resolve))
  const server = createServer((request, response) => {
    const serve = async (): Promise<void> => {
      const session = adapter(request, response)
      if (request.url === '/login') await session.bind('ann', 0)
      const here = await session.load()
      if (request.url === '/slow') {
        loaded()
        await mayAnswer
      }
      if (here === undefined) response.statusCode = 401
      else response.write(String(await session.update((visits = 0) => visits + 1)))
      response.end()
    }
    serve().catch(() => response.writeHead(503).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(
    () => server.close(),
    () => backend.close(),
  )
  const { port } = server.address() as AddressInfo

  /** One request with that cookie: its status, its body, and the cookie that the client then has. */
  async function ask(path: string, cookie = '') {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } })
    const body = await response.text()
    const [line] = response.headers.getSetCookie()
    return { status: response.status, body, cookie: line?.split(';')[0] ?? cookie }
  }
  return { ask, clock, isLoaded, answer: () => answer(), sessions }
}

describe('a key that is renewed', () => {
  it('is renewed once by all requests of a page, and none of them is lost', async () => {
    const { ask, clock } = await openShop()
    const { cookie } = await ask('/login')
    clock.advance(600)
    const page = await Promise.all(Array.from({ length: 12 }, () => ask('/', cookie)))
    expect(new Set(page.map((answer) => answer.cookie)).size).toBe(1)
    expect(page[0]?.cookie).not.toBe(cookie)
    expect(page.map(({ body }) => Number(body)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 12 }, (_, index) => index + 2),
    )
  })

  it('leaves a slow request its session, and the client its new key', async () => {
    const { ask, clock, isLoaded, answer } = await openShop()
    const { cookie } = await ask('/login')
    clock.advance(590)
    const slow = ask('/slow', cookie)
    await isLoaded
    clock.advance(10)
    const next = await ask('/', cookie)
    expect((await ask('/', next.cookie)).status).toBe(200)
    answer()
    // No cookie came with it: a browser keeps the new one.
    expect(await slow).toEqual({ status: 200, body: '4', cookie })
    clock.advance(3000)
    expect((await ask('/', next.cookie)).status).toBe(200)
  })

  it('is given again to a client whose response was lost, however late', async () => {
    const { ask, clock } = await openShop()
    const { cookie } = await ask('/login')
    clock.advance(600)
    const lost = await ask('/', cookie)
    clock.advance(90_000)
    const again = await ask('/', cookie)
    expect(again).toMatchObject({ status: 200, cookie: lost.cookie })
  })

  it.each(['report', 'end'] as const)('replayed after the grace: %s', async (onReuse) => {
    const reused: unknown[] = []
    closing.push(onSessionEvent('sojourn:key.reused', (event) => reused.push(event)))
    const { ask, clock } = await openShop({ onReuse })
    const stolen = (await ask('/login')).cookie
    clock.advance(600)
    const { cookie } = await ask('/', stolen)
    expect((await ask('/', cookie)).status).toBe(200)
    clock.advance(29)
    expect((await ask('/', stolen)).status).toBe(200)
    clock.advance(1)
    expect((await ask('/', stolen)).status).toBe(401)
    expect(reused).toMatchObject([{ subject: 'ann', ended: onReuse === 'end' }])
    expect((await ask('/', cookie)).status).toBe(onReuse === 'end' ? 401 : 200)
  })

  it('dies with its successor at the next login', async () => {
    const { ask, clock } = await openShop()
    const { cookie } = await ask('/login')
    clock.advance(600)
    const next = await ask('/', cookie)
    const login = await ask('/login', cookie)
    for (const dead of [cookie, next.cookie]) expect((await ask('/', dead)).status).toBe(401)
    expect((await ask('/', login.cookie)).status).toBe(200)
  })
})
