// The HTTP suite on what users of other runtimes have: handlers of fetch.
import { httpSuite } from '../../adapters/http-suite.ts'
import type { Serve } from '../../adapters/servers/exchange.ts'
import { fetchHandler } from '../../adapters/servers/fetch.ts'
import type { MakeHandler } from '../../adapters/servers/fetch.ts'
import { h3Handler } from '../../adapters/servers/h3.ts'
import { honoHandler } from '../../adapters/servers/hono.ts'

/** Collects the cases of each adapter that works on fetch. */
export function collect(serve: (make: MakeHandler) => Serve): void {
  httpSuite('createFetchAdapter', serve(fetchHandler), { onThrow: 'lost' })
  httpSuite('createHonoAdapter', serve(honoHandler))
  httpSuite('createH3Adapter', serve(h3Handler))
}
