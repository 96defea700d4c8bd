// What a session manager must do, told plainly: without keys, without a store, in whole seconds. A state is never
// changed; a step gives the states that may follow it, each with what the caller is told. What step `at` makes is
// named after it: a record, a session object, a key.
import { end, idOf, idsOf, isGood, isLive, putObject, putRecord, tokenOf } from './state.ts'
import type { Action, Branch, ModelObject, ModelRecord, Policy, State, Token } from './state.ts'

// Seconds for which a key that has been followed by another stays good.
const GRACE = 60

type Kind = Action['kind']
type Of<K extends Kind> = Extract<Action, { readonly kind: K }>
type Step<K extends Kind> = (state: State, action: Of<K>, policy: Policy, at: number) => Branch[]

/** All that may come of an action. */
export function apply(state: State, at: number, action: Action, policy: Policy): Branch[] {
  return (STEPS[action.kind] as Step<Kind>)(state, action, policy, at)
}

const STEPS: { readonly [K in Kind]: Step<K> } = {
  generate,
  plant: (state, { value }, policy, at) =>
    told('done', putRecord(state, at, newRecord(state, { value }, policy, at))),
  fromKey: (state, { token }, _policy, at) => load(state, [token], at),
  fromHeaders: (state, { tokens }, _policy, at) => load(state, tokens, at),
  fromHeadersOrCreate: loadOrGenerate,

  set(state, { object, value, expiry }, policy) {
    const { record, version, stale } = writing(state, object)
    if (record === undefined) return told('gone', state)
    if (value !== undefined && stale) return told('conflict', state)
    const change = value === undefined ? {} : { value, version: version + 1 }
    return written(state, object, change, expiry ?? policy.period)
  },

  update(state, { object, add, expiry }) {
    const { record, cleared } = writing(state, object)
    if (add === undefined) return told(cleared ? 'gone' : 'done', state)
    if (record === undefined) return told('gone', state)
    const change = { value: (record.value as number) + add, version: record.version + 1 }
    return written(state, object, change, expiry ?? record.idle)
  },

  touch(state, { object: id }) {
    const object = state.objects[id] as ModelObject
    const { record, cleared } = writing(state, id)
    if (cleared) return told('gone', state)
    const { due } = object
    const seen = putObject(state, id, { ...object, due: undefined })
    if (record === undefined || due === undefined || record.expires !== due.from) {
      return told(false, seen)
    }
    const moved = putRecord(seen, object.record, { ...record, expires: due.to })
    return told(true, show(moved, id, { period: due.period }))
  },

  rotate: (state, { object, authenticated, label }, policy, at) =>
    rotated(state, object, { authenticated, label }, policy, at),
  bind: (state, { object, subject, label }, policy, at) =>
    rotated(state, object, { authenticated: true, label, subject }, policy, at),

  renew(state, { object: id }, _policy, at) {
    const object = state.objects[id] as ModelObject
    const { record } = writing(state, id)
    if (record === undefined) return told('gone', state)
    const shown = { ...object, period: record.expires - state.now }
    const renewed = { ...shown, modified: true, renewal: undefined }
    const isOld = object.key === record.previous
    if (isOld && record.previousUntil === Infinity) {
      return told(true, putObject(state, id, { ...renewed, key: record.key }))
    }
    // There is room for one key beside the current one.
    if (isOld || state.now < record.previousUntil) return told(false, putObject(state, id, shown))
    const key = tokenOf(object.record, at)
    const next = { ...record, key, previous: record.key, previousUntil: Infinity }
    return told(true, putObject(putRecord(state, object.record, next), id, { ...renewed, key }))
  },

  clear(state, { object: id }) {
    const { record, value } = state.objects[id] as ModelObject
    if (value === undefined) return told('done', state)
    return told('done', show(end(state, [record]), id, { value: undefined, period: 0 }))
  },

  // The current key ends the session, and so does the one before it.
  clearFromHeaders(state, { tokens }) {
    const tried = new Set(tokens.filter((token) => token !== null).slice(0, 4))
    const own = idsOf(state, ({ key, previous }) => tried.has(key) || tried.has(previous ?? ''))
    return told(tokens.length > 0, end(state, own))
  },

  list: (state, { subject }) => told(listOf(state, subject), state),
  clearHandle: (state, { record }) => told(isLive(state, record), end(state, [record])),
  clearSubject(state, { subject, except = -1 }) {
    const kept = state.objects[except]?.record
    return ended(
      state,
      idsOf(state, (record, id) => record.subject === subject && id !== kept),
    )
  },
  clearAll: (state) => ended(state, idsOf(state)),
  sweep: (state) => told({ atMost: idsOf(state, (_, id) => !isLive(state, id)).length }, state),
  advance: (state, { seconds }) => told('done', { ...state, now: state.now + seconds }),
}

