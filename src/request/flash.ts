import type { DeepReadonly, Given } from '../core/readonly.ts'
import type { UpdateOptions } from '../manager/session-manager.ts'
import type { RequestSession } from './request-session.ts'

/** The names of the fields of `V` that may be missing. */
export type OptionalField<V> = {
  [Field in keyof V]-?: object extends Pick<V, Field> ? Field : never
}[keyof V]

/**
 * Takes what an earlier request has left in an optional field of the session's value for this one to show: gives it, and
 * removes it from the session. To leave something, write the field with `update`.
 *
 * Of requests that take it at once, one gets it: it is removed by the conditional write of `update`. `undefined` where
 * there is nothing, or no session; then nothing is written, and no session is made. What this request has left itself, it
 * takes too. A response that never arrives takes its message along. It does not compile where a schema gives what it
 * would not take: what is left of the value could not be written back.
 *
 * @throws what `RequestSession.update` throws, and then the value is still there, unless the store's answer was lost.
 * On a stateless backend `unversioned` must be given, and requests at once all get it.
 * @example
 * ```ts
 * import { takeFlash } from 'sojourn'
 * import type { RequestSession } from 'sojourn'
 *
 * type Visit = { readonly cart: readonly string[]; readonly flash?: string }
 *
 * export async function save(session: RequestSession<Visit>) {
 *   await session.update((visit = { cart: [] }) => ({ ...visit, flash: 'Saved.' }))
 * }
 *
 * export async function page(session: RequestSession<Visit>) {
 *   return `<p>${(await takeFlash(session, 'flash')) ?? ''}</p>`
 * }
 * ```
 */
export async function takeFlash<V extends Given<I>, Field extends OptionalField<V>, I = V>(
  session: RequestSession<V, I>,
  field: Field,
  options: UpdateOptions = {},
): Promise<DeepReadonly<V[Field]> | undefined> {
  const seen = await session.load()
  // Most pages find nothing: they shall neither write nor need headers that can still be written.
  if (seen === undefined || fieldOf<V, Field>(seen.value, field) === undefined) return undefined
  let taken: DeepReadonly<V[Field]> | undefined
  await session.update((value) => {
    // Again after a conflict: another request may have taken it, or left another.
    taken = fieldOf<V, Field>(value, field)
    if (value === undefined || taken === undefined) return undefined
    const { [field]: _, ...rest } = value as V & object
    return rest as Given<I>
  }, options)
  return taken
}

function fieldOf<V, Field extends keyof V>(
  value: DeepReadonly<V> | undefined,
  field: Field,
): DeepReadonly<V[Field]> | undefined {
  // Values come from a store: whatever they are declared to be, they may be of an older form.
  const isObject = typeof value === 'object' && value !== null
  if (!isObject || !Object.hasOwn(value, field)) return undefined
  return (value as V)[field] as DeepReadonly<V[Field]>
}
