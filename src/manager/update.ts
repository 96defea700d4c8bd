import { isPromise } from '../core/awaitable.ts'
import { UnsupportedOperationError } from '../core/errors.ts'
import { assertPeriod } from '../core/period.ts'
import type { DeepReadonly } from '../core/readonly.ts'
import { isCleared, queueWrite, stateOf } from '../core/session.ts'
import type { Session, SessionState } from '../core/session.ts'
import type { ManagerContext } from './context.ts'
import { readBackend, UNSEEN } from './lookup.ts'
import type { Change, UpdateOptions } from './session-manager.ts'
import { prepareValue, restoreValue } from './values.ts'
import { applyWrite, conflict, gone, writeBackend } from './write.ts'

/** The value that a try starts from. */
interface Basis {
  readonly text: string
  readonly version: number | undefined
}

// Waits grow from a fraction of a millisecond to this, each drawn at random, so that losers spread out.
const LONGEST_WAIT_MS = 32

/** `SessionManager.update`. */
export async function update<V, I>(
  context: ManagerContext<V>,
  session: Session<V>,
  fn: Change<DeepReadonly<V>, I>,
  options: UpdateOptions,
): Promise<DeepReadonly<V>> {
  const state = stateOf(session)
  if (typeof fn !== 'function') throw new TypeError('"fn" must be a function')
  if (options.expiry !== undefined) assertPeriod('expiry', options.expiry)
  return queueWrite(state, context, () => retry(context, state, fn, options))
}

async function retry<V, I>(
  context: ManagerContext<V>,
  state: SessionState<V>,
  fn: Change<DeepReadonly<V>, I>,
  options: UpdateOptions,
): Promise<DeepReadonly<V>> {
  const { clock, timeoutMs } = context
  const deadline = clock.now() + timeoutMs
  let basis = await firstBasis(context, state, options)
  for (let attempt = 0; ; attempt++) {
    const value = await attemptOnce(context, state, basis, fn, options)
    if (value !== undefined) return value
    if (clock.now() >= deadline) throw conflict()
    await clock.sleep(Math.random() * Math.min(2 ** attempt / 4, LONGEST_WAIT_MS))
    basis = await readBasis(context, state)
  }
}

/** One try: the value now stored, or `undefined` after a conflict. */
async function attemptOnce<V, I>(
  context: ManagerContext<V>,
  state: SessionState<V>,
  basis: Basis,
  fn: Change<DeepReadonly<V>, I>,
  options: UpdateOptions,
): Promise<DeepReadonly<V> | undefined> {
  const { text: before } = basis
  const unchecked = context.schema === undefined
  const next = await fn(
    (unchecked ? context.decode(before) : await restoreValue(context, before)) as DeepReadonly<V>,
  )
  if (isCleared(state)) throw gone()
  if (next === undefined) {
    const kept = unchecked ? context.decode(before) : await restoreValue(context, before)
    adopt(state, basis, kept)
    return kept as DeepReadonly<V>
  }
  const preparing = prepareValue(context, next)
  const prepared = isPromise(preparing) ? await preparing : preparing
  const written = await writeBackend(context, state, prepared.text, {
    version: basis.version,
    expiry: options.expiry ?? ownPeriod(context, state),
    keepPeriod: true,
  })
  if (written === 'conflict') return undefined
  applyWrite(state, prepared, written)
  const { text, shown } = prepared
  return (shown === undefined ? context.decode(text) : shown) as DeepReadonly<V>
}

/** A backend with the lifecycle knows the session's own period; elsewhere what was left of it must do. */
function ownPeriod<V>(context: ManagerContext<V>, state: SessionState<V>): number | undefined {
  if (context.lifecycle !== undefined || state.expiryPeriod <= 0) return undefined
  return Math.ceil(state.expiryPeriod)
}

async function firstBasis<V>(
  context: ManagerContext<V>,
  state: SessionState<V>,
  options: UpdateOptions,
): Promise<Basis> {
  if (state.version !== undefined && state.text !== undefined) {
    return { text: state.text, version: state.version }
  }
  const basis = await readBasis(context, state)
  if (basis.version !== undefined || options.unversioned === true) return basis
  throw new UnsupportedOperationError(
    'the backend has no versions: "update" needs { unversioned: true }, and the last write wins',
  )
}

async function readBasis<V>(context: ManagerContext<V>, state: SessionState<V>): Promise<Basis> {
  const answer = await readBackend(context, state.key, UNSEEN)
  if (!answer.ok) throw gone()
  return { text: answer.value, version: answer.version }
}

/** Shows a value that was read but not written. */
function adopt<V>(state: SessionState<V>, { text, version }: Basis, decoded: V): void {
  if (state.text !== text) state.decoded = decoded
  state.text = text
  state.version = version
}
