import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { createSessionManager } from '../../src/manager.ts'
import type { SessionManager } from '../../src/manager/session-manager.ts'
import { httpSuite } from './http-suite.ts'
import { serveHttp2, serveNode } from './servers/node.ts'

httpSuite('createNodeAdapter on node:http', serveNode)
httpSuite('createNodeAdapter on node:http2', serveHttp2)

type Handle = (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>

function createSessions(name = '__Host-session'): SessionManager<number> {
  const backend = createBackend(createMemoryStore())
  return createSessionManager<number>({ backend, cookie: { name } })
}

/** The headers that `handle` answers with, on a server of its own. */
async function headersOf(handle: Handle): Promise<http.IncomingHttpHeaders> {
  const server = http.createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const request = http.get({ host: '127.0.0.1', port, agent: false })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.headers
}

describe('createNodeAdapter', () => {
  it.each([
    ['a backend', createBackend(createMemoryStore())],
    ['nothing', undefined],
    ['a text', 'x'],
  ])('refuses %s in place of a manager', (_name, manager) => {
    const make = () => createNodeAdapter(manager as never)
    expect(make).toThrow(TypeError)
    expect(make).toThrow('an adapter needs a session manager')
  })

  it('gives the same session for the same request, and another for another', async () => {
    const sessionOf = createNodeAdapter(createSessions())
    const seen: unknown[] = []
    const handle: Handle = (request, response) => {
      seen.push(sessionOf(request, response), sessionOf(request, response))
      response.end()
      return Promise.resolve()
    }
    await headersOf(handle)
    await headersOf(handle)
    expect(seen[0]).toBe(seen[1])
    expect(seen[2]).toBe(seen[3])
    expect(seen[0]).not.toBe(seen[2])
  })

  it('keeps a cookie that is appended between two of its writes', async () => {
    const sessionOf = createNodeAdapter(createSessions())
    const headers = await headersOf(async (request, response) => {
      const session = sessionOf(request, response)
      await session.bind('ann', 1)
      response.appendHeader('Set-Cookie', 'remember=token')
      await session.update((value) => (value ?? 0) + 1)
      response.end()
    })
    const ours = expect.stringContaining('__Host-session=') as string
    expect(headers['set-cookie']).toStrictEqual(['remember=token', ours])
  })

  it('keeps its headers beside those of writeHead', async () => {
    const sessionOf = createNodeAdapter(createSessions())
    const headers = await headersOf(async (request, response) => {
      await sessionOf(request, response).set(1)
      response.writeHead(201, { 'Content-Type': 'text/plain', 'X-Own': '1' }).end('made')
    })
    expect(headers['set-cookie']).toStrictEqual([expect.stringContaining('__Host-session=')])
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/plain',
      vary: 'Cookie',
      'x-own': '1',
    })
  })

  it('keeps headers that were set as a string or as a list', async () => {
    const sessionOf = createNodeAdapter(createSessions())
    const headers = await headersOf(async (request, response) => {
      response.setHeader('Set-Cookie', 'a=1; Path=/')
      response.setHeader('Vary', ['Accept', 'Origin'])
      await sessionOf(request, response).set(1)
      response.end()
    })
    const ours = expect.stringContaining('__Host-session=') as string
    expect(headers['set-cookie']).toStrictEqual(['a=1; Path=/', ours])
    expect(headers.vary).toBe('Accept, Origin, Cookie')
  })

  it('keeps an own cookie that looks like an earlier one of the session', async () => {
    const sessionOf = createNodeAdapter(createSessions())
    const headers = await headersOf(async (request, response) => {
      response.setHeader('Set-Cookie', ['a=1', '__Host-session2=x'])
      await sessionOf(request, response).set(1)
      await sessionOf(request, response).set(2)
      response.end()
    })
    const ours = expect.stringContaining('__Host-session=') as string
    expect(headers['set-cookie']).toStrictEqual(['a=1', '__Host-session2=x', ours])
  })

  it('puts its cookie back with the next write after the application replaced all', async () => {
    const sessionOf = createNodeAdapter(createSessions())
    const headers = await headersOf(async (request, response) => {
      await sessionOf(request, response).set(1)
      response.setHeader('Set-Cookie', 'a=1')
      await sessionOf(request, response).set(2)
      response.end()
    })
    const ours = expect.stringContaining('__Host-session=') as string
    expect(headers['set-cookie']).toStrictEqual(['a=1', ours])
  })

  it('lets sessions of two managers share a response', async () => {
    const users = createNodeAdapter(createSessions('__Host-user'))
    const carts = createNodeAdapter(createSessions('__Host-cart'))
    const headers = await headersOf(async (request, response) => {
      await users(request, response).set(1)
      await carts(request, response).set(1)
      await users(request, response).set(2)
      response.end()
    })
    expect(headers['set-cookie']).toHaveLength(2)
    expect(headers['set-cookie']?.[0]).toContain('__Host-cart=')
    expect(headers['set-cookie']?.[1]).toContain('__Host-user=')
    expect(headers.vary).toBe('Cookie')
  })

  it('refuses an unknown onInvalid and a discard that is no boolean', () => {
    const make = (options: object) => () => createNodeAdapter(createSessions(), options)
    expect(make({ onInvalid: 'ignore' })).toThrow(TypeError)
    expect(make({ discard: 1 })).toThrow(TypeError)
  })

  it('gives one session for one request, whichever adapter of the manager is asked', () => {
    const sessions = createSessions()
    const request = { headers: {} }
    const response = { headersSent: false, getHeader: () => undefined, setHeader: () => undefined }
    const first = createNodeAdapter(sessions)(request, response)
    expect(createNodeAdapter(sessions)(request, response)).toBe(first)
    expect(createNodeAdapter(createSessions())(request, response)).not.toBe(first)
  })
})