function generate(state: State, action: Omit<Of<'generate'>, 'kind'>, policy: Policy, at: number) {
  const record = newRecord(state, action, policy, at)
  const admitted = admit(state, record.subject, at, policy)
  if (admitted.length === 0) return told('limit', state)
  const object = { ...objectOf(state, at, record), modified: true, due: undefined }
  return admitted.flatMap((next) =>
    told('made', putObject(putRecord(next, at, record), at, object)),
  )
}

function newRecord(
  { now }: State,
  made: Omit<Of<'generate'>, 'kind' | 'value'> & Pick<ModelRecord, 'value'>,
  { period, absolute }: Policy,
  at: number,
): ModelRecord {
  const { value, expiry: idle = period, subject, label } = made
  const times = { created: now, idle, expires: now + Math.min(idle, absolute) }
  const proved = subject === undefined ? undefined : now
  const owner = {
    subject,
    proved,
    label,
    key: tokenOf(at, at),
    previous: undefined,
    previousUntil: 0,
  }
  return { value, version: 1, ...times, deadline: now + absolute, ...owner }
}

/**
 * The states in which a record may be the subject's: one for each of the subject's oldest others that may have had to
 * go for it, none if it is refused.
 */
function admit(state: State, subject: string | undefined, self: number, policy: Policy): State[] {
  const { most = Infinity, evicts } = policy
  const others = idsOf(
    state,
    (record, id) => id !== self && record.subject === subject && isLive(state, id),
  )
  const isOwn = state.records[self]?.subject === subject
  if (subject === undefined || others.length < most || (isOwn && !evicts)) return [state]
  if (!evicts) return []
  const age = (id: number): number => state.records[id]?.created ?? Infinity
  const oldest = Math.min(...others.map(age))
  return others.filter((id) => age(id) === oldest).map((id) => end(state, [id]))
}

/** The first four keys that are shaped like one are tried, up to the first that is good. */
function load(state: State, tokens: readonly (Token | null)[], at: number): Branch[] {
  if (tokens.length === 0) return told('no_cookie', state)
  const token = goodOf(state, tokens)
  const record = token === undefined ? undefined : state.records[idOf(token)]
  if (token === undefined || record === undefined) return told('not_found', state)
  if (record.value === 'unset') return told('not_set', confirmed(state, token))
  if (record.value === 'unreadable') return told('invalid', confirmed(state, token))
  const seen = confirmed(state, token)
  return told('found', putObject(seen, at, objectOf(seen, idOf(token), record, token)))
}

function loadOrGenerate(
  state: State,
  { tokens, value, replace }: Of<'fromHeadersOrCreate'>,
  policy: Policy,
  at: number,
): Branch[] {
  const [loaded] = load(state, tokens, at)
  if (loaded?.outcome === 'found') return [loaded]
  if (loaded?.outcome === 'invalid' && !replace) return told('invalid_value', state)
  const stranded = goodOf(state, tokens)
  const next = stranded === undefined ? state : end(state, [idOf(stranded)])
  return generate(next, { value }, policy, at)
}

function goodOf(state: State, tokens: readonly (Token | null)[]): Token | undefined {
  const tried = tokens.filter((token) => token !== null).slice(0, 4)
  return tried.find((token) => isGood(state, token))
}

