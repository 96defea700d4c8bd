// Which requests a page of another origin can make a browser send, and what they say, only a browser can tell. The
// cookie is SameSite=None here, so that nothing but the guard stands in the way.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createGuard } from '../../src/adapters/guard.ts'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/index.ts'
import { findChromium, launchChromium } from './support/chromium.ts'

interface Seen {
  readonly path: string
  readonly cookie: boolean
  readonly reason: string
}

const executable = findChromium()
let browser: Browser
let app: Server
let pages: Server
let seen: Seen[] = []
let changes = 0

const secure = { name: 'session', sameSite: 'none', secure: true } as const
const sessions = createSessionManager<number>({
  backend: createMemoryBackend({ sweepEveryMs: 0 }),
  cookie: secure,
})
// Over plain HTTP browsers send no Sec-Fetch headers, and keep no secure cookies.
const plain = createSessionManager<number>({
  backend: createMemoryBackend({ sweepEveryMs: 0 }),
  cookie: { name: 'plain', secure: false },
})
const guard = createGuard({
  allowedDestinations: ['document'],
  unsafe: ({ url }) => url === '/logout',
})
const sessionOf = createNodeAdapter(sessions)
const plainOf = createNodeAdapter(plain)

/** The token that a form has brought. */
async function tokenIn(request: IncomingMessage): Promise<string | undefined> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return new URLSearchParams(body).get('token') ?? undefined
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<string> {
  const path = request.url ?? ''
  const isPlain = request.headers.host?.includes('.test') === true
  const session = (isPlain ? plainOf : sessionOf)(request, response)
  if (path === '/login') {
    return `<title>in</title><p id=token>${guard.token(await session.bind('ann', 1))}</p>`
  }
  if (path === '/silent') response.setHeader('Referrer-Policy', 'no-referrer')
  if (path === '/silent' || path === '/own') return '<title>ours</title><body>'
  if (path.includes('icon')) return ''
  const claim = { session, token: await tokenIn(request) }
  const { reason } = await guard.check(request, claim)
  const cookie = (request.headers.cookie ?? '').includes(isPlain ? 'plain=' : 'session=')
  seen.push({ path, cookie, reason })
  if (path !== '/open' && !(await guard.node(request, response, claim))) return ''
  changes++
  return '<title>changed</title>'
}

async function judgeUpgrade(request: IncomingMessage): Promise<void> {
  const { reason } = await guard.check(request)
  seen.push({ path: 'upgrade', cookie: request.headers.cookie !== undefined, reason })
}

function serveApp(): Server {
  const server = createServer((request, response) => {
    void answer(request, response).then((html) => response.writableEnded || response.end(html))
  })
  return server.on('upgrade', (request, socket) => {
    void judgeUpgrade(request).then(() => socket.destroy())
  })
}

/** Pages of others: what is asked for is what is served, and `/back` sends a request on to where it came from. */
function servePages(): Server {
  return createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://a')
    const to = url.searchParams.get('to')
    if (to === null) response.setHeader('Content-Type', 'text/html')
    else response.writeHead(307, { location: to })
    response.end(`<title>page</title><body>${url.searchParams.get('html') ?? ''}`)
  })
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port
const listen = (server: Server) => new Promise<void>((resolve) => server.listen(0, resolve))
const target = (path: string): string => `http://localhost:${portOf(app)}${path}`
const attacker = (html: string, host: string): string =>
  `http://${host}:${portOf(pages)}/?html=${encodeURIComponent(html)}`

/** A form that sends itself. */
function form(action: string, more = ''): string {
  return `<form method=post action="${action}" ${more}></form><script>document.forms[0].submit()</script>`
}

async function victim(login = target('/login')): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(login)
  return page
}

/** Waits until the application has seen `path`. */
async function sight(path: string): Promise<Seen> {
  return expect
    .poll(() => seen.find((request) => request.path === path), { timeout: 20_000 })
    .toBeDefined()
    .then(() => seen.find((request) => request.path === path) as Seen)
}

beforeAll(async () => {
  if (executable === undefined) return
  browser = await launchChromium(executable, ['--host-resolver-rules=MAP *.test 127.0.0.1'])
  app = serveApp()
  pages = servePages()
  await Promise.all([listen(app), listen(pages)])
})

afterEach(async () => {
  seen = []
  changes = 0
  for (const context of browser?.contexts() ?? []) await context.close()
})

afterAll(async () => {
  await browser?.close()
  for (const server of [app, pages]) {
    server?.closeAllConnections()
    server?.close()
  }
})

