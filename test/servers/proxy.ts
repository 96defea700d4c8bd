import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A TCP proxy on 127.0.0.1 that makes a network's faults. */
export interface FaultProxy {
  readonly port: number
  /** How many connections are open. */
  readonly connections: number
  /** Destroys all connections. New ones are taken. */
  cut(): void
  /**
   * Lets the next piece that a client sends, and that holds `pattern` if one is given, through to the server, and
   * then destroys that connection before any answer comes back. Comes back once the server has ended its side, and
   * so has dealt with what it was sent.
   */
  cutOnNext(pattern?: string | RegExp): Promise<void>
  /** From here on connections are taken and kept, and nothing passes, either way. */
  stall(): void
  /** Ends `stall`: what was held back passes now. */
  resume(): void
  /** Destroys all connections and takes no more. A second call does nothing. */
  stop(): Promise<void>
}

interface Connection {
  readonly client: Socket
  readonly server: Socket
}

/** Starts a proxy in front of a port of 127.0.0.1. */
export async function startProxy(targetPort: number): Promise<FaultProxy> {
  const connections = new Set<Connection>()
  const cuts: { matches: (piece: Buffer) => boolean; done: () => void }[] = []
  let stalled = false

  const listener = createServer((client) => {
    const server = connect(targetPort, '127.0.0.1')
    const connection = { client, server }
    connections.add(connection)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      if (stalled) socket.pause()
    }
    client.on('data', (piece) => {
      const cut = cuts.findIndex(({ matches }) => matches(piece))
      server.write(piece)
      if (cut < 0) return
      for (const { done } of cuts.splice(cut, 1)) server.once('close', done)
      client.destroy()
    })
    server.on('data', (piece) => {
      if (!client.destroyed) client.write(piece)
    })
    // The server gets all that was sent before the end; a client is told at once.
    client.on('close', () => server.end())
    server.on('close', () => {
      connections.delete(connection)
      client.destroy()
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')

  function cut(): void {
    for (const { client, server } of connections) {
      client.destroy()
      server.destroy()
    }
  }

  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return connections.size
    },
    cut,
    cutOnNext: (pattern = '') =>
      new Promise((resolve) => {
        cuts.push({ matches: (piece) => holds(piece, pattern), done: resolve })
      }),
    stall() {
      stalled = true
      for (const { client, server } of connections) for (const end of [client, server]) end.pause()
    },
    resume() {
      stalled = false
      for (const { client, server } of connections) for (const end of [client, server]) end.resume()
    },
    async stop() {
      if (!listener.listening) return
      listener.close()
      cut()
      await once(listener, 'close')
    },
  }
}

function holds(piece: Buffer, pattern: string | RegExp): boolean {
  return typeof pattern === 'string'
    ? piece.includes(pattern)
    : pattern.test(piece.toString('latin1'))
}
