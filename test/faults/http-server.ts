import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { isSessionError } from '../../src/index.ts'
import { makeValue, tokenOf } from './history.ts'
import type { LoadContext } from './load.ts'

/** What the application answers: its status says how it went, the rest what it saw and did. */
export interface Answer {
  /** The value that was read, or that a write was made from. */
  readonly basis?: string | undefined
  /** The value of the last write that was tried. */
  readonly value?: string | undefined
  readonly version?: number | undefined
  /** Whether the session was there. */
  readonly found?: boolean | undefined
}

/** A server of the application. */
export interface Application {
  readonly url: string
  close(): Promise<void>
}

const STATUS: Readonly<Record<string, number>> = {
  ERR_SESSION_BACKEND: 503,
  ERR_SESSION_GONE: 410,
  ERR_SESSION_CONFLICT: 409,
}

/** Starts a small application on `node:http`: it reads, writes, rotates and ends the session of a request. */
export async function startApplication(context: LoadContext): Promise<Application> {
  const sessionOf = createNodeAdapter(context.manager)

  async function act(
    request: IncomingMessage,
    response: ServerResponse,
    seen: { -readonly [K in keyof Answer]: Answer[K] },
  ): Promise<void> {
    const session = sessionOf(request, response)
    if (request.url === '/visit') {
      await session.update((stored) => {
        const value = makeValue(context.valueBytes)
        seen.basis = stored === undefined ? undefined : tokenOf(stored)
        seen.value = value.by
        return value
      })
      seen.version = (await session.load())?.version
      return
    }
    const loaded = await session.load()
    seen.found = loaded !== undefined
    if (request.url === '/read' && loaded !== undefined) {
      seen.version = loaded.version
      seen.basis = tokenOf(loaded.value)
    }
    if (request.url === '/rotate') await session.rotate()
    if (request.url === '/logout') await session.clear()
  }

  const server = createServer((request, response) => {
    const seen: Answer = {}
    act(request, response, seen)
      .catch((error: unknown) => {
        response.statusCode = (isSessionError(error) ? STATUS[error.code] : undefined) ?? 500
        if (response.statusCode === 500) context.meter.untyped(error)
      })
      .finally(() => response.end(JSON.stringify(seen)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
