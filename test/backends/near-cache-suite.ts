import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import type { NearCacheOptions } from '../../src/backends/redis.ts'
import { createSessionManager } from '../../src/index.ts'
import type { SessionBackend, SessionManager } from '../../src/index.ts'

const BOUND = 0.4

/** Makes the backends of two processes on the same records. */
export type Open = (
  nearCache: NearCacheOptions,
) => Promise<readonly [SessionBackend, SessionBackend]>

async function serve(sessions: SessionManager<number>): Promise<string> {
  const sessionOf = createNodeAdapter(sessions)
  const answer = {
    '/': async (session: ReturnType<typeof sessionOf>) =>
      session.load().then((found) => found?.value),
    '/login': async (session: ReturnType<typeof sessionOf>) => session.bind('ann', 1),
    '/logout': async (session: ReturnType<typeof sessionOf>) => session.clear(),
  }
  const server = createServer((request, response) => {
    answer[request.url as keyof typeof answer](sessionOf(request, response)).then(
      (value) => response.end(typeof value === 'number' ? String(value) : 'none'),
      (error: unknown) => response.destroy(error as Error),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What must hold of the near caches of two processes on a real engine. */
export function nearCacheSuite(open: Open): void {
  it('shows over HTTP a logout at another server within the bound, and at its own at once', async () => {
    const backends = await open({ maxStaleness: BOUND })
    const [here = '', there = ''] = await Promise.all(
      backends.map((backend) => serve(createSessionManager<number>({ backend }))),
    )
    const login = await fetch(`${here}/login`)
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const get = async (url: string) => (await fetch(url, { headers: { cookie } })).text()
    expect([await get(here), await get(there)]).toEqual(['1', '1'])
    await get(`${here}/logout`)
    expect(await get(here)).toBe('none')
    await pause(BOUND * 1000)
    expect(await get(there)).toBe('none')
  })

  it('loses no increment of two processes, each with what it has kept', async () => {
    const backends = await open({ maxStaleness: 60 })
    const [one, other] = backends.map((backend) => createSessionManager<number>({ backend }))
    if (one === undefined || other === undefined) throw new Error('there are two')
    const { key } = await one.generate(0)
    const increment = async (manager: SessionManager<number>) => {
      const found = await manager.fromKey(key)
      if (found.ok) await manager.update(found.session, (count) => count + 1)
    }
    const sixteen = (manager: SessionManager<number>) =>
      Array.from({ length: 16 }, () => increment(manager))
    await Promise.all([...sixteen(one), ...sixteen(other)])
    // The last write of all is one's own or seen as a conflict by the next.
    await Promise.all([increment(one), increment(other)])
    await increment(one)
    expect(await one.fromKey(key)).toMatchObject({ session: { value: 35 } })
  })
}