describe.skipIf(executable === undefined)('a page of another site', () => {
  it('changes what it likes where there is no guard', async () => {
    const page = await victim()
    await page.goto(attacker(form(target('/open')), '127.0.0.1'))
    expect(await sight('/open')).toEqual({ path: '/open', cookie: true, reason: 'cross_site' })
    await expect.poll(() => changes).toBe(1)
  })

  const ATTACKS: Readonly<Record<string, () => string>> = {
    'a form': () => form(target('/change')),
    'a form in a frame': () => `<iframe srcdoc='${form(target('/change'))}'></iframe>`,
    'a form in a sandbox': () =>
      `<iframe sandbox="allow-scripts allow-forms" srcdoc='${form(target('/change'))}'></iframe>`,
    'a form without a referrer': () =>
      `<meta name=referrer content=no-referrer>${form(target('/change'))}`,
    'a form that is JSON to some parsers': () => form(target('/change'), 'enctype=text/plain'),
    fetch: () =>
      `<script>fetch('${target('/change')}', { method: 'POST', mode: 'no-cors', credentials: 'include' })</script>`,
    'a beacon': () => `<script>navigator.sendBeacon('${target('/change')}', 'a')</script>`,
    'a redirect of its own form': () => form(`/back?to=${encodeURIComponent(target('/change'))}`),
  }

  it.each(Object.entries(ATTACKS))('is refused: %s', async (_name, html) => {
    const page = await victim()
    await page.goto(attacker(html(), '127.0.0.1'))
    expect((await sight('/change')).reason).toBe('cross_site')
    expect(changes).toBe(0)
  })

  it('is refused on another port of our own host, with the cookie', async () => {
    const page = await victim()
    await page.goto(attacker(form(target('/change')), 'localhost'))
    expect(await sight('/change')).toEqual({ path: '/change', cookie: true, reason: 'same_site' })
    expect(changes).toBe(0)
  })

  it('opens no WebSocket', async () => {
    const page = await victim()
    const url = target('/').replace('http', 'ws')
    await page.goto(attacker(`<script>new WebSocket('${url}')</script>`, '127.0.0.1'))
    expect((await sight('upgrade')).reason).toMatch(/^cross_(site|origin)$/)
  })

  it('loads nothing, but may link to us', async () => {
    const page = await victim()
    const loads = `<img src="${target('/image')}"><iframe src="${target('/frame')}"></iframe>
      <script src="${target('/script')}"></script><object data="${target('/object')}"></object>
      <script>fetch('${target('/fetch')}', { mode: 'no-cors' })</script><a href="${target('/link')}">link</a>`
    await page.goto(attacker(loads, '127.0.0.1'))
    for (const path of ['/image', '/frame', '/script', '/object', '/fetch']) {
      expect([path, (await sight(path)).reason]).toEqual([path, 'destination'])
    }
    expect(changes).toBe(0)
    await page.getByText('link').click()
    expect((await sight('/link')).reason).toBe('safe')
  })

  it('cannot log the user out by a link', async () => {
    const page = await victim()
    await page.goto(attacker(`<a href="${target('/logout')}">link</a>`, '127.0.0.1'))
    await page.getByText('link').click()
    expect((await sight('/logout')).reason).toBe('cross_site')
    expect(changes).toBe(0)
  })
})

describe.skipIf(executable === undefined)('a page of our own', () => {
  it.each(['/own', '/silent'])('%s may write, by form and by script', async (path) => {
    const page = await victim()
    await page.goto(target(path))
    const status = await page.evaluate(`fetch('/change', { method: 'POST' }).then((r) => r.status)`)
    expect(status).toBe(200)
    expect((await sight('/change')).reason).toBe('same_origin')
    await page.evaluate(`document.body.innerHTML = '<form method=post action=/form></form>'`)
    await page.evaluate('document.forms[0].submit()')
    expect(await sight('/form')).toEqual({ path: '/form', cookie: true, reason: 'same_origin' })
    await expect.poll(() => changes).toBe(2)
  })
})

describe.skipIf(executable === undefined)('without Sec-Fetch headers', () => {
  const bare = (path: string): string => `http://app.test:${portOf(app)}${path}`

  it('the Origin of another page is refused', async () => {
    const page = await victim(bare('/login'))
    await page.goto(attacker(form(bare('/change')), 'evil.test'))
    expect((await sight('/change')).reason).toBe('cross_origin')
    expect(changes).toBe(0)
  })

  it('an opaque Origin is refused', async () => {
    const page = await victim(bare('/login'))
    const html = `<meta name=referrer content=no-referrer>${form(bare('/change'))}`
    await page.goto(attacker(html, 'evil.test'))
    expect((await sight('/change')).reason).toBe('opaque_origin')
    expect(changes).toBe(0)
  })

  it('our own Origin passes, and where our page has none, its token does', async () => {
    const page = await victim(bare('/login'))
    const token = await page.textContent('#token')
    const post = async (from: string, path: string, fields: string) => {
      await page.goto(bare(from))
      await page.evaluate(
        `document.body.innerHTML = '<form method=post action="${path}">${fields}</form>'`,
      )
      await page.evaluate('document.forms[0].submit()')
      const { reason } = await sight(path)
      await page.waitForURL(bare(path))
      return reason
    }
    expect(await post('/own', '/one', '')).toBe('same_origin')
    expect(await post('/silent', '/two', '')).toBe('opaque_origin')
    expect(await post('/silent', '/three', `<input name=token value=${token}>`)).toBe('token')
    await expect.poll(() => changes).toBe(2)
  })
})
