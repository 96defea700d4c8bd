import { isSessionError } from '../../../src/core/errors.ts'
import type { SessionManager } from '../../../src/manager/session-manager.ts'
import type { RequestSession } from '../../../src/request.ts'
import type { NamedSessionOptions } from '../../../src/request/adapter-options.ts'

/** What an application sees of one request, whatever the server. */
export interface Exchange<V> {
  readonly path: string
  readonly session: RequestSession<V>
  /** Status of the answer. Default: 200. */
  status: number
  /** Appends a header to the answer. */
  readonly header: (name: string, value: string) => void
}

/** An answer that is made by the framework's own means. */
export interface Redirect {
  readonly location: string
}

/** A body, a body as it comes, a redirect, or a function that gives the body once the headers are gone. */
export type Outcome = string | AsyncIterable<string> | Redirect | (() => Promise<string>)

/** What runs on each server. */
export type Application<V> = (exchange: Exchange<V>) => Promise<Outcome>

/** A client's view of an answer whose body may still be on its way. */
export interface Head {
  readonly status: number
  readonly setCookies: readonly string[]
  readonly header: (name: string) => string | undefined
  /** Reads the body to its end. */
  readonly text: () => Promise<string>
}

/** A client's view of a whole answer. */
export interface Reply extends Head {
  readonly body: string
}

/** What a client sends beside a path. */
export interface Sent {
  readonly method?: string
  readonly cookies?: readonly string[]
  /** Closes the connection, whatever came of it. */
  readonly signal?: AbortSignal
}

/** A server that is running, and a client of it. */
export interface Running {
  /** Asks for `path`, and gives the answer once its headers are there. */
  readonly send: (path: string, sent?: Sent) => Promise<Head>
  /** Asks for `path` with these `Cookie` headers, and reads the whole answer. */
  readonly ask: (path: string, ...cookies: string[]) => Promise<Reply>
  readonly close: () => Promise<void>
}

/** Starts a server with `application` on it. What it throws is answered with status 500 and its code. */
export type Serve = <V>(
  manager: SessionManager<V>,
  application: Application<V>,
  options?: NamedSessionOptions,
) => Promise<Running>

/** A server's client that also reads whole answers. */
export function asking(
  send: (path: string, sent: Sent) => Promise<Head>,
  close: () => Promise<void>,
): Running {
  return {
    send: (path, sent = {}) => send(path, sent),
    ask: async (path, ...cookies) => {
      const head = await send(path, { cookies })
      return { ...head, body: await head.text() }
    },
    close,
  }
}

/** What the answer says of an error. */
export function codeOf(error: unknown): string {
  if (isSessionError(error)) return error.code
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** Which of the kinds of outcome it is. */
export function isRedirect(outcome: Outcome): outcome is Redirect {
  return typeof outcome === 'object' && 'location' in outcome
}

/** A body for servers of fetch, in pieces that are asked for when somebody reads them: after the headers are gone. */
export function webBody(outcome: AsyncIterable<string> | (() => Promise<string>)): ReadableStream {
  const pieces = typeof outcome === 'function' ? once(outcome) : outcome[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done === true) controller.close()
        else controller.enqueue(new TextEncoder().encode(value))
      },
    },
    { highWaterMark: 0 },
  )
}

async function* once(give: () => Promise<string>): AsyncGenerator<string, undefined> {
  yield await give().catch(codeOf)
  return undefined
}
