import type { Awaitable } from '../core/backend.ts'
import type { SessionManager } from '../manager/session-manager.ts'
import { createRequestSession, isSessionOf } from '../request.ts'
import { assertFree } from './adapter-options.ts'
import type { NamedSession } from './adapter-options.ts'
import { FetchHead } from './fetch-head.ts'

/** Where a framework keeps what belongs to a request. */
export interface SessionPlace {
  readonly get: () => unknown
  readonly set: (session: object) => void
}

/**
 * Runs what comes after a middleware with a session in its place; then the headers are gone, and where anything has been
 * written, `end` puts them on what was made or thrown.
 *
 * @throws TypeError where something else is in that place.
 */
export async function withSession<V, I, T>(
  manager: SessionManager<V, I>,
  headers: Headers,
  place: SessionPlace,
  options: NamedSession,
  next: () => Awaitable<T>,
  end: (head: FetchHead, outcome: T | undefined, error: unknown) => void,
): Promise<T> {
  const there = place.get()
  // A middleware may be there twice, for an application and for a part of it.
  if (isSessionOf(there, manager)) return next()
  assertFree(options.property, there)
  const head = new FetchHead()
  const session = createRequestSession(manager, headers, head, options)
  place.set(session)
  let outcome: T | undefined
  let fault: unknown
  try {
    outcome = await next()
    return outcome
  } catch (error) {
    fault = error
    throw error
  } finally {
    head.close()
    if (head.written()) end(head, outcome, fault)
  }
}
