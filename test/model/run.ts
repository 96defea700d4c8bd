import { deepStrictEqual } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { AsyncCommand, IAsyncPropertyWithHooks, Scheduler } from 'fast-check'
import {
  array,
  asyncModelRun,
  asyncProperty,
  commands,
  constantFrom,
  oneof,
  scheduler,
  tuple,
} from 'fast-check'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { Store } from '../../src/core/store.ts'
import type { SessionBackend } from '../../src/index.ts'
import { createSessionManager } from '../../src/index.ts'
import { createManualClock } from '../core/manual-clock.ts'
import { actionOf } from './choose.ts'
import type { Engine } from './engines.ts'
import { createGate } from './gate.ts'
import type { Gate } from './gate.ts'
import { numbered, perform, viewOf } from './perform.ts'
import type { Real } from './perform.ts'
import { apply } from './reference-model.ts'
import { EMPTY, idOf } from './state.ts'
import type { Action, Branch, ModelObject, Outcome, Policy, State } from './state.ts'
import { returning, stepsAlone, stepsAtOnce } from './steps.ts'
import type { Draft } from './steps.ts'

/** A way to break what is under test. */
export interface Planted {
  readonly store?: (store: Store, now: () => number) => Partial<Store>
  readonly backend?: (backend: SessionBackend) => Partial<SessionBackend>
}

/** How much has been compared so far. */
export interface Tally {
  commands: number
  atOnce: number
}

const PERIOD = 130
const ABSOLUTE = 400
const LONG_AGO = 'Thu, 01 Jan 1970 00:00:00 GMT'

const POLICIES: readonly Policy[] = [
  { period: PERIOD, absolute: ABSOLUTE, evicts: false },
  { period: PERIOD, absolute: ABSOLUTE, most: 2, evicts: false },
  { period: PERIOD, absolute: ABSOLUTE, most: 2, evicts: true },
]

/** One run: the manager, and all the states that would explain what it has said so far. */
interface Run {
  readonly policy: Policy
  readonly gate: Gate
  states: readonly State[]
  steps: number
  readonly tally: Tally
}

/**
 * Any sequence of commands on a new manager of `engine`, some of them at once: after each, what the manager has said
 * and what its objects show must be explained by the model, for commands at once by the model in some order.
 */
export function behavesAsModelled(
  engine: Engine,
  tally: Tally,
  planted: Planted = {},
): IAsyncPropertyWithHooks<[Iterable<AsyncCommand<Run, Real>>, Policy, Scheduler]> {
  const steps = stepsAtOnce(engine.expiries)
  const alone = [...steps, ...stepsAlone(engine.advances)].map((draft) => tuple(draft))
  const single = [...alone, returning(engine.advances)].map((drafts) => drafts.map(inTurn))
  const several = array(oneof(...steps), { minLength: 2, maxLength: 4 }).map(atOnce)
  const sequence = commands([...single, ...Array<typeof several>(12).fill(several)], {
    maxCommands: 40,
    size: 'max',
  })
  return asyncProperty(
    sequence,
    constantFrom(...POLICIES),
    scheduler(),
    async (drawn, policy, schedule) => {
      const opened = await engine.open()
      const gate = createGate(engine.inProcess ? schedule : undefined)
      try {
        const real = realOf(opened, policy, gate, { ...planted, sealed: engine.sealed })
        const run: Run = { policy, gate, states: [EMPTY], steps: 0, tally }
        await asyncModelRun(() => ({ model: run, real }), drawn)
        await compareAll(run, real)
      } finally {
        await opened.close()
      }
    },
  )
}

function realOf(
  opened: Awaited<ReturnType<Engine['open']>>,
  policy: Policy,
  gate: Gate,
  { sealed, ...planted }: Planted & { readonly sealed: boolean | undefined },
): Real {
  const { period, absolute, most: maxPerSubject, evicts } = policy
  const backends = opened.stores.map((right) => {
    const guarded = gate.guard(right)
    const store = { ...guarded, ...planted.store?.(guarded, opened.now) }
    const atLimit = evicts ? 'evict_oldest' : 'refuse'
    const backend = createBackend(store, { period, absolute, maxPerSubject, atLimit, sealed })
    return Object.assign(backend, planted.backend?.({ ...backend }))
  })
  return {
    managers: backends.map((backend) =>
      createSessionManager<number>({ backend, clock: createManualClock({ skip: true }) }),
    ),
    backend: backends[0] as SessionBackend,
    advance: opened.advance,
    startMs: opened.now(),
    objects: new Map(),
    keys: new Map(),
    records: [],
  }
}

interface Done {
  readonly at: number
  readonly action: Action
  readonly outcome: Outcome
}

/** Commands one after the other. */
function inTurn(drafts: readonly Draft[]): AsyncCommand<Run, Real> {
  return {
    check: () => true,
    async run(run, real) {
      for (const draft of drafts) {
        const action = actionOf(draft, real, run.states[0] ?? EMPTY)
        if (action === undefined) continue
        const at = run.steps++
        const outcome = await perform(real, at, action)
        run.tally.commands++
        explain(run, real, [{ at, action, outcome }])
      }
    },
    toString: () => JSON.stringify(drafts),
  }
}

