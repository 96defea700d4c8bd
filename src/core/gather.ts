import type { Awaitable } from './backend.ts'
import { BackendError } from './errors.ts'
import type { StoredRecord } from './store.ts'
import { tooLate } from './time-limit.ts'
import type { TimeLimit } from './time-limit.ts'

/** Asks an engine some things at once: the answers in the order of the questions, each of which may fail for itself. */
export type AskMany<T, Q = string> = (questions: readonly Q[]) => Promise<readonly Awaitable<T>[]>

/** Options of `createGather`. */
export interface GatherOptions {
  /** How many flights may be on their way at once. */
  readonly flights: number
  /** How many questions may go together in one. */
  readonly most: number
  /**
   * The time that one flight has: one that is never answered would keep its place for ever. What has waited for as long
   * is not sent any more: whoever asked has given up, and is not to find out later that it was done after all.
   */
  readonly within: TimeLimit
}

interface Waiting<T, Q> {
  readonly question: Q
  readonly resolve: (answer: Awaitable<T>) => void
  readonly reject: (error: unknown) => void
  /** Until when it may wait, by `performance.now()`; not bounded where there is room. */
  untilMs: number
}

/**
 * Makes a function that asks one thing, and puts together what is asked in one go, or while as many flights as allowed
 * are on their way. A flight costs a driver and a server several times what a question in it costs. While there is room
 * nothing waits for company: what is asked is sent before anything else happens. Two that ask the same may fly
 * together, and nobody gets an answer from before they asked.
 */
export function createGather<T, Q = string>(
  askMany: AskMany<T, Q>,
  { flights, most, within }: GatherOptions,
): (question: Q) => Promise<T> {
  let waiting: Waiting<T, Q>[] = []
  let flying = 0
  let planned = false

  function send(): void {
    planned = false
    giveUp()
    while (flying < flights && waiting.length > 0) {
      const batch = waiting.length > most ? waiting.splice(0, most) : waiting
      if (batch === waiting) waiting = []
      flying++
      fly(batch)
    }
    // Whoever came while there was no room has a bound. The others came just now, and there was room for some.
    const bounded = waiting.findLastIndex(({ untilMs }) => untilMs < Infinity) + 1
    for (const one of waiting.slice(bounded)) one.untilMs = latest()
  }

  function latest(): number {
    return performance.now() + within.ms
  }

  /** Drops those at the head of the line that have waited too long. */
  function giveUp(): void {
    if (waiting.length === 0 || waiting[0]?.untilMs === Infinity) return
    const nowMs = performance.now()
    const inTime = waiting.findIndex(({ untilMs }) => nowMs < untilMs)
    const late = waiting.splice(0, inTime < 0 ? waiting.length : inTime)
    for (const { reject } of late) reject(tooLate(within.ms))
  }

  function fly(batch: readonly Waiting<T, Q>[]): void {
    const land = (): void => {
      flying--
      // Whoever the answer wakes may ask for more, and that goes along.
      if (waiting.length > 0) plan()
    }
    const asked = askMany(batch.map(({ question }) => question))
    within(asked).then(
      (answers) => {
        give(batch, answers)
        land()
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error)
        land()
        // Nobody waits any longer for what comes too late, and each of its answers may be a rejection.
        asked.then(
          async (late) => Promise.allSettled(late),
          () => {},
        )
      },
    )
  }

  function plan(): void {
    if (planned) return
    planned = true
    queueMicrotask(send)
  }

  return (question) =>
    new Promise((resolve, reject) => {
      const hasRoom = flying < flights
      waiting.push({ question, resolve, reject, untilMs: hasRoom ? Infinity : latest() })
      if (hasRoom) plan()
    })
}

/** `records` in the order of `ids`, with `undefined` for those that are not there. */
export function inOrderOf(
  ids: readonly string[],
  records: readonly StoredRecord[],
): (StoredRecord | undefined)[] {
  const byId = new Map<string, StoredRecord>(records.map((record) => [record.recordId, record]))
  return ids.map((id) => byId.get(id))
}

function give<T, Q>(batch: readonly Waiting<T, Q>[], answers: readonly Awaitable<T>[]): void {
  if (answers.length !== batch.length) {
    const error = new BackendError('the store gave no answer to each question')
    for (const { reject } of batch) reject(error)
    return
  }
  for (const [at, { resolve }] of batch.entries()) resolve(answers[at] as Awaitable<T>)
}
