// Whether what many callers saw of one record can be put in one order: Wing and Gong's search, which tries each
// operation that may come next, with Lowe's memory of the places where it has been.
import { ABSENT, isUnknown, step } from './record-model.ts'
import type { Operation, RecordState } from './record-model.ts'

/** What the checker says of a history. */
export type Verdict =
  | {
      readonly ok: true
      /** How many acknowledged changes a failover must have undone, at the least. */
      readonly lost: number
    }
  | {
      readonly ok: false
      /** `undecided` when the search was given up. */
      readonly reason: 'not_linearizable' | 'undecided'
      /** The most operations that could be put in order, as positions in the history. */
      readonly order: readonly number[]
    }

interface Change {
  readonly before: RecordState
  readonly acknowledged: boolean
}

interface Place {
  readonly state: RecordState
  readonly done: ReadonlySet<number>
  readonly order: readonly number[]
  /** No operation that returned before this tick can come next. */
  readonly latestInvocation: number
  /** What a failover could undo, the oldest first; kept only where there is one. */
  readonly undoable: readonly Change[]
  readonly lost: number
}

const START: Place = {
  state: ABSENT,
  done: new Set(),
  order: [],
  latestInvocation: -Infinity,
  undoable: [],
  lost: 0,
}

// Histories of sixty operations take some hundreds of steps. More than this is a fault of the load.
const STEPS = 500_000

/**
 * Checks the history of one record: whether there is an order of its operations in which each takes effect at one
 * moment between its call and its return, and answers what the model of the record answers. An operation of
 * unknown outcome takes effect once, at any time after its call, or never.
 *
 * After a `failover` the last changes may be undone that are not durable; of all explanations it takes the one with
 * the fewest acknowledged changes undone.
 */
export function checkHistory(history: readonly Operation[], steps: number = STEPS): Verdict {
  const changes = history.filter(({ kind }) => kind !== 'read' && kind !== 'failover').length
  const most = history.some(({ kind }) => kind === 'failover') ? changes : 0
  let verdict: Verdict = search(history, 0, steps)
  for (let mayLose = 1; !verdict.ok && mayLose <= most; mayLose++) {
    verdict = search(history, mayLose, steps)
  }
  return verdict
}

function search(history: readonly Operation[], mayLose: number, steps: number): Verdict {
  const seen = new Set<string>()
  const open: Place[] = [START]
  let longest: readonly number[] = []
  let place = open.pop()
  for (let taken = 0; place !== undefined; taken++) {
    if (taken > steps) return { ok: false, reason: 'undecided', order: longest }
    if (isComplete(history, place)) return { ok: true, lost: place.lost }
    if (place.order.length > longest.length) longest = place.order
    for (const next of nextPlaces(history, place)) {
      const name = nameOf(next)
      if (next.lost > mayLose || seen.has(name)) continue
      seen.add(name)
      open.push(next)
    }
    place = open.pop()
  }
  return { ok: false, reason: 'not_linearizable', order: longest }
}

function isComplete(history: readonly Operation[], { done }: Place): boolean {
  return history.every((operation, at) => done.has(at) || isUnknown(operation))
}

/** What can come next, the likeliest last: an operation that returned is tried before one that may never be done. */
function nextPlaces(history: readonly Operation[], place: Place): Place[] {
  let firstReturn = Infinity
  history.forEach((operation, at) => {
    if (!place.done.has(at) && !isUnknown(operation)) {
      firstReturn = Math.min(firstReturn, operation.returnedAt)
    }
  })
  const keeps = history.some(({ kind }) => kind === 'failover')
  const known: Place[] = []
  const unknown: Place[] = []
  history.forEach((operation, at) => {
    const { invokedAt, returnedAt } = operation
    if (place.done.has(at) || invokedAt > firstReturn) return
    if (returnedAt < place.latestInvocation) return
    if (operation.kind === 'failover') {
      unknown.push(...undo(place, at, operation))
      return
    }
    const state = step(place.state, operation)
    if (state === undefined) return
    const found = isUnknown(operation) ? unknown : known
    found.push(advance(place, at, operation, state, keeps))
  })
  return [...unknown, ...known.toReversed()]
}

function advance(
  place: Place,
  at: number,
  operation: Exclude<Operation, { kind: 'failover' }>,
  state: RecordState,
  keeps: boolean,
): Place {
  const change = { before: place.state, acknowledged: !isUnknown(operation) }
  const durable = operation.kind !== 'read' && operation.durable === true
  const next = moved(place, at, operation)
  if (!keeps || state === place.state) return { ...next, state }
  return { ...next, state, undoable: durable ? [] : [...place.undoable, change] }
}

/** Each way in which a failover could undo the last changes. */
function undo(place: Place, at: number, operation: Operation): Place[] {
  const { undoable } = place
  const next = moved(place, at, operation)
  return undoable.map(({ before }, first) => {
    const lost = undoable.slice(first).filter(({ acknowledged }) => acknowledged).length
    return Object.assign({}, next, { state: before, undoable: [], lost: place.lost + lost })
  })
}

function moved(place: Place, at: number, { invokedAt }: Operation): Place {
  return {
    ...place,
    done: new Set(place.done).add(at),
    order: [...place.order, at],
    latestInvocation: Math.max(place.latestInvocation, invokedAt),
  }
}

function nameOf({ done, state, undoable, lost }: Place): string {
  return JSON.stringify([[...done].sort((a, b) => a - b), state, undoable, lost])
}
