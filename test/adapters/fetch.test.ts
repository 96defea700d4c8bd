import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFetchAdapter } from '../../src/adapters/fetch.ts'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { createSessionManager } from '../../src/manager.ts'
import { httpSuite } from './http-suite.ts'
import { byCalls, fetchHandler, overHttp } from './servers/fetch.ts'

// The answer to an error is made outside the wrapper.
const LOST = { onThrow: 'lost' } as const
httpSuite('createFetchAdapter', byCalls(fetchHandler), LOST)
httpSuite('createFetchAdapter over node:http', overHttp(fetchHandler), LOST)

const sessions = createSessionManager<number>({ backend: createBackend(createMemoryStore()) })
const withSession = createFetchAdapter(sessions)
const request = (): Request => new Request('https://example.com/')

function ourCookies({ headers }: Response): string[] {
  return headers.getSetCookie().filter((line) => line.startsWith('__Host-session='))
}

describe('createFetchAdapter', () => {
  it('hands on what the server gives beside the request', async () => {
    const handle = withSession(
      (_request, _session, environment: { name: string }, context: number) =>
        new Response(`${environment.name} ${context}`),
    )
    const response = await handle(request(), { name: 'production' }, 7)
    expect(await response.text()).toBe('production 7')
  })

  it('hands on the request itself', async () => {
    const seen: Request[] = []
    const handle = withSession((given: Request) => {
      seen.push(given)
      return new Response()
    })
    const given = request()
    await handle(given)
    expect(seen).toStrictEqual([given])
  })

  it('returns the very response where the session was not used', async () => {
    const own = new Response('hello')
    expect(await withSession(() => own)(request())).toBe(own)
  })

  it('keeps a response that is returned many times free of anybody’s cookie', async () => {
    const shared = Response.redirect('https://example.com/next', 303)
    const handle = withSession(async (_request, session) => {
      await session.set(1)
      return shared
    })
    const [first, second] = [await handle(request()), await handle(request())]
    expect(ourCookies(first)).toHaveLength(1)
    expect(ourCookies(second)).toHaveLength(1)
    expect(ourCookies(first)).not.toStrictEqual(ourCookies(second))
    expect([...shared.headers.keys()]).toStrictEqual(['location'])
  })

  it('puts its headers on a redirect', async () => {
    const handle = withSession(async (_request, session) => {
      await session.set(1)
      return Response.redirect('https://example.com/next', 307)
    })
    const response = await handle(request())
    expect(response.status).toBe(307)
    expect(response.headers.get('location')).toBe('https://example.com/next')
    expect(ourCookies(response)).toHaveLength(1)
  })

  it('puts its headers on answers without a body', async () => {
    for (const status of [204, 205, 304]) {
      const handle = withSession(async (_request, session) => {
        await session.set(1)
        return new Response(null, { status, statusText: 'As Said', headers: { etag: '"1"' } })
      })
      const response = await handle(request())
      expect(response.status).toBe(status)
      expect(response.statusText).toBe('As Said')
      expect(response.body).toBeNull()
      expect(response.headers.get('etag')).toBe('"1"')
      expect(ourCookies(response)).toHaveLength(1)
    }
  })

  it('streams a body as it comes', async () => {
    const pulled: number[] = []
    const handle = withSession(async (_request, session) => {
      await session.set(1)
      const body = new ReadableStream(
        {
          pull(controller) {
            pulled.push(pulled.length)
            if (pulled.length > 3) return controller.close()
            controller.enqueue(new TextEncoder().encode(`${pulled.length};`))
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body)
    })
    const response = await handle(request())
    expect(ourCookies(response)).toHaveLength(1)
    expect(pulled).toStrictEqual([])
    expect(await response.text()).toBe('1;2;3;')
  })

  it('keeps all headers of the application', async () => {
    const handle = withSession(async (_request, session) => {
      await session.set(1)
      const headers = new Headers({ 'Content-Type': 'text/plain', Vary: 'Accept', 'X-Own': '1' })
      headers.append('Set-Cookie', 'a=1; Expires=Wed, 09 Jun 2038 10:18:14 GMT')
      headers.append('Set-Cookie', 'b=2')
      return new Response('hello', { headers })
    })
    const { headers } = await handle(request())
    expect(headers.getSetCookie()).toStrictEqual([
      'a=1; Expires=Wed, 09 Jun 2038 10:18:14 GMT',
      'b=2',
      expect.stringContaining('__Host-session='),
    ])
    expect(headers.get('content-type')).toBe('text/plain')
    expect(headers.get('vary')).toBe('Accept, Cookie')
    expect(headers.get('x-own')).toBe('1')
  })

  it('puts its headers on a response that came from another server', async () => {
    const upstream = http.createServer((_request, response) => response.end('from upstream'))
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    onTestFinished(() => void upstream.close())
    const { port } = upstream.address() as AddressInfo
    const handle = withSession(async (_request, session) => {
      await session.set(1)
      return fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })
    })
    const response = await handle(request())
    expect(ourCookies(response)).toHaveLength(1)
    expect(await response.text()).toBe('from upstream')
  })

  it('puts its headers on a protocol switch itself, which cannot be copied', async () => {
    // Servers that upgrade make such a response themselves; its constructor refuses the status.
    const upgrade = { status: 101, headers: new Headers() } as Response
    const handle = withSession(async (_request, session) => {
      await session.set(1)
      return upgrade
    })
    expect(await handle(request())).toBe(upgrade)
    expect(ourCookies(upgrade)).toHaveLength(1)
  })

  it('rejects with what the handler throws, at once or later', async () => {
    const now = withSession(() => {
      throw new RangeError('at once')
    })
    const later = withSession(() => Promise.reject(new RangeError('later')))
    await expect(now(request())).rejects.toThrow(new RangeError('at once'))
    await expect(later(request())).rejects.toThrow(new RangeError('later'))
  })

  it('takes any request whose headers have get', async () => {
    const { key } = await sessions.generate(4)
    const handle = withSession(async (_request, session) => {
      return new Response(String((await session.load())?.value))
    })
    const headers = { get: (name: string) => (name === 'cookie' ? `__Host-session=${key}` : null) }
    expect(await (await handle({ headers })).text()).toBe('4')
  })
})
