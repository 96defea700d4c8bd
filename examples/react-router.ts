// React Router (framework mode): a middleware of the root route, and loaders and actions that find the session in its context.
import { createContext, redirect } from 'react-router'
import type { ActionFunctionArgs, LoaderFunctionArgs, MiddlewareFunction } from 'react-router'
import { createFetchAdapter } from '../src/adapters/fetch.ts'
import { createMemoryBackend } from '../src/backends/memory.ts'
import { createSessionManager } from '../src/index.ts'
import type { RequestSessionOf } from '../src/index.ts'

const sessions = createSessionManager<{ items: string[] }>({ backend: createMemoryBackend() })
const withSession = createFetchAdapter(sessions)

/** Where loaders and actions find the session. */
export const sessionContext = createContext<RequestSessionOf<typeof sessions>>()

/** For `export const middleware` of app/root.tsx. */
export const middleware: MiddlewareFunction<Response>[] = [
  ({ request, context }, next) =>
    withSession(async (_request: Request, session) => {
      context.set(sessionContext, session)
      return next()
    })(request),
]

/** A route's loader. */
export async function loader({ context }: LoaderFunctionArgs): Promise<readonly string[]> {
  return (await context.get(sessionContext).load())?.value.items ?? []
}

/** A route's action. What it writes is stored before the redirect goes out. */
export async function action({ context }: ActionFunctionArgs): Promise<Response> {
  const session = context.get(sessionContext)
  await session.update((cart) => ({ items: [...(cart?.items ?? []), 'tea'] }))
  return redirect('/')
}