/** Commands at once. */
function atOnce(drafts: readonly Draft[]): AsyncCommand<Run, Real> {
  return {
    check: () => true,
    async run(run, real) {
      const [state = EMPTY] = run.states
      const actions = drafts.map((draft) => actionOf(draft, real, state))
      const known = actions
        .filter((action): action is Action => action !== undefined && !confirms(action, state))
        .filter((action, _at, all) => !isOvertaken(action, all))
      const done = await run.gate.run(() =>
        Promise.all(
          known.map(async (action) => {
            const at = run.steps++
            return { at, action, outcome: await perform(real, at, action) }
          }),
        ),
      )
      run.tally.commands += done.length
      if (done.length > 1) run.tally.atOnce += done.length
      explain(run, real, done)
    },
    toString: () => `at once ${JSON.stringify(drafts)}`,
  }
}

/** Whether an action is the first sight of a new key: a read and then a write, with room for others between them. */
function confirms(action: Action, { records }: State): boolean {
  const tokens = 'token' in action ? [action.token] : 'tokens' in action ? action.tokens : []
  return tokens.some((token) => {
    const record = token === null ? undefined : records[idOf(token)]
    return record?.key === token && record?.previousUntil === Infinity
  })
}

/** Whether the object of an action is cleared beside it: what it answers then, `false` or what it did, says little. */
function isOvertaken(action: Action, all: readonly Action[]): boolean {
  if (action.kind !== 'touch' && action.kind !== 'renew') return false
  return all.some((other) => other.kind === 'clear' && other.object === action.object)
}

/** Keeps the states that explain what was done; there must be one. */
function explain(run: Run, real: Real, seen: readonly Done[]): void {
  const done = seen.map((each) => ({ ...each, outcome: numbered(real, each.outcome) }))
  const possible = run.states.flatMap((state) => inSomeOrder(state, done, run.policy))
  const views = new Map([...real.objects].map(([id, session]) => [id, viewOf(real, session)]))
  const left = possible.filter((state) => isDeepStrictEqual(viewsIn(real, state), views))
  const [state] = possible
  const [before] = run.states
  run.states = distinct(left)
  if (left.length > 0) return
  if (state !== undefined) deepStrictEqual(views, viewsIn(real, state))
  throw new Error(`no order of the model explains ${JSON.stringify({ done, before })}`)
}

function inSomeOrder(state: State, done: readonly Done[], policy: Policy): State[] {
  if (done.length === 0) return [state]
  return done.flatMap((next) => {
    const rest = done.filter((other) => other !== next)
    return apply(state, next.at, next.action, policy)
      .filter((branch) => tells(branch, next.outcome))
      .flatMap((branch) => inSomeOrder(branch.state, rest, policy))
  })
}

function tells({ outcome }: Branch, actual: Outcome): boolean {
  if (typeof outcome === 'object' && 'atMost' in outcome)
    return (actual as number) <= outcome.atMost
  return isDeepStrictEqual(outcome, actual)
}

function distinct(states: readonly State[]): State[] {
  if (states.length < 2) return [...states]
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()]
}

/** What the session objects must show. Of one that was cleared beside another write, no more than that it was. */
function viewsIn({ keys }: Real, { objects }: State): Map<number, object> {
  return new Map(
    Object.entries(objects).map(([id, object]) => {
      const { due: _due, renewal: _renewal, key: token, ...rest } = object
      const { record, value, period, modified } = object
      const key = keys.get(token)
      const headers = headersOf(object, key)
      const view = { ...rest, key, headers }
      return [Number(id), value === undefined ? { record, value, period, modified, headers } : view]
    }),
  )
}

function headersOf(
  { value, modified, period, renewal }: ModelObject,
  key: string | undefined,
): string[][] {
  const vary = ['Vary', 'Cookie']
  if (!modified && renewal !== 'again') return [vary]
  if (value !== undefined && renewal === 'over') return [vary]
  const [token, lifetime] =
    value === undefined ? ['', `0; Expires=${LONG_AGO}`] : [key, String(period)]
  const line = `__Host-session=${token}; Max-Age=${lifetime}; Path=/; Secure; HttpOnly; SameSite=Lax`
  return [['Set-Cookie', line], ['Cache-Control', 'no-store'], vary]
}

/** At the end, everything that can be seen: what each key is good for, the lists, how many sessions there are. */
async function compareAll(run: Run, real: Real): Promise<void> {
  const actions: Action[] = [...real.keys.keys()].map((token) => ({ kind: 'fromKey', token }))
  actions.push({ kind: 'list', subject: 'ann' }, { kind: 'list', subject: 'bob' })
  actions.push({ kind: 'clearAll' })
  for (const action of actions) {
    const at = run.steps++
    explain(run, real, [{ at, action, outcome: await perform(real, at, action) }])
  }
}
