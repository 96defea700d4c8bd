import type { Awaitable, Found, Missed } from '../core/backend.ts'
import { BackendError, guardBackend, measureBackend } from '../core/errors.ts'
import type { BackendOperation, OfSession, SessionCleared } from '../core/event-messages.ts'
import {
  isAnyoneListening,
  publishCleared,
  publishConflict,
  publishCreated,
  publishFault,
  publishRead,
  publishRejected,
  publishRotated,
  publishTouched,
  publishWritten,
} from '../core/events.ts'
import type { Period } from '../core/period.ts'
import type { RotateOptions, SessionFacts } from '../core/session-backend.ts'
import { publicHandleOf } from '../core/session.ts'
import type { SessionState } from '../core/session.ts'
import type { ManagerContext } from './context.ts'

// A backend of `createBackend` publishes events itself, and knows best what has come of a call. For the others – written
// by hand, or stateless – the manager does, as far as their answers tell.

/** Makes one call of the backend; where that measures nothing itself, it is measured here. */
export function askBackend<V, T>(
  { tells }: ManagerContext<V>,
  operation: BackendOperation,
  run: () => Awaitable<T>,
): Awaitable<T> {
  return tells ? measureBackend(operation, run) : guardBackend(operation, run)
}

/** The error of a backend whose answer to `operation` is of no use. */
export function unusable(operation: BackendOperation, message: string): BackendError {
  const error = new BackendError(message)
  publishFault(operation, error)
  return error
}

/** Whether what the backend has done is for the manager to publish, and somebody listens. */
function mustTell<V>({ tells }: ManagerContext<V>): boolean {
  return tells && isAnyoneListening()
}

/** Tells of a session that the backend has made. */
export function tellCreated<V>(
  context: ManagerContext<V>,
  key: string,
  facts: SessionFacts | undefined,
  period: Period,
): void {
  if (mustTell(context)) publishCreated(publicHandleOf(key, facts), facts?.subject, period)
}

/** Tells of a look-up that the backend has made. */
export function tellRead<V>(
  context: ManagerContext<V>,
  key: string,
  answer: (Found & { readonly facts?: SessionFacts }) | Missed,
): void {
  if (!mustTell(context)) return
  const facts = answer.ok ? answer.facts : undefined
  const handle = publicHandleOf(key, facts)
  if (answer.ok) publishRead(handle, facts?.subject, 'found')
  else if (answer.reason === 'not_set') publishRead(handle, undefined, 'not_set')
  else publishRejected(handle, undefined, 'not_found')
}

/** Tells of a write that the backend has accepted. */
export function tellWritten<V>(
  context: ManagerContext<V>,
  { key, facts }: SessionState<V>,
  value: boolean,
  version: number | undefined,
): void {
  if (!mustTell(context)) return
  publishWritten(publicHandleOf(key, facts), facts?.subject, value, version)
}

/** Tells of a write that the backend has refused, because the session has changed. */
export function tellConflict<V>(context: ManagerContext<V>, { key, facts }: SessionState<V>): void {
  if (mustTell(context)) publishConflict(publicHandleOf(key, facts), facts?.subject, 'set')
}

/** Tells of a touch that the backend has made. */
export function tellTouched<V>(
  context: ManagerContext<V>,
  { key, facts }: SessionState<V>,
  period: Period,
): void {
  if (mustTell(context)) publishTouched(publicHandleOf(key, facts), facts?.subject, period)
}

/** Tells of a rotation that the backend has made. */
export function tellRotated<V>(
  context: ManagerContext<V>,
  { key, facts }: SessionState<V>,
  { subject, authenticated }: RotateOptions,
): void {
  if (!mustTell(context)) return
  const handle = publicHandleOf(key, facts)
  const bound = subject !== undefined
  publishRotated(handle, subject ?? facts?.subject, authenticated === true, bound)
}

/** Tells of one session that the backend has ended; it does not say whether it was still there. */
export function tellCleared<V>(
  context: ManagerContext<V>,
  key: string,
  facts: SessionFacts | undefined,
): void {
  if (!mustTell(context)) return
  publishCleared('key', undefined, publicHandleOf(key, facts), facts?.subject)
}

/** Tells of sessions that the backend has ended by a public name. */
export function tellEnded<V>(
  context: ManagerContext<V>,
  by: Exclude<SessionCleared['by'], 'key' | 'reuse'>,
  { handle, subject }: Partial<OfSession>,
  count: number | undefined,
): void {
  if (mustTell(context)) publishCleared(by, count, handle, subject)
}
