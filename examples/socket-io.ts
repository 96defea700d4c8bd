// Socket.IO, with the session of the handshake on each socket.
import type { Server as HttpServer } from 'node:http'
import { Server } from 'socket.io'
import type { DefaultEventsMap } from 'socket.io'
import type { Guard } from '../src/adapters/guard.ts'
import { isSessionError } from '../src/index.ts'
import type { Session, SessionManager } from '../src/index.ts'

/** What the sessions hold. */
export interface Cart {
  readonly items: readonly string[]
}

interface FromClient {
  add: (item: string, answer: (items: readonly string[]) => void) => void
}

interface Data {
  session: Session<Cart>
}

/** Answers to `add` with what is in the cart of the socket's session. */
export function serveCarts(
  server: HttpServer,
  sessions: SessionManager<Cart>,
  guard: Guard,
): Server<FromClient, DefaultEventsMap, DefaultEventsMap, Data> {
  const io = new Server<FromClient, DefaultEventsMap, DefaultEventsMap, Data>(server, {
    // For each request of a transport, before anything else: pages of other sites can make them.
    allowRequest: (request, decide) => {
      guard.check(request).then(
        ({ ok, reason }) => decide(ok ? undefined : reason, ok),
        () => decide('unavailable', false),
      )
    },
  })

  io.use((socket, next) => {
    sessions.fromHeaders(socket.handshake.headers).then(
      (found) => {
        if (!found.ok) return next(new Error('not logged in'))
        socket.data.session = found.session
        next()
      },
      () => next(new Error('unavailable')),
    )
  })

  io.on('connection', (socket) => {
    const { session } = socket.data
    socket.on('add', (item, answer) => {
      // The session may have ended since the handshake: then nothing is written, and the socket has to go.
      sessions
        .update(session, ({ items }) => ({ items: [...items, item] }))
        .then(
          ({ items }) => answer(items),
          (error: unknown) => {
            if (isSessionError(error) && error.code === 'ERR_SESSION_GONE') socket.disconnect(true)
          },
        )
    })
  })
  return io
}
