// WebSockets of `ws` that belong to a session. The handshake is a request with cookies; what comes after it has none.
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import type { Guard } from '../src/adapters/guard.ts'
import { onSessionEvent } from '../src/index.ts'
import type { Session, SessionManager } from '../src/index.ts'

/** What a chat's session holds. */
export interface Chat {
  readonly said: number
}

// RFC 6455 §7.4.2: codes from 4000 on are the application's.
const LOGGED_OUT = 4401
const NEW_KEY = 4409

/** Lets those who are logged in talk to each other on `server`. */
export function serveChat(server: Server, sessions: SessionManager<Chat>, guard: Guard): void {
  const sockets = new WebSocketServer({ noServer: true })
  const clients = new Map<WebSocket, Session<Chat>>()

  async function admit(request: IncomingMessage): Promise<Session<Chat> | string> {
    // Browsers let pages of any site open a WebSocket, and send the cookies of this one along.
    if (!(await guard.check(request)).ok) return '403 Forbidden'
    const found = await sessions.fromHeaders(request.headers)
    return found.ok && found.session.subject !== undefined ? found.session : '401 Unauthorized'
  }

  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    admit(request).then(
      (session) => {
        if (typeof session === 'string') return refuse(connection, session)
        sockets.handleUpgrade(request, connection, head, (client) => join(client, session))
      },
      () => refuse(connection, '503 Service Unavailable'),
    )
  })

  function join(client: WebSocket, session: Session<Chat>): void {
    clients.set(client, session)
    client.on('close', () => clients.delete(client))
    client.on('message', (data: Buffer) => {
      hear(session, data.toString()).catch(() => client.close(LOGGED_OUT))
    })
  }

  async function hear(session: Session<Chat>, text: string): Promise<void> {
    // No answer carries a cookie here, so the value may change and the key may not. Of a session that has ended, whoever
    // ended it and on whatever machine, nothing can be written: this rejects.
    const { said } = await sessions.update(session, (chat) => ({ said: chat.said + 1 }))
    for (const client of clients.keys()) client.send(`${session.subject} (${said}): ${text}`)
  }

  // Those who only listen hear nothing more either. Other processes have to be told by means of their own.
  const stops = [
    onSessionEvent('sojourn:session.cleared', ({ handle, subject, by }) => {
      const ended = (session: Session<Chat>): boolean =>
        by === 'all' ||
        handle === session.handle ||
        (by === 'subject' && subject === session.subject)
      for (const [client, session] of clients) if (ended(session)) client.close(LOGGED_OUT)
    }),
    // The key of the handshake is dead, or soon will be: the client comes back with the new one.
    onSessionEvent('sojourn:session.rotated', ({ handle }) => reconnect(handle)),
    onSessionEvent('sojourn:session.renewed', ({ handle }) => reconnect(handle)),
  ]
  server.on('close', () => stops.forEach((stop) => stop()))

  function reconnect(handle: string | undefined): void {
    for (const [client, session] of clients) if (session.handle === handle) client.close(NEW_KEY)
  }
}

function refuse(connection: Duplex, status: string): void {
  connection.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
