import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createFetchAdapter } from '../../../src/adapters/fetch.ts'
import { createGuard } from '../../../src/adapters/guard.ts'
import type { GuardOptions } from '../../../src/adapters/guard.ts'
import { createNodeAdapter } from '../../../src/adapters/node.ts'
import type { NodeRequest, NodeResponse } from '../../../src/adapters/node.ts'
import { createMemoryBackend } from '../../../src/backends/memory.ts'
import { createSessionManager } from '../../../src/index.ts'
import type { RequestSession } from '../../../src/index.ts'

type Headers = Readonly<Record<string, string>>
type Ask = (
  path: string,
  headers?: Headers,
) => Promise<{ status: number; body: string; headers: Headers }>

const closings: (() => void)[] = []
afterEach(() => closings.splice(0).forEach((close) => close()))

function application(options: GuardOptions = {}) {
  const sessions = createSessionManager<number>({
    backend: createMemoryBackend({ sweepEveryMs: 0 }),
  })
  return { sessions, session: createNodeAdapter(sessions), guard: createGuard(options) }
}

/** What a route does once the guard has let the request pass; `/login` gives the token. */
async function route(
  { guard }: ReturnType<typeof application>,
  url: string,
  session: RequestSession<number>,
): Promise<string> {
  if (url === '/login') return guard.token(await session.bind('ann', 0))
  return `count ${await session.update((n = 0) => n + 1)}`
}

function nodeListener(app: ReturnType<typeof application>) {
  type Response = NodeResponse & Parameters<typeof app.guard.node>[1]
  return (
    request: NodeRequest & { readonly url?: string | undefined },
    response: Response,
  ): void => {
    const session = app.session(request, response)
    void (async () => {
      if (!(await app.guard.node(request, response, { session }))) return
      response.end(await route(app, request.url ?? '', session))
    })()
  }
}

async function listen(server: http.Server | http2.Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closings.push(() => server.close())
  return (server.address() as AddressInfo).port
}

async function serveHttp(options?: GuardOptions): Promise<Ask> {
  const port = await listen(http.createServer(nodeListener(application(options))))
  return async (path, headers = {}) => {
    const host = 'app.example'
    const method = 'POST'
    const request = http.request({
      port,
      host: '127.0.0.1',
      path,
      method,
      agent: false,
      headers: { host, ...headers },
    })
    request.end()
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    let body = ''
    for await (const chunk of response) body += String(chunk)
    const cookie = response.headers['set-cookie']?.[0] ?? ''
    return {
      status: response.statusCode ?? 0,
      body,
      headers: { ...(response.headers as Headers), cookie },
    }
  }
}

async function serveHttp2(options?: GuardOptions): Promise<Ask> {
  const port = await listen(http2.createServer(nodeListener(application(options))))
  const client = http2.connect(`http://127.0.0.1:${port}`)
  closings.push(() => client.close())
  return async (path, headers = {}) => {
    const pseudo = { ':path': path, ':method': 'POST', ':authority': 'app.example' }
    const stream = client.request({ ...pseudo, ...headers }, { endStream: true })
    const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    let body = ''
    for await (const chunk of stream) body += String(chunk)
    const cookie = answer['set-cookie']?.[0] ?? ''
    return { status: Number(answer[':status']), body, headers: { ...(answer as Headers), cookie } }
  }
}

async function serveFetch(options?: GuardOptions): Promise<Ask> {
  const app = application(options)
  const handle = createFetchAdapter(app.sessions)(async (request: Request, session) => {
    const refused = await app.guard.fetch(request, { session })
    return refused ?? new Response(await route(app, new URL(request.url).pathname, session))
  })
  return async (path, headers = {}) => {
    const response = await handle(
      new Request(`https://app.example${path}`, { method: 'POST', headers }),
    )
    const cookie = response.headers.getSetCookie()[0] ?? ''
    return {
      status: response.status,
      body: await response.text(),
      headers: { ...Object.fromEntries(response.headers), cookie },
    }
  }
}

describe.each([
  ['node:http', serveHttp],
  ['node:http2', serveHttp2],
  ['fetch', serveFetch],
])('a guard on %s', (_name, serve) => {
  it('answers 403 with its reason, and the handler is never called', async () => {
    const ask = await serve()
    const refused = await ask('/', {
      'sec-fetch-site': 'cross-site',
      origin: 'https://evil.example',
    })
    expect([refused.status, refused.body]).toEqual([403, 'Forbidden: cross_site\n'])
    expect(refused.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/plain',
    })
    expect(refused.headers['vary']).toContain('Sec-Fetch-Site')
    expect(refused.headers['cookie']).toBe('')
    const passed = await ask('/', { 'sec-fetch-site': 'same-origin' })
    expect([passed.status, passed.body]).toEqual([200, 'count 1'])
  })

  it('compares Origin with the host that was asked', async () => {
    const ask = await serve()
    expect((await ask('/', { origin: 'https://app.example' })).status).toBe(200)
    expect((await ask('/', { origin: 'https://app.example.evil.example' })).status).toBe(403)
  })

  it('takes the token of the session of the cookie, where the browser is silent', async () => {
    const ask = await serve()
    const login = await ask('/login', { origin: 'https://app.example' })
    const cookie = login.headers['cookie']?.split(';', 1)[0] ?? ''
    expect((await ask('/', { cookie })).body).toBe('Forbidden: no_evidence\n')
    expect((await ask('/', { cookie, 'x-csrf-token': 'a' })).body).toBe(
      'Forbidden: token_invalid\n',
    )
    const passed = await ask('/', { cookie, 'x-csrf-token': login.body })
    expect([passed.status, passed.body]).toEqual([200, 'count 1'])
    const other = await ask('/login', { origin: 'https://app.example' })
    expect((await ask('/', { cookie, 'x-csrf-token': other.body })).status).toBe(403)
  })

  it('has no token outlive a login', async () => {
    const ask = await serve()
    const first = await ask('/login', { origin: 'https://app.example' })
    const before = first.headers['cookie']?.split(';', 1)[0] ?? ''
    const second = await ask('/login', { origin: 'https://app.example', cookie: before })
    const cookie = second.headers['cookie']?.split(';', 1)[0] ?? ''
    expect((await ask('/', { cookie, 'x-csrf-token': first.body })).status).toBe(403)
    expect((await ask('/', { cookie, 'x-csrf-token': second.body })).status).toBe(200)
  })
})
