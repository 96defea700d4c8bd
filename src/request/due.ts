import { isSessionError } from '../core/errors.ts'
import { stateOf } from '../core/session.ts'
import type { Session } from '../core/session.ts'
import type { SessionManager } from '../manager/session-manager.ts'
import type { ResponseHead } from './request-session.ts'

/** Makes the touch and the renewal that are due of a session just loaded; `announce` tells the client. */
export async function makeDue<V, I>(
  manager: SessionManager<V, I>,
  session: Session<V>,
  head: ResponseHead,
  announce: () => void,
): Promise<void> {
  // Without headers there is no way to move the cookie's Max-Age along.
  if (stateOf(session).touchDue !== undefined && !head.sent()) {
    const touched = await manager.touch(session)
    if (touched && !head.sent()) announce()
  }
  const { renewal } = stateOf(session)
  if (renewal === undefined || head.sent()) return
  if (renewal === 'again') announce()
  if (renewal !== 'due') return
  try {
    const renewed = await manager.renew(session)
    if (renewed && !head.sent()) announce()
  } catch (error) {
    // Ended or rotated since it was read: what was read is what this request came with.
    if (!isLost(error)) throw error
  }
}

function isLost(error: unknown): boolean {
  if (!isSessionError(error)) return false
  return error.code === 'ERR_SESSION_GONE' || error.code === 'ERR_SESSION_CONFLICT'
}
