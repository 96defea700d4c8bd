// The servers of fetch that other runtimes bring, with the runtime's own client.
import { asking } from '../../adapters/servers/exchange.ts'
import type { Head, Running, Sent, Serve } from '../../adapters/servers/exchange.ts'
import type { FetchHandler, MakeHandler } from '../../adapters/servers/fetch.ts'

/** A server, and how to stop it. */
interface Listening {
  readonly port: number
  readonly stop: () => Promise<void>
}

declare const Bun: {
  serve(options: object): { readonly port: number; stop(closeConnections: boolean): Promise<void> }
}
declare const Deno: {
  serve(options: object, handle: FetchHandler): { readonly addr: { readonly port: number } }
}

const hostname = '127.0.0.1'

function listen(handle: FetchHandler): Listening {
  if ('Bun' in globalThis) {
    const server = Bun.serve({ port: 0, hostname, fetch: (request: Request) => handle(request) })
    return { port: server.port, stop: () => server.stop(true) }
  }
  const { signal, ...closing } = closer()
  const { addr } = Deno.serve({ port: 0, hostname, signal, onListen: () => {} }, (request) =>
    handle(request),
  )
  return { port: addr.port, ...closing }
}

function closer(): { readonly signal: AbortSignal; readonly stop: () => Promise<void> } {
  const abort = new AbortController()
  return { signal: abort.signal, stop: async () => abort.abort() }
}

/** A client of the server at `origin`. `ask` is the runtime's `fetch`, or what stands for it in a worker. */
export function clientOf(
  origin: string,
  close: () => Promise<void>,
  ask: typeof fetch = fetch,
): Running {
  const send = async (path: string, sent: Sent): Promise<Head> => {
    const { method = 'GET', cookies = [], signal = null } = sent
    const headers = cookies.length > 0 ? { cookie: cookies.join('; ') } : {}
    const init = { method, headers, signal, redirect: 'manual' } as const
    const response = await ask(`${origin}${path}`, init)
    return {
      status: response.status,
      setCookies: response.headers.getSetCookie(),
      header: (name) => response.headers.get(name) ?? undefined,
      text: () => response.text(),
    }
  }
  return asking(send, close)
}

/** A handler of fetch on the server that this runtime has. */
export function onServer(make: MakeHandler): Serve {
  return (manager, application, options) => {
    const { port, stop } = listen(make(manager, application, options))
    return Promise.resolve(clientOf(`http://${hostname}:${port}`, stop))
  }
}
