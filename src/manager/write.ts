import { assertAuthentication } from '../core/authentication.ts'
import { callAtOnce, isPromise, whenDone } from '../core/awaitable.ts'
import type { Awaitable, SetResult } from '../core/backend.ts'
import { SessionConflictError, SessionGoneError } from '../core/errors.ts'
import type { BackendOperation } from '../core/event-messages.ts'
import type { Key } from '../core/key.ts'
import { encodeLabels } from '../core/labels.ts'
import { assertOptions } from '../core/options.ts'
import { assertPeriod } from '../core/period.ts'
import type { Period } from '../core/period.ts'
import type { SessionFacts, SessionSetOptions } from '../core/session-backend.ts'
import { clearState, createSession, isCleared, queueWrite, stateOf } from '../core/session.ts'
import type { Session, SessionState } from '../core/session.ts'
import { assertSubject } from '../core/subject.ts'
import { isChunkable } from '../http/chunked-cookie.ts'
import { isCookieValue } from '../http/set-cookie.ts'
import { lifecycleOf } from './context.ts'
import type { ManagerContext } from './context.ts'
import { readBackend, UNSEEN } from './lookup.ts'
import type { GenerateSessionOptions, SetChange } from './session-manager.ts'
import {
  askBackend,
  tellCleared,
  tellConflict,
  tellCreated,
  tellWritten,
  unusable,
} from './tell.ts'
import { prepareValue } from './values.ts'
import type { Prepared } from './values.ts'

/** Checks all that a new session is made of, and makes its value ready. Throws as `generate` does. */
function prepareGeneration<V>(
  context: ManagerContext<V>,
  value: unknown,
  options: GenerateSessionOptions,
): Prepared<V> | Promise<Prepared<V>> {
  assertOptions('generate', options, ['expiry', 'subject', 'labels', 'assurance', 'absolute'])
  const { expiry, subject, labels, assurance, absolute } = options
  if (value === undefined) throw new TypeError('"value" must not be undefined')
  if (expiry !== undefined) assertPeriod('expiry', expiry)
  const owned = [subject, labels, assurance, absolute].some((option) => option !== undefined)
  if (owned) lifecycleOf(context, 'generate with more than a value and an expiry')
  if (subject !== undefined) assertSubject(subject)
  assertAuthentication(options, subject !== undefined)
  encodeLabels(labels)
  return prepareValue(context, value)
}

/** `SessionManager.generate`. What is wrong with the new session is found before `begin` is called. */
export async function generate<V>(
  context: ManagerContext<V>,
  value: unknown,
  options: GenerateSessionOptions,
  begin?: () => Promise<void>,
): Promise<Session<V>> {
  const preparing = prepareGeneration(context, value, options)
  const { text, shown } = isPromise(preparing) ? await preparing : preparing
  if (begin !== undefined) await begin()
  const { expiry, subject, labels, assurance, absolute } = options
  const { backend, decode } = context
  let created: (SessionFacts & { readonly period: Period }) | undefined
  const onCreated = (facts: typeof created): void => void (created = facts)
  const more =
    context.lifecycle === undefined ? {} : { subject, labels, assurance, absolute, onCreated }
  const { key, period } = await askBackend(context, 'generate', async () => {
    const period = expiry ?? usablePeriod('generate', backend.defaultPeriod)
    return { period, key: await backend.generate({ value: text, expiry: period, ...more }) }
  })
  assertCarried(context, key, 'generate')
  tellCreated(context, key, created, created?.period ?? period)
  return createSession<V>({
    key,
    text,
    decoded: shown,
    expiryPeriod: created?.period ?? period,
    modified: true,
    version: created === undefined || context.chunks !== undefined ? undefined : 1,
    facts: created,
    factsAtMs: context.clock.now(),
    touchDue: undefined,
    renewal: undefined,
    decode,
    shown: false,
    lastWrite: undefined,
  })
}

/** `SessionManager.set`. */
export function set<V, I>(
  context: ManagerContext<V>,
  session: Session<V>,
  change: SetChange<I>,
): Awaitable<void> {
  const state = stateOf(session)
  assertOptions('set', change, ['value', 'expiry'])
  const { value, expiry } = change
  if (value === undefined && 'value' in change) throw new TypeError('"value" must not be undefined')
  if (expiry !== undefined) assertPeriod('expiry', expiry)
  // Now, and not at its turn: what the caller does with the value afterwards is not to be stored.
  const preparing = value === undefined ? undefined : prepareValue(context, value)
  if (isPromise(preparing)) preparing.catch(ignore)
  return queueWrite(state, context, () =>
    whenDone(preparing, (prepared) => {
      const text = prepared?.text
      const write = (version: number | undefined): Awaitable<void> =>
        whenDone(writeBackend(context, state, text, { expiry, version }), (outcome) => {
          if (outcome === 'conflict') throw conflict()
          applyWrite(state, prepared, outcome)
        })
      if (text === undefined) return write(undefined)
      const asks = state.version === undefined && asksForVersions(context)
      return asks ? askVersion(context, state).then(write) : write(state.version)
    }),
  )
}

