// The HTTP suite in a worker. One request of it runs the cases; their own requests go out of the worker and come back
// in by a socket, each to the handler that its host names.
import type { Serve } from '../../adapters/servers/exchange.ts'
import type { FetchHandler, MakeHandler } from '../../adapters/servers/fetch.ts'
import { collect } from './cases.ts'
import { runCases } from './runner.ts'
import { clientOf } from './serve.ts'

/** A handler, and what to call when its case is over. */
interface Site {
  readonly handle: FetchHandler
  readonly ends: (() => void)[]
}

interface Environment {
  readonly socket: { readonly fetch: typeof fetch }
}

interface Context {
  readonly waitUntil: (work: Promise<void>) => void
}

const sites = new Map<string, Site>()
let ask: typeof fetch = fetch

function throughSocket(make: MakeHandler): Serve {
  return (manager, application, options) => {
    const host = `shop-${sites.size}.example`
    const site: Site = { handle: make(manager, application, options), ends: [] }
    sites.set(host, site)
    const close = async (): Promise<void> => site.ends.forEach((end) => end())
    return Promise.resolve(clientOf(`http://${host}`, close, ask))
  }
}

collect(throughSocket)

export default {
  async fetch(request: Request, { socket }: Environment, context: Context): Promise<Response> {
    const site = sites.get(new URL(request.url).hostname)
    if (site === undefined) {
      ask = (...sent) => socket.fetch(...sent)
      return Response.json(await runCases())
    }
    // What a request has begun ends with its answer, unless somebody waits for it.
    context.waitUntil(new Promise((resolve) => void site.ends.push(resolve)))
    return site.handle(request)
  },
}
