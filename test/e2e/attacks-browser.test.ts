// Cookie tossing: a page on a sibling host, or on plain HTTP, plants cookies for the site in the victim's browser. What
// gets through is Chromium's to say, and what comes of it is ours.
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/index.ts'
import type { CookieOptions, SessionManager } from '../../src/index.ts'
import { findChromium, launchChromium } from './support/chromium.ts'
import { shop } from './support/target.ts'
import type { Basket } from './support/target.ts'

// Chromium takes hosts under localhost for the machine itself and for safe. This one is neither safe nor anybody's.
const PLAIN_HOST = 'shop.test'
const executable = findChromium()
const servers: Server[] = []
let browser: Browser
let context: BrowserContext
let page: Page

beforeAll(async () => {
  if (executable === undefined) return
  browser = await launchChromium(executable, [`--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`])
})

afterEach(async () => {
  await context?.close()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

afterAll(async () => {
  await browser?.close()
})

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, resolve))
  return (server.address() as AddressInfo).port
}

/** The site on `shop.localhost`, with the `Cookie` header of each request that its pages got. */
async function openSite(cookie?: CookieOptions) {
  const backend = createMemoryBackend({ sweepEveryMs: 0 })
  const sessions = createSessionManager<Basket>({ backend, ...(cookie && { cookie }) })
  const sessionOf = createNodeAdapter(sessions)
  const received: string[] = []
  const port = await listen((request, response) => {
    const path = request.url ?? '/'
    // An icon is the browser's own wish.
    if (path !== '/favicon.ico') received.push(request.headers.cookie ?? '')
    const header = (name: string, value: string): void => void response.appendHeader(name, value)
    const exchange = { path, session: sessionOf(request, response), status: 200, header }
    void shop(exchange).then((body) => response.end(body))
  })
  return { sessions, received, origin: `http://shop.localhost:${port}` }
}

/** A page of the attacker's that sets these cookies by its headers, and again by its script. */
async function openTosser(cookies: readonly string[]): Promise<string> {
  const port = await listen((_request, response) => {
    response.setHeader('set-cookie', cookies)
    response.setHeader('content-type', 'text/html')
    const script = cookies.map((line) => `document.cookie = ${JSON.stringify(line)}`).join(';')
    response.end(`<script>${script}</script>tossed`)
  })
  return `:${port}/`
}

async function see(url: string): Promise<string> {
  await page.goto(url)
  return page.innerText('body')
}

/** A key of a live session of the attacker's: anonymous, or his own login. */
async function liveKey(sessions: SessionManager<Basket>, subject?: string): Promise<string> {
  return (await sessions.generate({ items: 9 }, { subject })).key
}

describe.skipIf(executable === undefined)('cookie tossing in Chromium', () => {
  it('gets no cookie of our name through to the site, from a sibling host', async () => {
    ;({ context, page } = await openBrowser())
    const site = await openSite()
    const key = await liveKey(site.sessions)
    const tosser = await openTosser([
      `__Host-session=${key}; Domain=shop.localhost; Path=/; Secure`,
      `__Host-session=${key}; Domain=shop.localhost; Path=/login; Secure`,
      `__Host-session=${key}; Domain=shop.localhost; Path=/`,
      `__HOST-SESSION=${key}; Domain=shop.localhost; Path=/; Secure`,
      `=__Host-session=${key}; Domain=shop.localhost; Path=/; Secure`,
      `harmless=1; Domain=shop.localhost; Path=/`,
    ])
    expect(await see(`http://evil.shop.localhost${tosser}`)).toBe('tossed')
    expect(await see(`${site.origin}/`)).toBe('nobody')
    // The cookie under another name shows that the tossing itself works.
    expect(site.received).toEqual(['harmless=1'])
    expect(await see(`${site.origin}/login/ann`)).toBe('ann with 0 items')
    expect(await see(`http://evil.shop.localhost${tosser}`)).toBe('tossed')
    expect(await see(`${site.origin}/buy`)).toBe('ann with 1 items')
    expect(site.received.join('\n')).not.toContain(key)
  })

  it('gets no cookie of our name through from a page that came over plain HTTP', async () => {
    ;({ context, page } = await openBrowser())
    const tosser = await openTosser([
      `__Host-session=x; Path=/`,
      `__Host-session=x; Path=/; Secure`,
      `__Host-session=x; Path=/; Secure; HttpOnly; SameSite=Lax`,
      `__Secure-session=x; Secure`,
      'harmless=1',
    ])
    expect(await see(`http://${PLAIN_HOST}${tosser}`)).toBe('tossed')
    const names = (await context.cookies()).map(({ name }) => name)
    expect(names).toEqual(['harmless'])
  })

  it('plants a key under a name without a prefix, and that key is dead after the login', async () => {
    ;({ context, page } = await openBrowser())
    const site = await openSite({ name: 'session' })
    const key = await liveKey(site.sessions)
    const tosser = await openTosser([
      `session=${key}; Domain=shop.localhost; Path=/`,
      `session=${key}; Domain=shop.localhost; Path=/login`,
    ])
    await see(`http://evil.shop.localhost${tosser}`)
    // So it does get in front of the victim without the prefix: what it holds comes along, as from any anonymous visit.
    expect(await see(`${site.origin}/login/ann`)).toBe('ann with 9 items')
    expect(site.received[0]).toContain(key)
    expect(await site.sessions.fromKey(key)).toEqual({ ok: false, reason: 'not_found' })
    expect(await see(`${site.origin}/buy`)).toBe('ann with 10 items')
    // Logged in, the victim gets both, the dead one first where its path is longer.
    expect(await see(`${site.origin}/login/ann`)).toBe('ann with 10 items')
    expect(site.received.at(-1)?.match(/session=/g)?.length).toBeGreaterThan(1)
  })

  it('plants the attacker’s own login under a name without a prefix, which the victim’s login ends', async () => {
    ;({ context, page } = await openBrowser())
    const site = await openSite({ name: 'session' })
    const key = await liveKey(site.sessions, 'mallory')
    const tosser = await openTosser([`session=${key}; Domain=shop.localhost; Path=/`])
    await see(`http://evil.shop.localhost${tosser}`)
    expect(await see(`${site.origin}/`)).toBe('mallory with 9 items')
    expect(await see(`${site.origin}/login/ann`)).toBe('ann with 0 items')
    expect(await see(`${site.origin}/`)).toBe('ann with 0 items')
    expect(await site.sessions.list('mallory')).toEqual([])
  })
})

async function openBrowser() {
  const context = await browser.newContext()
  return { context, page: await context.newPage() }
}
