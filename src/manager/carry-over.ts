import type { DeepReadonly, Given } from '../core/readonly.ts'
import { clearState, stateOf } from '../core/session.ts'
import type { Session } from '../core/session.ts'
import type { ManagerContext } from './context.ts'
import type { BindSessionOptions } from './session-manager.ts'
import { update } from './update.ts'
import { prepareValue, restoreValue } from './values.ts'
import { clear } from './write.ts'

/**
 * Logs in, and carries the value over. The login comes first: from then on the old key writes nothing more, so what it
 * has written is in the value that is carried over. In the other order, a user's value would lie under the old key.
 */
export async function logInCarrying<V, I>(
  context: ManagerContext<V>,
  session: Session<V>,
  carryOver: NonNullable<BindSessionOptions<V, I>['carryOver']>,
  logIn: () => Promise<void>,
): Promise<void> {
  const state = stateOf(session)
  const { text, version } = state
  if (text === undefined) return logIn()
  const carry = async (value: DeepReadonly<V>): Promise<Given<I>> => {
    const carried = await carryOver(value)
    // To `update`, it would mean that the value stays as it is.
    if (carried === undefined) throw new TypeError('"carryOver" must not return undefined')
    return carried
  }
  // Once before: what fails by itself fails before anything has changed.
  let ready: { readonly value: Given<I> } | undefined = {
    value: await carry((await restoreValue(context, text)) as DeepReadonly<V>),
  }
  await prepareValue(context, ready.value)
  await logIn()
  const write = (value: DeepReadonly<V>): Given<I> | Promise<Given<I>> => {
    const first = state.text === text && state.version === version ? ready : undefined
    ready = undefined
    return first === undefined ? carry(value) : first.value
  }
  try {
    await update(context, session, write, { unversioned: true })
  } catch (error) {
    // The session is the user's, with a value that is not. Nobody has its key yet, and nobody shall.
    await clear(context, session).catch(() => clearState(state))
    throw error
  }
}
