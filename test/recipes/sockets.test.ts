import { once } from 'node:events'
import http from 'node:http'
import { io as connect } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { serveCarts } from '../../examples/socket-io.ts'
import type { Cart } from '../../examples/socket-io.ts'
import { serveChat } from '../../examples/websocket.ts'
import type { Chat } from '../../examples/websocket.ts'
import { createGuard } from '../../src/adapters/guard.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/manager.ts'
import { listen } from '../adapters/servers/client.ts'

const guard = createGuard()

/** A server on a port of its own, for one test. */
async function open(): Promise<{ readonly server: http.Server; readonly port: number }> {
  const server = http.createServer((_request, response) => response.end())
  const port = await listen(server)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, port }
}

describe('examples/websocket.ts', () => {
  const sessions = createSessionManager<Chat>({ backend: createMemoryBackend() })

  async function openChat() {
    const { server, port } = await open()
    serveChat(server, sessions, guard)
    const enter = (headers: Record<string, string>): WebSocket => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers })
      socket.on('error', () => {})
      onTestFinished(() => socket.terminate())
      return socket
    }
    const logIn = (subject: string) => sessions.generate({ said: 0 }, { subject })
    return { enter, logIn, origin: `http://127.0.0.1:${port}` }
  }

  async function hear(socket: WebSocket): Promise<string> {
    const [data] = (await once(socket, 'message')) as [Buffer]
    return data.toString()
  }

  async function refusalOf(socket: WebSocket): Promise<number | undefined> {
    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      http.IncomingMessage,
    ]
    return response.statusCode
  }

  it('lets those talk who are logged in, and writes their sessions', async () => {
    const { enter, logIn, origin } = await openChat()
    const session = await logIn('ann')
    const socket = enter({ cookie: `__Host-session=${session.key}`, origin })
    await once(socket, 'open')
    socket.send('hello')
    expect(await hear(socket)).toBe('ann (1): hello')
    socket.send('anybody?')
    expect(await hear(socket)).toBe('ann (2): anybody?')
    const found = await sessions.fromKey(session.key)
    expect(found).toMatchObject({ ok: true, session: { value: { said: 2 } } })
  })

  it('refuses strangers, and pages of other sites', async () => {
    const { enter, logIn } = await openChat()
    const cookie = `__Host-session=${(await logIn('ann')).key}`
    expect(await refusalOf(enter({}))).toBe(401)
    expect(await refusalOf(enter({ cookie, origin: 'https://evil.example' }))).toBe(403)
    expect(await refusalOf(enter({ cookie, 'sec-fetch-site': 'cross-site' }))).toBe(403)
  })

  it('shows those the door whose session ends', async () => {
    const { enter, logIn, origin } = await openChat()
    const session = await logIn('ben')
    const socket = enter({ cookie: `__Host-session=${session.key}`, origin })
    await once(socket, 'open')
    await sessions.clearSubject('ben')
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(4401)
  })

  it('has those come again whose key has changed', async () => {
    const { enter, logIn, origin } = await openChat()
    const session = await logIn('cid')
    const socket = enter({ cookie: `__Host-session=${session.key}`, origin })
    await once(socket, 'open')
    await sessions.rotate(session)
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(4409)
  })
})

describe('examples/socket-io.ts', () => {
  const sessions = createSessionManager<Cart>({ backend: createMemoryBackend() })

  async function openShop() {
    const { server, port } = await open()
    const io = serveCarts(server, sessions, guard)
    onTestFinished(() => void io.close())
    // As browsers do, the client says where its page is from.
    const origin = `http://127.0.0.1:${port}`
    return (headers: Record<string, string>): Socket => {
      const extraHeaders = { origin, ...headers }
      const options = {
        extraHeaders,
        transports: ['websocket'],
        reconnection: false,
        forceNew: true,
      }
      const socket = connect(origin, options)
      onTestFinished(() => void socket.disconnect())
      return socket
    }
  }

  function heard(socket: Socket, event: string): Promise<unknown> {
    return new Promise((resolve) => {
      socket.once(event, resolve)
    })
  }

  it('writes the session that the handshake came with', async () => {
    const enter = await openShop()
    const { key } = await sessions.generate({ items: [] })
    const socket = enter({ cookie: `__Host-session=${key}` })
    expect(await socket.emitWithAck('add', 'tea')).toStrictEqual(['tea'])
    expect(await socket.emitWithAck('add', 'cup')).toStrictEqual(['tea', 'cup'])
    const found = await sessions.fromKey(key)
    expect(found).toMatchObject({ ok: true, session: { value: { items: ['tea', 'cup'] } } })
  })

  it('refuses strangers, and pages of other sites', async () => {
    const enter = await openShop()
    const { key } = await sessions.generate({ items: [] })
    expect(await heard(enter({}), 'connect_error')).toMatchObject({ message: 'not logged in' })
    const evil = { cookie: `__Host-session=${key}`, origin: 'https://evil.example' }
    expect(await heard(enter(evil), 'connect_error')).toBeInstanceOf(Error)
  })

  it('disconnects after a logout, and writes nothing', async () => {
    const enter = await openShop()
    const session = await sessions.generate({ items: [] })
    const socket = enter({ cookie: `__Host-session=${session.key}` })
    await heard(socket, 'connect')
    await sessions.clear(session)
    socket.emit('add', 'tea')
    expect(await heard(socket, 'disconnect')).toBe('io server disconnect')
  })
})
