import { whenDone } from '../core/awaitable.ts'
import type { Awaitable } from '../core/backend.ts'
import { UnsupportedOperationError } from '../core/errors.ts'
import { assertFunction, assertOptions } from '../core/options.ts'
import { assertPeriod } from '../core/period.ts'
import type { DeepReadonly } from '../core/readonly.ts'
import { isCleared, queueWrite, stateOf } from '../core/session.ts'
import type { Session, SessionState } from '../core/session.ts'
import type { ManagerContext } from './context.ts'
import { readBackend, UNSEEN } from './lookup.ts'
import type { Change, UpdateOptions } from './session-manager.ts'
import { prepareValue, restoreValue } from './values.ts'
import type { Prepared } from './values.ts'
import { applyWrite, conflict, gone, writeBackend } from './write.ts'

/** The value that a try starts from. */
interface Basis<V> {
  readonly text: string
  readonly version: number | undefined
  /** The value of the text, where it is at hand and nobody else has it. */
  readonly decoded?: V | undefined
}

/** One `update`. */
interface Updating<V, I> {
  readonly context: ManagerContext<V>
  readonly state: SessionState<V>
  readonly fn: Change<DeepReadonly<V>, I>
  readonly options: UpdateOptions
}

// Waits grow from a fraction of a millisecond to this, each drawn at random, so that losers spread out.
const LONGEST_WAIT_MS = 32

/** `SessionManager.update`. */
export function update<V, I>(
  context: ManagerContext<V>,
  session: Session<V>,
  fn: Change<DeepReadonly<V>, I>,
  options: UpdateOptions,
): Awaitable<DeepReadonly<V>> {
  const state = stateOf(session)
  assertFunction('fn', fn)
  assertOptions('update', options, ['expiry', 'unversioned'])
  if (options.expiry !== undefined) assertPeriod('expiry', options.expiry)
  return queueWrite(state, context, () => begin({ context, state, fn, options }))
}

function begin<V, I>(updating: Updating<V, I>): Awaitable<DeepReadonly<V>> {
  const { context } = updating
  const deadline = context.clock.now() + context.timeoutMs
  return whenDone(firstBasis(updating), (basis) =>
    whenDone(attempt(updating, basis), (value) =>
      value === undefined ? retry(updating, deadline) : value,
    ),
  )
}

/** Tries after a conflict. */
async function retry<V, I>(updating: Updating<V, I>, deadline: number): Promise<DeepReadonly<V>> {
  const { context, state } = updating
  const { clock } = context
  for (let tries = 0; ; tries++) {
    if (clock.now() >= deadline) throw conflict()
    await clock.sleep(Math.random() * Math.min(2 ** tries / 4, LONGEST_WAIT_MS))
    const value = await attempt(updating, await readBasis(context, state))
    if (value !== undefined) return value
  }
}

/** One try: the value now stored, or `undefined` after a conflict. */
function attempt<V, I>(
  updating: Updating<V, I>,
  basis: Basis<V>,
): Awaitable<DeepReadonly<V> | undefined> {
  const { context, state, fn } = updating
  const copy = basis.decoded ?? restoreValue(context, basis.text)
  return whenDone(
    whenDone(copy, (value) => fn(value as DeepReadonly<V>)),
    (next) => {
      if (isCleared(state)) throw gone()
      if (next === undefined) return keep(context, state, basis)
      return whenDone(prepareValue(context, next), (prepared) => write(updating, basis, prepared))
    },
  )
}

/** Shows a value that was read but not written. */
function keep<V>(
  context: ManagerContext<V>,
  state: SessionState<V>,
  { text, version }: Basis<V>,
): Awaitable<DeepReadonly<V>> {
  return whenDone(restoreValue(context, text), (kept) => {
    // What the caller gets is no copy of the session's: without a schema, whoever looks later has it decoded again.
    if (state.text !== text) state.decoded = context.schema === undefined ? undefined : kept
    state.text = text
    state.version = version
    return kept as DeepReadonly<V>
  })
}

function write<V, I>(
  { context, state, options }: Updating<V, I>,
  { version }: Basis<V>,
  prepared: Prepared<V>,
): Awaitable<DeepReadonly<V> | undefined> {
  const expiry = options.expiry ?? ownPeriod(context, state)
  const written = writeBackend(context, state, prepared.text, { version, expiry, keepPeriod: true })
  return whenDone(written, (outcome) => {
    if (outcome === 'conflict') return undefined
    applyWrite(state, prepared, outcome)
    const { text, shown } = prepared
    return (shown === undefined ? context.decode(text) : shown) as DeepReadonly<V>
  })
}

/** A backend with the lifecycle knows the session's own period; elsewhere what was left of it must do. */
function ownPeriod<V>(context: ManagerContext<V>, state: SessionState<V>): number | undefined {
  if (context.lifecycle !== undefined || state.expiryPeriod <= 0) return undefined
  return Math.ceil(state.expiryPeriod)
}

function firstBasis<V, I>({ context, state, options }: Updating<V, I>): Awaitable<Basis<V>> {
  const { text, version } = state
  if (version !== undefined && text !== undefined)
    return { text, version, decoded: taken(context, state) }
  return whenDone(readBasis(context, state), (basis) => {
    if (basis.version !== undefined || options.unversioned === true) return basis
    throw new UnsupportedOperationError(
      'the backend has no versions: "update" needs { unversioned: true }, and the last write wins',
    )
  })
}

/** The value as decoded for the session, where nobody has seen it: whoever looks later has it decoded again. */
function taken<V>({ schema }: ManagerContext<V>, state: SessionState<V>): V | undefined {
  if (state.shown || schema !== undefined) return undefined
  const { decoded } = state
  state.decoded = undefined
  return decoded
}

function readBasis<V>(context: ManagerContext<V>, state: SessionState<V>): Awaitable<Basis<V>> {
  return readBackend(context, state.key, UNSEEN, (answer) => {
    if (!answer.ok) throw gone()
    return { text: answer.value, version: answer.version }
  })
}
