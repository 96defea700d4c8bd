// What a browser makes of our headers, only a browser can say.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/index.ts'
import type { CookieOptions } from '../../src/index.ts'
import { visitSites } from './support/sites.ts'

const visitor = visitSites()
const { servers } = visitor

type Fields = readonly (readonly [name: string, value: string])[]

/** Serves each path with its fields, and notes the `Cookie` headers that it gets. */
async function serve(answers: Readonly<Record<string, Fields>>) {
  const received: string[] = []
  const server = createServer((request, response) => {
    const fields = answers[request.url ?? '']
    // Anything else is the browser's own wish, such as an icon.
    if (fields !== undefined) received.push(request.headers.cookie ?? '')
    for (const field of fields ?? []) response.appendHeader(...field)
    response.end('done')
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, resolve))
  return { port: (server.address() as AddressInfo).port, received }
}

/** A session cookie set at `/deep/set`; `broken` removes it as the original would, `clear` as we do. */
async function createSite(cookie: CookieOptions & { name: string }) {
  const sessions = createSessionManager({
    backend: createMemoryBackend({ sweepEveryMs: 0 }),
    cookie,
  })
  const session = await sessions.generate('value')
  const { name, domain, path = '/' } = cookie
  const scope = domain === undefined ? '' : `; domain=${domain}`
  const site = await serve({
    '/deep/set': sessions.toCookieHeaders(session),
    '/deep/broken': [['Set-Cookie', `${name}; Max-Age=0${scope}; path=${path}`]],
    '/deep/clear': sessions.clearHeaders(),
    '/deep/look': [],
  })
  return { ...site, pair: `${name}=${session.key}` }
}

const COOKIES: readonly {
  host: string
  cookie: CookieOptions & { name: string }
  seen: Readonly<Record<string, unknown>>
}[] = [
  {
    host: 'localhost',
    cookie: { name: '__Host-session' },
    seen: { domain: 'localhost', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' },
  },
  {
    host: 'localhost',
    cookie: { name: '__Host-Http-session' },
    seen: { domain: 'localhost', path: '/', secure: true, httpOnly: true },
  },
  {
    host: 'localhost',
    cookie: { name: '__Secure-session', path: '/deep' },
    seen: { domain: 'localhost', path: '/deep', secure: true },
  },
  {
    host: 'localhost',
    cookie: { name: 'plain', path: '/deep', secure: false, httpOnly: false, sameSite: 'Strict' },
    seen: { path: '/deep', secure: false, httpOnly: false, sameSite: 'Strict' },
  },
  {
    host: 'app.shop.localhost',
    cookie: { name: 'wide', domain: 'shop.localhost', path: '/deep' },
    seen: { domain: '.shop.localhost', path: '/deep', secure: true, httpOnly: true },
  },
  {
    host: 'app.shop.localhost',
    cookie: { name: '__Secure-wide', domain: 'shop.localhost' },
    seen: { domain: '.shop.localhost', path: '/', secure: true },
  },
  {
    host: 'localhost',
    cookie: { name: 'apart', partitioned: true, sameSite: 'None' },
    seen: { secure: true, sameSite: 'None', partitionKey: 'http://localhost' },
  },
]

describe.skipIf(visitor.executable === undefined)('clearHeaders in Chromium', () => {
  for (const { host, cookie, seen } of COOKIES) {
    const { name, domain, path } = cookie
    const where = [name, domain, path].filter((part) => part !== undefined).join(' ')
    it(`removes ${where}, which the original's header leaves`, async () => {
      const { port, received, pair } = await createSite(cookie)
      const context = await visitor.browser.newContext()
      const page = await context.newPage()
      const visit = (what: string) => page.goto(`http://${host}:${port}/deep/${what}`)
      const present = async () => (await context.cookies()).filter((each) => each.name === name)

      await visit('set')
      expect(await present()).toMatchObject([seen])
      await visit('broken')
      await visit('look')
      expect(await present()).toHaveLength(1)
      await visit('clear')
      expect(await present()).toEqual([])
      await visit('look')
      expect(received).toEqual(['', pair, pair, pair, ''])
    })
  }
})

describe.skipIf(visitor.executable === undefined)('toCookieHeaders in Chromium', () => {
  it('evicts the cookie of a cleared session, with discard too', async () => {
    const sessions = createSessionManager({ backend: createMemoryBackend({ sweepEveryMs: 0 }) })
    const session = await sessions.generate('value')
    const set = sessions.toCookieHeaders(session, { discard: true })
    await sessions.clear(session)
    const { port } = await serve({
      '/set': set,
      '/cleared': sessions.toCookieHeaders(session, { discard: true }),
    })
    const context = await visitor.browser.newContext()
    const page = await context.newPage()
    await page.goto(`http://localhost:${port}/set`)
    // A cookie that ends with the browser has no time of its own.
    expect(await context.cookies()).toMatchObject([{ name: '__Host-session', expires: -1 }])
    await page.goto(`http://localhost:${port}/cleared`)
    expect(await context.cookies()).toEqual([])
  })
})
