import type { AsyncCommand, Arbitrary } from 'fast-check'
import { boolean, constantFrom, nat, option, record, tuple } from 'fast-check'
import { expect } from 'vitest'
import type { Session, SessionManager } from '../../src/index.ts'
import { isSessionError } from '../../src/index.ts'
import type { TestClock } from '../../src/testing/clock.ts'
import type { Model, ModelObject, Outcome } from './model.ts'
import * as model from './model.ts'

const SUBJECTS = ['ann', 'bob'] as const

/** The manager under test, with the session objects and keys in the order of the model's. */
export interface Real {
  readonly sessions: SessionManager<number>
  readonly clock: TestClock
  readonly objects: Session<number>[]
  readonly keys: string[]
}

/** A step on one session object of model and manager. */
type ObjectStep = (
  state: Model,
  object: ModelObject,
  real: Real,
  session: Session<number>,
) => readonly [expected: Outcome, actual: Promise<unknown>]

async function outcomeOf(run: Promise<unknown>): Promise<Outcome> {
  try {
    const result = await run
    return result === true ? 'touched' : result === false ? 'untouched' : 'done'
  } catch (error) {
    if (isSessionError(error) && error.code === 'ERR_SESSION_GONE') return 'gone'
    if (isSessionError(error) && error.code === 'ERR_SESSION_CONFLICT') return 'conflict'
    throw error
  }
}

function command(
  name: string,
  check: (state: Model) => boolean,
  run: (state: Model, real: Real) => Promise<void>,
): AsyncCommand<Model, Real> {
  return {
    check: (state) => check(state),
    run: async (state, real) => {
      await run(state, real)
      await compare(state, real)
    },
    toString: () => name,
  }
}

function onObject(name: string, pick: number, step: ObjectStep): AsyncCommand<Model, Real> {
  return command(
    `${name} ${pick}`,
    (state) => state.objects.length > 0,
    async (state, real) => {
      const at = pick % state.objects.length
      const object = state.objects[at] as ModelObject
      const session = real.objects[at] as Session<number>
      const [expected, actual] = step(state, object, real, session)
      expect(await outcomeOf(actual)).toBe(expected)
      real.keys[object.key] = session.key
    },
  )
}

/** Everything that can be seen of the manager must be as the model has it. */
async function compare(state: Model, { sessions, objects, keys }: Real): Promise<void> {
  for (const [at, object] of state.objects.entries()) {
    const { value, period, modified, version, key } = object
    expect(objects[at]).toMatchObject({
      value,
      expiryPeriod: period,
      modified,
      version,
      key: keys[key],
    })
  }
  for (const kept of state.records) {
    for (const key of kept.keys) {
      const good = model.isGood(state, kept, key)
      const expected = good
        ? { ok: true, session: { value: kept.value, version: kept.version, subject: kept.subject } }
        : { ok: false, reason: 'not_found' }
      expect(await sessions.fromKey(keys[key] as string)).toMatchObject(expected)
    }
  }
  for (const subject of SUBJECTS) {
    const own = state.records.filter(
      (kept) => kept.subject === subject && model.isLive(state, kept),
    )
    const handles = own.map(({ keys: [first] }) => String(keys[first as number]).slice(0, 22))
    const list = await sessions.list(subject)
    expect(list.map(({ handle }): string => handle).toSorted()).toEqual(handles.toSorted())
  }
}

async function load(state: Model, real: Real, at: number): Promise<void> {
  const key = at % state.keys
  const kept = state.records.find(({ keys }) => keys.includes(key)) as model.ModelRecord
  const found = await real.sessions.fromKey(real.keys[key] as string)
  expect(found.ok).toBe(model.load(state, kept, key))
  if (found.ok) real.objects.push(found.session)
}

async function clearSubject(
  state: Model,
  { sessions, objects }: Real,
  subject: string,
  keep: number | undefined,
): Promise<void> {
  const kept = keep === undefined ? -1 : keep % state.objects.length
  const expected = model.clearSubject(state, subject, state.objects[kept]?.record)
  expect(await sessions.clearSubject(subject, { except: objects[kept] })).toBe(expected)
}

async function clearHandle(state: Model, { sessions, keys }: Real, at: number): Promise<void> {
  const kept = state.records[at % state.records.length] as model.ModelRecord
  const handle = (keys[kept.keys[0] as number] as string).slice(0, 22)
  expect(await sessions.clearHandle(handle)).toBe(model.isLive(state, kept))
  kept.ended = true
}

const pick = nat(50)
const expiry = option(constantFrom(1, 10, 60, 150, 1000), { nil: undefined })

/** Every operation of a manager with every argument, as steps that model and manager make together. */
export const steps: Arbitrary<AsyncCommand<Model, Real>>[] = [
  record({
    value: nat(9),
    expiry,
    subject: option(constantFrom(...SUBJECTS), { nil: undefined }),
  }).map(({ value, expiry, subject }) =>
    command(
      `generate ${value} ${expiry} ${subject}`,
      () => true,
      async (state, real) => {
        model.generate(state, value, expiry, subject)
        const session = await real.sessions.generate(value, { expiry, subject })
        real.objects.push(session)
        real.keys.push(session.key)
      },
    ),
  ),
  pick.map((at) =>
    command(
      `load ${at}`,
      ({ keys }) => keys > 0,
      (state, real) => load(state, real, at),
    ),
  ),
  tuple(pick, option(nat(9), { nil: undefined }), expiry).map(([at, value, expiry]) =>
    onObject(`set ${value} ${expiry}`, at, (state, object, { sessions }, session) => [
      model.set(state, object, value, expiry),
      sessions.set(session, value === undefined ? { expiry } : { value, expiry }),
    ]),
  ),
  pick.map((at) =>
    onObject('increment', at, (state, object, { sessions }, session) => [
      model.increment(state, object),
      sessions.update(session, (n) => n + 1),
    ]),
  ),
  pick.map((at) =>
    onObject('clear', at, (_, object, { sessions }, session) => [
      model.clear(object),
      sessions.clear(session),
    ]),
  ),
  pick.map((at) =>
    onObject('touch', at, (state, object, { sessions }, session) => [
      model.touch(state, object),
      sessions.touch(session),
    ]),
  ),
  tuple(pick, boolean()).map(([at, authenticated]) =>
    onObject(`rotate ${authenticated}`, at, (state, object, { sessions }, session) => [
      model.rotate(state, object, { authenticated }),
      sessions.rotate(session, { authenticated }),
    ]),
  ),
  tuple(pick, constantFrom(...SUBJECTS)).map(([at, subject]) =>
    onObject(`bind ${subject}`, at, (state, object, { sessions }, session) => [
      model.rotate(state, object, { authenticated: true, subject }),
      sessions.bind(session, subject),
    ]),
  ),
  tuple(pick, constantFrom(...SUBJECTS), boolean()).map(([at, subject, keep]) =>
    command(
      `clearSubject ${subject} ${keep}`,
      ({ objects }) => objects.length > 0,
      (state, real) => clearSubject(state, real, subject, keep ? at : undefined),
    ),
  ),
  pick.map((at) =>
    command(
      `clearHandle ${at}`,
      ({ records }) => records.length > 0,
      (state, real) => clearHandle(state, real, at),
    ),
  ),
  constantFrom(1, 5, 30, 50, 99, 100, 299).map((seconds) =>
    command(
      `advance ${seconds}`,
      () => true,
      async (state, { clock }) => {
        state.now += seconds
        clock.advance(seconds)
      },
    ),
  ),
]