/** The first sight of a new key starts the grace of the one before it. */
function confirmed(state: State, token: Token): State {
  const record = state.records[idOf(token)] as ModelRecord
  if (record.key !== token || record.previousUntil !== Infinity) return state
  return putRecord(state, idOf(token), { ...record, previousUntil: state.now + GRACE })
}

/** A session as it is found under a key: under one that has a successor which nobody has seen, it has that. */
function objectOf(state: State, id: number, record: ModelRecord, token = record.key): ModelObject {
  const { idle, expires, deadline, previousUntil } = record
  const again = token === record.previous && previousUntil === Infinity
  const key = again ? record.key : token
  const renewal = again ? 'again' : token === record.previous ? 'over' : undefined
  const { version, subject, proved, label, created } = record
  const to = Math.min(state.now + idle, deadline)
  const isDue = to - expires >= Math.min(idle / 2, Math.max(60, idle / 20))
  return {
    record: id,
    key,
    version,
    subject,
    proved,
    label,
    created,
    value: record.value as number,
    period: expires - state.now,
    modified: false,
    renewal,
    due: isDue ? { from: expires, to, period: to - state.now } : undefined,
  }
}

/** What a write through an object meets: the record, if the object's key is good for it. */
function writing(state: State, id: number) {
  const { record: recordId, key, version, value } = state.objects[id] as ModelObject
  const cleared = value === undefined
  const record = !cleared && isGood(state, key) ? state.records[recordId] : undefined
  return {
    cleared,
    record,
    version: record?.version ?? version,
    stale: version !== record?.version,
  }
}

function written(state: State, id: number, change: Partial<ModelRecord>, idle: number): Branch[] {
  const { record: recordId } = state.objects[id] as ModelObject
  const record = state.records[recordId] as ModelRecord
  const expires = Math.min(state.now + idle, record.deadline)
  const next = putRecord(state, recordId, { ...record, ...change, idle, expires })
  const { value, version } = { ...(state.objects[id] as ModelObject), ...change }
  return told(
    'done',
    show(next, id, { value: value as number, version, period: expires - state.now }),
  )
}

function rotated(
  state: State,
  id: number,
  { authenticated, ...given }: Pick<Of<'rotate'>, 'authenticated' | 'label'> & { subject?: string },
  policy: Policy,
  at: number,
): Branch[] {
  const { record } = writing(state, id)
  if (record === undefined) return told('gone', state)
  const { record: recordId } = state.objects[id] as ModelObject
  const admitted = admit(state, given.subject, recordId, policy)
  if (admitted.length === 0) return told('limit', state)
  const { subject = record.subject, label = record.label } = given
  const { now } = state
  const deadline = authenticated ? now + policy.absolute : record.deadline
  const expires = authenticated ? Math.min(now + record.idle, deadline) : record.expires
  const proved = authenticated ? now : record.proved
  const owner = { key: tokenOf(recordId, at), subject, label, proved }
  const previous = state.objects[id]?.key
  const changed = { ...record, ...owner, previous, previousUntil: 0, deadline, expires }
  return admitted.flatMap((next) =>
    told(
      'done',
      show(putRecord(next, recordId, changed), id, {
        ...owner,
        period: expires - now,
        renewal: undefined,
      }),
    ),
  )
}

function listOf(state: State, subject: string): object[] {
  const own = idsOf(state, (record, id) => record.subject === subject && isLive(state, id))
  return own.map((id) => {
    const { created, expires, idle, proved, label } = state.records[id] as ModelRecord
    return { record: id, created, seen: Math.max(created, expires - idle), expires, proved, label }
  })
}

function ended(state: State, ids: readonly number[]): Branch[] {
  return told(ids.filter((id) => isLive(state, id)).length, end(state, ids))
}

/** What a write leaves on its object. */
function show(state: State, id: number, change: Partial<ModelObject>): State {
  const object = state.objects[id] as ModelObject
  return putObject(state, id, { ...object, ...change, modified: true, due: undefined })
}

function told(outcome: Branch['outcome'], state: State): Branch[] {
  return [{ outcome, state }]
}
