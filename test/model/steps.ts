import {
  array,
  boolean,
  constant,
  constantFrom,
  nat,
  oneof,
  option,
  record,
  tuple,
} from 'fast-check'
import type { Arbitrary } from 'fast-check'
import type { Action } from './state.ts'

/** The newest but so many: of those that are still good, or of all that there have ever been. */
export interface Pick {
  readonly back: number
  readonly among: 'good' | 'all'
}

export type KeyPick = Pick | 'forged' | 'malformed'

/** An action before it is known on what: `object`, `record` and the keys are picked when its turn comes. */
export interface Draft {
  readonly kind: Action['kind']
  readonly on?: Pick
  readonly keys?: readonly KeyPick[]
  readonly more?: object
}

export const NEWEST: Pick = { back: 0, among: 'good' }

const none = { nil: undefined }
// What is good and new is picked most often: that is where the races are.
const pick: Arbitrary<Pick> = oneof(
  { weight: 6, arbitrary: record({ back: nat(2), among: constant('good' as const) }) },
  { weight: 1, arbitrary: record({ back: nat(4), among: constant('all' as const) }) },
  { weight: 1, arbitrary: record({ back: nat(30), among: constant('all' as const) }) },
)
const key: Arbitrary<KeyPick> = oneof(
  { weight: 8, arbitrary: pick },
  { weight: 1, arbitrary: constant('forged' as const) },
  { weight: 1, arbitrary: constant('malformed' as const) },
)
const keys = oneof(
  { weight: 3, arbitrary: array(key, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: array(key, { maxLength: 6 }) },
)
const value = nat(9)
const label = option(constantFrom('phone', 'desk'), { nil: undefined, freq: 2 })
const subject = constantFrom('ann', 'ann', 'bob')

function draft(
  kind: Action['kind'],
  parts: { on?: Arbitrary<Pick>; keys?: Arbitrary<readonly KeyPick[]>; more?: Arbitrary<object> },
): Arbitrary<Draft> {
  const { on = constant(NEWEST), keys: tried = constant([]), more = constant({}) } = parts
  return tuple(on, tried, more).map(([which, tokens, rest]) => ({
    kind,
    on: which,
    keys: tokens,
    more: rest,
  }))
}

/** The actions that may be under way at once: each is one step, whatever else is going on. */
export function stepsAtOnce(expiries: readonly number[]): Arbitrary<Draft>[] {
  const expiry = option(constantFrom(...expiries), none)
  const one = array(key, { minLength: 1, maxLength: 1 })
  const increment = draft('update', {
    on: pick,
    more: record({ add: constantFrom(1, 1, 1, undefined), expiry }),
  })
  const rotation = draft('rotate', { on: pick, more: record({ authenticated: boolean(), label }) })
  const binding = draft('bind', { on: pick, more: record({ subject, label }) })
  const load = draft('fromKey', { keys: one })
  return [
    draft('generate', { more: record({ value, expiry, subject: option(subject, none), label }) }),
    draft('generate', { more: record({ value, subject }) }),
    load,
    load,
    draft('fromHeaders', { keys: one }),
    draft('set', { on: pick, more: record({ value: option(value, none), expiry }) }),
    draft('set', { on: pick, more: record({ value, expiry }) }),
    increment,
    increment,
    draft('touch', { on: pick }),
    draft('renew', { on: pick }),
    draft('renew', { on: pick }),
    rotation,
    binding,
    binding,
    draft('list', { more: record({ subject }) }),
    oneof(
      draft('clearSubject', { on: pick, more: record({ subject, keeps: boolean() }) }),
      oneof(
        draft('clear', { on: pick }),
        draft('clearFromHeaders', { keys: one }),
        draft('clearHandle', { on: pick }),
      ),
      draft('sweep', {}),
    ),
  ]
}

/** The actions that are made alone: they are several steps, or move the time for all. */
export function stepsAlone(advances: readonly number[]): Arbitrary<Draft>[] {
  const advance = draft('advance', { more: record({ seconds: constantFrom(...advances) }) })
  const loads = draft('fromHeadersOrCreate', { keys, more: record({ value, replace: boolean() }) })
  return [
    advance,
    draft('fromHeaders', { keys }),
    loads,
    draft('clearFromHeaders', { keys }),
    draft('plant', { more: record({ value: constantFrom('unset', 'unreadable') }) }),
    oneof({ weight: 1, arbitrary: draft('clearAll', {}) }, { weight: 12, arbitrary: advance }),
  ]
}

/** Two requests that come back after a while: both load the session, one may write, both touch it. */
export function returning(advances: readonly number[]): Arbitrary<Draft[]> {
  const advance = draft('advance', { more: record({ seconds: constantFrom(...advances) }) })
  const load = draft('fromKey', { keys: tuple(constant(NEWEST)) })
  const touch = draft('touch', { on: pick })
  const write = draft('set', { on: pick, more: constant({}) })
  return tuple(advance, load, load, oneof(touch, write), touch)
}
