import type { Awaitable } from '../core/backend.ts'
import type { SessionManager } from '../manager/session-manager.ts'
import { createRequestSession, isSessionOf } from '../request.ts'
import { assertFree } from './adapter-options.ts'
import type { NamedSession } from './adapter-options.ts'
import type { FetchHead } from './fetch-head.ts'

/** Where a framework keeps what belongs to a request, and how its response gets what the session has for it. */
export interface SessionPlace<H extends FetchHead> {
  get(): unknown
  set(session: object): void
  createHead(): H
  /** Puts what was written on what was made or thrown. */
  end(head: H, outcome: unknown, error: unknown): void
}

/**
 * Runs what comes after a middleware with a session in its place; then the headers are gone, and where anything has been
 * written, it is put on what was made or thrown.
 *
 * @throws TypeError where something else is in that place.
 */
export async function withSession<V, I, T, H extends FetchHead>(
  manager: SessionManager<V, I>,
  headers: Headers,
  place: SessionPlace<H>,
  options: NamedSession,
  next: () => Awaitable<T>,
): Promise<T> {
  const there = place.get()
  // A middleware may be there twice, for an application and for a part of it.
  if (isSessionOf(there, manager)) return next()
  assertFree(options.property, there)
  const head = place.createHead()
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
    if (head.written().length > 0) place.end(head, outcome, fault)
  }
}
