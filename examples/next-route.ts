// Next.js (App Router): app/cart/route.ts. A route handler is a function of a Request, as the fetch adapter makes it.
import { createFetchAdapter } from '../src/adapters/fetch.ts'
import { createMemoryBackend } from '../src/backends/memory.ts'
import { createSessionManager } from '../src/index.ts'

export const sessions = createSessionManager<{ items: string[] }>({
  backend: createMemoryBackend(),
})
const withSession = createFetchAdapter(sessions)

export const GET = withSession(async (_request: Request, session) =>
  Response.json((await session.load())?.value.items ?? []),
)

export const POST = withSession(async (request: Request, session) => {
  await session.update((cart) => ({ items: [...(cart?.items ?? []), 'tea'] }))
  return Response.redirect(new URL('/cart', request.url), 303)
})

/** For server components, which may read and not write: `readItems(await headers())`, with `headers` of `next/headers`. */
export async function readItems(headers: Headers): Promise<readonly string[]> {
  const found = await sessions.fromHeaders(headers)
  return found.ok ? found.session.value.items : []
}
