import type { Real } from './perform.ts'
import { isGood, isLive } from './state.ts'
import type { Action, State, Token } from './state.ts'
import { NEWEST } from './steps.ts'
import type { Draft, KeyPick, Pick } from './steps.ts'

const ON_OBJECT = new Set(['set', 'update', 'touch', 'clear', 'rotate', 'bind', 'renew'])

/** The action of a draft on what there is by now, or `undefined` when there is nothing to do it on. */
export function actionOf(
  { kind, on = NEWEST, keys = [], more }: Draft,
  real: Real,
  state: State,
): Action | undefined {
  const tokens = keys.map((each) => tokenFor(each, real, state))
  const { keeps, ...rest } = more as { readonly keeps?: boolean; readonly [name: string]: unknown }
  const record = picked(on, real.records, (id) => state.records[id] !== undefined)
  const object = picked(on, [...real.objects.keys()], isFineFor(kind, state))
  if (ON_OBJECT.has(kind) && object === undefined) return undefined
  if (kind === 'clearHandle' && record === undefined) return undefined
  const except = keeps === true ? object : undefined
  return { ...rest, kind, object, record, except, tokens, token: tokens[0] ?? null } as Action
}

/** What is worth doing: touching where that is due, ending what has not ended, and all else with a good key. */
function isFineFor(kind: Action['kind'], state: State): (id: number) => boolean {
  return (id) => {
    const object = state.objects[id]
    if (object?.value === undefined) return false
    if (kind === 'touch') return object.due !== undefined
    return kind === 'clear' ? isLive(state, object.record) : isGood(state, object.key)
  }
}

function tokenFor(which: KeyPick, { keys, records }: Real, state: State): Token | null {
  if (typeof which === 'object') {
    return picked(which, [...keys.keys()], (token) => isGood(state, token)) ?? null
  }
  const last = records.at(-1)
  return which === 'malformed' || last === undefined ? null : `${last}.forged`
}

function picked<T>({ back, among }: Pick, all: readonly T[], isFine: (each: T) => boolean) {
  const good = among === 'good' ? all.filter(isFine) : []
  const some = good.length > 0 ? good : all
  return some[some.length - 1 - (back % some.length)]
}
