import { assertBinding, assertRotation } from '../core/authentication.ts'
import { SessionConflictError, SessionGoneError } from '../core/errors.ts'
import { isHandle } from '../core/key.ts'
import type { Handle, Key } from '../core/key.ts'
import type { RotateOptions, SessionSummary } from '../core/session-backend.ts'
import { isCleared, queueWrite, stateOf } from '../core/session.ts'
import type { Session } from '../core/session.ts'
import { assertSubject } from '../core/subject.ts'
import { logInCarrying } from './carry-over.ts'
import { lifecycleOf, storedLifecycleOf } from './context.ts'
import type { ManagerContext } from './context.ts'
import type { BindSessionOptions, ListedSession } from './session-manager.ts'
import { askBackend, tellEnded, tellRotated, tellTouched } from './tell.ts'

/** `SessionManager.touch`. */
export async function touch<V>(context: ManagerContext<V>, session: Session<V>): Promise<boolean> {
  const backend = lifecycleOf(context, 'touch')
  const state = stateOf(session)
  return queueWrite(state, context, async () => {
    const due = state.touchDue
    if (due === undefined) return false
    const touched = await askBackend<V, boolean | Key>(context, 'touch', () =>
      backend.touch(state.key, due),
    )
    if (touched !== false) tellTouched(context, state, due.period)
    if (isCleared(state)) return false
    state.touchDue = undefined
    if (typeof touched === 'string') state.key = touched
    if (touched !== false) {
      state.expiryPeriod = due.period
      state.modified = true
    }
    return touched !== false
  })
}

/** `SessionManager.bind`. */
export async function bind<V, I>(
  context: ManagerContext<V>,
  session: Session<V>,
  subject: string,
  options: BindSessionOptions<V, I>,
): Promise<void> {
  lifecycleOf(context, 'bind')
  assertSubject(subject)
  assertBinding(options)
  const { carryOver, ...authentication } = options
  const logIn = (): Promise<void> =>
    rotate(context, session, { ...authentication, subject, authenticated: true })
  if (carryOver === undefined || session.subject === subject) return logIn()
  return logInCarrying(context, session, carryOver, logIn)
}

/** `SessionManager.rotate`. */
export async function rotate<V>(
  context: ManagerContext<V>,
  session: Session<V>,
  options: RotateOptions,
): Promise<void> {
  const backend = lifecycleOf(context, 'rotate')
  assertRotation(options)
  const state = stateOf(session)
  await queueWrite(state, context, async () => {
    const { key, facts, renewal } = state
    // A key that has been followed may have come to the end of its grace since: without `extra`, the backend looks.
    const known = renewal === 'over' ? undefined : facts?.extra
    const result = await askBackend(context, 'rotate', () =>
      backend.rotate(key, facts?.securityVersion ?? 1, { ...options, extra: known }),
    )
    if (!result.ok) throw lost(result.reason)
    tellRotated(context, state, options)
    if (isCleared(state)) return
    const { securityVersion, authenticatedAtMs, nowMs, extra } = result
    const { subject = state.facts?.subject, labels = state.facts?.labels } = options
    state.facts = {
      handle: state.facts?.handle,
      createdAtMs: state.facts?.createdAtMs,
      subject,
      labels: { ...labels },
      securityVersion,
      authenticatedAtMs,
      nowMs,
      extra,
    }
    state.factsAtMs = context.clock.now()
    state.key = result.key
    state.expiryPeriod = result.period
    state.touchDue = undefined
    state.renewal = undefined
    state.modified = true
  })
}

/** `SessionManager.renew`. */
export async function renew<V>(context: ManagerContext<V>, session: Session<V>): Promise<boolean> {
  const backend = storedLifecycleOf(context, 'renew')
  const state = stateOf(session)
  return queueWrite(state, context, async () => {
    // A response under way may still set the old key, but for the last while before it is due.
    if (backend.renewAfter !== undefined && state.renewal !== 'due') return false
    const { key } = state
    const result = await askBackend(context, 'renew', () => backend.renew(key))
    if (!result.ok) throw lost(result.reason)
    if (isCleared(state)) return false
    state.expiryPeriod = result.period
    // It may be the old key, within its grace: not for that is the state known that a later rotation starts from.
    if (result.key === key) return false
    const { securityVersion, extra } = result
    if (state.facts !== undefined) state.facts = { ...state.facts, securityVersion, extra }
    state.key = result.key
    state.renewal = undefined
    state.modified = true
    return true
  })
}

/** `SessionManager.list`. */
export async function list<V>(
  context: ManagerContext<V>,
  subject: string,
  current: Session<V> | Handle | undefined,
): Promise<readonly ListedSession[]> {
  const backend = lifecycleOf(context, 'list')
  const own = handleGiven('current', current)
  const listed = await askBackend(context, 'list', () => backend.list(subject))
  const marked = (session: SessionSummary): ListedSession => {
    return { ...session, current: session.handle === own }
  }
  return listed.map(marked)
}

/** `SessionManager.clearSubject`. */
export async function clearSubject<V>(
  context: ManagerContext<V>,
  subject: string,
  except: Session<V> | Handle | undefined,
): Promise<number> {
  const backend = lifecycleOf(context, 'clearSubject')
  const handle = handleGiven('except', except)
  const count = await askBackend(context, 'clearSubject', () =>
    backend.clearSubject(subject, handle),
  )
  // A stateless backend does not know how many there were.
  tellEnded(context, 'subject', { subject }, Number.isNaN(count) ? undefined : count)
  return count
}

/** `SessionManager.clearHandle`. */
export async function clearHandle<V>(context: ManagerContext<V>, handle: string): Promise<boolean> {
  const backend = lifecycleOf(context, 'clearHandle')
  const live = await askBackend(context, 'clearHandle', () => backend.clearHandle(handle))
  if (isHandle(handle)) tellEnded(context, 'handle', { handle }, Number(live))
  return live
}

/** `SessionManager.clearAll`. */
export async function clearAll<V>(context: ManagerContext<V>): Promise<number> {
  const backend = lifecycleOf(context, 'clearAll')
  return askBackend(context, 'clearAll', () => backend.clearAll())
}

/** The error of a change of the key that was not made. */
function lost(reason: 'not_found' | 'conflict'): Error {
  return reason === 'conflict'
    ? new SessionConflictError('the session keeps changing')
    : new SessionGoneError('the session was cleared, has expired or was rotated away')
}

function handleGiven<V>(
  option: 'except' | 'current',
  session: Session<V> | Handle | undefined,
): Handle | undefined {
  if (session === undefined) return undefined
  const handle = typeof session === 'string' ? session : stateOf(session) && session.handle
  // Anything else would keep nothing and end the very session that was to stay.
  if (!isHandle(handle)) throw new TypeError(`"${option}" must be a session or its handle`)
  return handle
}
