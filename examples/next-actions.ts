// Next.js (App Router): what server actions need beside examples/next-route.ts. They set cookies by `cookies()` of
// `next/headers` alone, and so the session's go there; a redirect is an error of Next's, and takes them along.
import { createFetchAdapter } from '../src/adapters/fetch.ts'
import type { RequestSessionOf } from '../src/index.ts'
import { sessions } from './next-route.ts'

/** The part of what `await cookies()` gives that is called here. */
export interface CookieJar {
  /** What the browser has sent, as a `Cookie` header. */
  toString(): string
  set(cookie: {
    name: string
    value: string
    path: string
    secure: boolean
    httpOnly: boolean
    sameSite: 'lax'
    maxAge?: number
  }): unknown
}

type CartSession = RequestSessionOf<typeof sessions>

const withSession = createFetchAdapter(sessions)

/** For server actions: `await inAction(await cookies(), (session) => …)`. */
export async function inAction<T>(
  jar: CookieJar,
  act: (session: CartSession) => Promise<T>,
): Promise<T> {
  let outcome = (): T => {
    throw new Error('the action has not run')
  }
  const run = withSession(async (_request, session) => {
    await act(session).then(
      (result) => (outcome = () => result),
      (error: unknown) => {
        outcome = () => {
          throw error
        }
      },
    )
    return new Response()
  })
  const response = await run({ headers: { get: () => jar.toString() } })
  for (const line of response.headers.getSetCookie()) copyTo(jar, line)
  return outcome()
}

/** Sets a cookie of the session's, with the attributes that cookies of the manager have by default. */
function copyTo(jar: CookieJar, line: string): void {
  const [pair = ''] = line.split(';')
  const at = pair.indexOf('=')
  const maxAge = /; Max-Age=(\d+)/.exec(line)?.[1]
  jar.set({
    name: pair.slice(0, at),
    value: pair.slice(at + 1),
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'lax',
    ...(maxAge === undefined ? {} : { maxAge: Number(maxAge) }),
  })
}

/** A server action: a function in a file with 'use server', which gets its jar by `await cookies()`. */
export async function addTea(jar: CookieJar): Promise<void> {
  await inAction(jar, (session) =>
    session.update((cart) => ({ items: [...(cart?.items ?? []), 'tea'] })),
  )
}
