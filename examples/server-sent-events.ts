// Server-sent events: an answer that goes on as long as the session does.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createNodeAdapter } from '../src/adapters/node.ts'
import { onSessionEvent } from '../src/index.ts'
import type { SessionManager } from '../src/index.ts'

/** What makes the events. */
export interface News {
  /** Calls `listener` with each piece of news until what it returns is called. */
  readonly listen: (listener: (text: string) => void) => () => void
}

/** Makes a handler that streams `news` to those who are logged in. */
export function createNewsHandler<V>(
  sessions: SessionManager<V>,
  news: News,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const sessionOf = createNodeAdapter(sessions)
  return async (request, response) => {
    // All that the session has to say in headers is said here: a touch moves the cookie along with the record.
    const session = await sessionOf(request, response).load()
    const { subject, handle } = session ?? {}
    if (subject === undefined) {
      response.writeHead(401).end()
      return
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.flushHeaders()

    const end = (): void => void response.end()
    const stops = [
      news.listen((text) => response.write(`data: ${text}\n\n`)),
      // In this process the end of a session ends the stream at once.
      onSessionEvent('sojourn:session.cleared', ({ by, ...ended }) => {
        if (by === 'all' || ended.handle === handle) end()
        if (by === 'subject' && ended.subject === subject) end()
      }),
    ]
    // Others see it by looking again. Not with the key, which another request may have renewed since.
    const look = setInterval(() => {
      const there = sessions.list(subject)
      there.then((list) => list.some((one) => one.handle === handle) || end(), end)
    }, 60_000)
    response.on('close', () => {
      clearInterval(look)
      for (const stop of stops) stop()
    })
  }
}
