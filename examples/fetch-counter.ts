// A counter for servers that turn a Request into a Response. Bun and Deno serve the default export as it is.
import { createFetchAdapter } from '../src/adapters/fetch.ts'
import { createMemoryBackend } from '../src/backends/memory.ts'
import { createSessionManager } from '../src/index.ts'

const sessions = createSessionManager<number>({ backend: createMemoryBackend() })
const withSession = createFetchAdapter(sessions)

export default {
  fetch: withSession(async (_request: Request, session) => {
    return new Response(`visit ${await session.update((visits = 0) => visits + 1)}\n`)
  }),
}
