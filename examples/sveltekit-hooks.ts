// SvelteKit: src/hooks.server.ts. In src/app.d.ts, `interface Locals { session: CartSession }` tells handlers its type.
import { createFetchAdapter } from '../src/adapters/fetch.ts'
import { createMemoryBackend } from '../src/backends/memory.ts'
import { createSessionManager } from '../src/index.ts'
import type { RequestSessionOf } from '../src/index.ts'

const sessions = createSessionManager<{ items: string[] }>({ backend: createMemoryBackend() })
const withSession = createFetchAdapter(sessions)

/** What `event.locals.session` is. */
export type CartSession = RequestSessionOf<typeof sessions>

/** The part of SvelteKit's `Handle` that is needed; there, write `export const handle: Handle`. */
interface HandleInput<E> {
  readonly event: E & { readonly request: Request; readonly locals: { session?: CartSession } }
  readonly resolve: (event: E) => Response | Promise<Response>
}

/** Puts the session among the locals of each event. */
export function handle<E>({ event, resolve }: HandleInput<E>): Promise<Response> {
  return withSession((_request: Request, session) => {
    event.locals.session = session
    return resolve(event)
  })(event.request)
}