function asksForVersions<V>({ lifecycle, unversioned }: ManagerContext<V>): boolean {
  return lifecycle === undefined && !unversioned
}

/**
 * The version of a session that a hand-written backend has generated without telling it. It counts if the backend
 * still holds the value that the object shows.
 */
async function askVersion<V>(
  context: ManagerContext<V>,
  state: SessionState<V>,
): Promise<number | undefined> {
  return readBackend(context, state.key, UNSEEN, (answer) => {
    if (!answer.ok) throw gone()
    if (answer.version !== undefined && answer.value !== state.text) throw conflict()
    return answer.version
  })
}

function usablePeriod(operation: 'generate' | 'set', period: unknown): Period {
  if (typeof period === 'number' && !Number.isNaN(period)) return period
  throw unusable(operation, 'the backend gave no usable period')
}

/** `SessionManager.clear`. Deliberately not queued: a logout waits for nobody. */
export async function clear<V>(context: ManagerContext<V>, session: Session<V>): Promise<void> {
  const state = stateOf(session)
  if (isCleared(state)) return
  const { backend, lifecycle } = context
  await askBackend<V, void>(context, 'clear', () =>
    lifecycle === undefined
      ? backend.clear(state.key)
      : lifecycle.clear(state.key, { verified: true }),
  )
  tellCleared(context, state.key, state.facts)
  clearState(state)
}

/** What a write that the backend accepted has left behind. */
export interface Written {
  readonly version: number | undefined
  readonly period: Period
  /** The key from now on, if another. */
  readonly key: Key | undefined
}

/** Refuses a key that no cookie can carry: a session with it would be lost. */
function assertCarried<V>(
  { backend, cookie }: ManagerContext<V>,
  key: unknown,
  operation: BackendOperation,
): void {
  if (typeof key === 'string' && key !== '') {
    const { maxKeyLength } = backend
    const carried =
      maxKeyLength === undefined ? isCookieValue(cookie.name, key) : isChunkable(key, maxKeyLength)
    if (carried) return
  }
  throw unusable(operation, 'the backend generated a key that no cookie can carry')
}

/**
 * Writes through the backend.
 *
 * @throws SessionGoneError when there is no live session to write to.
 */
export function writeBackend<V>(
  context: ManagerContext<V>,
  state: SessionState<V>,
  text: string | undefined,
  options: SessionSetOptions,
): Awaitable<Written | 'conflict'> {
  const { backend, lifecycle } = context
  const { expiry, version } = options
  const { key } = state
  let period: Period
  const write = (): Awaitable<SetResult> => {
    period = expiry ?? usablePeriod('set', backend.defaultPeriod)
    if (lifecycle === undefined) return backend.set(key, text, { expiry, version })
    const change = { expiry, version, keepPeriod: options.keepPeriod, extra: state.facts?.extra }
    return callAtOnce(lifecycle, 'set', key, text, change)
  }
  return whenDone(askBackend(context, 'set', write), (result: SetResult | undefined) => {
    if (result?.ok === true) {
      if (result.key !== undefined) assertCarried(context, result.key, 'set')
      tellWritten(context, state, text !== undefined, result.version)
      const left = usablePeriod('set', result.period ?? period)
      return { version: result.version, period: left, key: result.key }
    }
    if (result?.ok === false && result.reason === 'conflict') {
      tellConflict(context, state)
      return 'conflict'
    }
    if (result?.ok === false && result.reason === 'not_found') throw gone()
    throw unusable('set', 'the backend gave no usable answer to set')
  })
}

/** Shows a write on the session's object, unless that was cleared meanwhile. */
export function applyWrite<V>(
  state: SessionState<V>,
  prepared: Prepared<V> | undefined,
  written: Written,
): void {
  if (isCleared(state)) return
  if (written.key !== undefined) state.key = written.key
  if (prepared !== undefined) {
    state.text = prepared.text
    state.decoded = prepared.shown
    state.version = written.version
  }
  state.expiryPeriod = written.period
  state.touchDue = undefined
  state.modified = true
}

function ignore(): void {}

/** The error of a write that lost against another one. */
export function conflict(): SessionConflictError {
  return new SessionConflictError('another request has changed the session')
}

/** The error of a write to a session that is no longer there. */
export function gone(): SessionGoneError {
  return new SessionGoneError('the session was cleared, has expired or was rotated away')
}
