import { encodeValue } from '../core/codec.ts'
import {
  BackendError,
  guardBackend,
  SessionConflictError,
  SessionGoneError,
} from '../core/errors.ts'
import type { Key } from '../core/key.ts'
import { encodeLabels } from '../core/labels.ts'
import { assertPeriod } from '../core/period.ts'
import type { Period } from '../core/period.ts'
import type { SessionFacts, SessionSetOptions } from '../core/session-backend.ts'
import { clearState, createSession, isCleared, queueWrite, stateOf } from '../core/session.ts'
import type { Session, SessionState } from '../core/session.ts'
import { assertSubject } from '../core/subject.ts'
import { isCookieValue } from '../http/set-cookie.ts'
import { lifecycleOf } from './context.ts'
import type { ManagerContext } from './context.ts'
import type { GenerateSessionOptions, SetChange } from './session-manager.ts'

/** Checks all that a new session is made of; returns the text of its value. Throws as `generate` does. */
export function checkGeneration<V>(
  context: ManagerContext<V>,
  value: V,
  { expiry, subject, labels }: GenerateSessionOptions,
): string {
  if (value === undefined) throw new TypeError('"value" must not be undefined')
  if (expiry !== undefined) assertPeriod('expiry', expiry)
  const owned = subject !== undefined || labels !== undefined
  if (owned) lifecycleOf(context, 'generate with a subject or labels')
  if (subject !== undefined) assertSubject(subject)
  encodeLabels(labels)
  return encodeValue(context.codec, value)
}

/** `SessionManager.generate`. */
export async function generate<V>(
  context: ManagerContext<V>,
  value: V,
  options: GenerateSessionOptions,
): Promise<Session<V>> {
  const text = checkGeneration(context, value, options)
  const { expiry, subject, labels } = options
  const { backend, codec, cookie } = context
  let created: (SessionFacts & { readonly period: Period }) | undefined
  const onCreated = (facts: typeof created): void => void (created = facts)
  const more = context.lifecycle === undefined ? {} : { subject, labels, onCreated }
  const { key, period } = await guardBackend('generate a session', async () => {
    const period = expiry ?? backend.defaultPeriod
    return { period, key: await backend.generate({ value: text, expiry: period, ...more }) }
  })
  if (typeof key !== 'string' || key === '' || !isCookieValue(cookie.name, key)) {
    throw new BackendError('the backend generated a key that no cookie can carry')
  }
  return createSession<V>({
    key,
    text,
    decoded: undefined,
    expiryPeriod: created?.period ?? period,
    modified: true,
    version: created === undefined ? undefined : 1,
    facts: created,
    touchDue: undefined,
    codec,
    writes: undefined,
  })
}

/** `SessionManager.set`. */
export async function set<V>(
  context: ManagerContext<V>,
  session: Session<V>,
  change: SetChange<V>,
): Promise<void> {
  const state = stateOf(session)
  const { value, expiry } = change
  if (value === undefined && 'value' in change) throw new TypeError('"value" must not be undefined')
  if (expiry !== undefined) assertPeriod('expiry', expiry)
  const text = value === undefined ? undefined : encodeValue(context.codec, value)
  await queueWrite(state, context, async () => {
    const version = text === undefined ? undefined : state.version
    const outcome = await writeBackend(context, state.key, text, { expiry, version })
    if (outcome === 'conflict') throw conflict()
    applyWrite(state, text, outcome)
  })
}

/** `SessionManager.clear`. Deliberately not queued: a logout waits for nobody. */
export async function clear<V>(context: ManagerContext<V>, session: Session<V>): Promise<void> {
  const state = stateOf(session)
  if (isCleared(state)) return
  const { backend, lifecycle } = context
  await guardBackend('clear a session', () =>
    lifecycle === undefined
      ? backend.clear(state.key)
      : lifecycle.clear(state.key, { verified: true }),
  )
  clearState(state)
}

/** What a write that the backend accepted has left behind. */
export interface Written {
  readonly version: number | undefined
  readonly period: Period
}

/**
 * Writes through the backend.
 *
 * @throws SessionGoneError when there is no live session to write to.
 */
export async function writeBackend<V>(
  { backend, lifecycle }: ManagerContext<V>,
  key: Key,
  text: string | undefined,
  options: SessionSetOptions,
): Promise<Written | 'conflict'> {
  const { expiry, version } = options
  const { result, period } = await guardBackend('set a session', async () => {
    const period = expiry ?? backend.defaultPeriod
    const result =
      lifecycle === undefined
        ? await backend.set(key, text, { expiry, version })
        : await lifecycle.set(key, text, options)
    return { period, result }
  })
  if (result?.ok === true) return { version: result.version, period: result.period ?? period }
  if (result?.ok === false && result.reason === 'conflict') return 'conflict'
  if (result?.ok === false && result.reason === 'not_found') {
    throw new SessionGoneError('the session was cleared, has expired or was rotated away')
  }
  throw new BackendError('the backend gave no usable answer to set')
}

/** Shows a write on the session's object, unless that was cleared meanwhile. */
export function applyWrite<V>(
  state: SessionState<V>,
  text: string | undefined,
  written: Written,
): void {
  if (isCleared(state)) return
  if (text !== undefined) {
    state.text = text
    state.decoded = undefined
    state.version = written.version
  }
  state.expiryPeriod = written.period
  state.touchDue = undefined
  state.modified = true
}

/** The error of a write that lost against another one. */
export function conflict(): SessionConflictError {
  return new SessionConflictError('another request has changed the session')
}
