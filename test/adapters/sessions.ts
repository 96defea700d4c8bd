import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/manager.ts'
import type { SessionManager } from '../../src/manager/session-manager.ts'
import type { RequestSession } from '../../src/request.ts'

/** Sessions in memory that count. */
export function createSessions(name = '__Host-session'): SessionManager<number> {
  return createSessionManager<number>({ backend: createMemoryBackend(), cookie: { name } })
}

/** The session that an adapter has put on `target`: a request, or a context. */
export function sessionOf<V = number>(target: object, name = 'session'): RequestSession<V> {
  const session = (target as Readonly<Record<string, RequestSession<V>>>)[name]
  if (session === undefined) throw new Error('no session')
  return session
}
