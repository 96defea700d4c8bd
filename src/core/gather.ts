import { isPromise } from './awaitable.ts'
import type { Awaitable } from './backend.ts'
import { BackendError } from './errors.ts'
import type { StoredRecord } from './store.ts'
import { tooLate } from './time-limit.ts'
import type { TimeLimit, Waiting } from './time-limit.ts'

/**
 * Asks an engine some things at once: the answers in the order of the questions, each of which may fail for itself. Rejects,
 * and never throws.
 */
export type AskMany<T, Q = string> = (questions: readonly Q[]) => Promise<readonly Awaitable<T>[]>

/** Options of `createGather`. */
export interface GatherOptions {
  /** How many flights may be on their way at once. */
  readonly flights: number
  /** How many questions may go together in one. */
  readonly most: number
  /**
   * Whether the last of several flights leaves in the next turn of the event loop. Two that leave together come back
   * together, and where the engine has as much to do as this process, the one then waits for the other. Default: false.
   */
  readonly apart?: boolean
  /**
   * The time that a question has, and a flight: one that is never answered would keep its place for ever. A question
   * that has waited for as long is not sent any more: whoever asked has been told that there was no answer, and is not
   * to find out later that it was done after all.
   */
  readonly within: TimeLimit
}

interface Question<T, Q> {
  readonly question: Q
  readonly resolve: (answer: Awaitable<T>) => void
  readonly reject: (error: unknown) => void
  /** Until when there may be an answer, by `performance.now()`. */
  readonly untilMs: number
  /** A time limit of its own, where it had to wait: what flies at once has that of its flight. */
  bound: Waiting | undefined
}

// Node's own, also where a test has put other timers in their places: what waits for one of those may wait for ever.
const { setImmediate } = globalThis

/**
 * Makes a function that asks one thing, and puts together what is asked in one go, or while as many flights as allowed
 * are on their way. A flight costs a driver and a server several times what a question in it costs. While there is room
 * nothing waits for company: what is asked is sent before anything else happens. Two that ask the same may fly
 * together, and nobody gets an answer from before they asked. A question is answered within the time limit, or rejected
 * with `BackendError`.
 */
export function createGather<T, Q = string>(
  askMany: AskMany<T, Q>,
  { flights, most, within, apart = false }: GatherOptions,
): (question: Q) => Promise<T> {
  let waiting: Question<T, Q>[] = []
  let flying = 0
  let planned = false

  function send(): void {
    planned = false
    giveUp()
    for (let first = true; hasRoom(first || !apart ? 0 : most); first = false) {
      const batch = waiting.length > most ? waiting.splice(0, most) : waiting
      if (batch === waiting) waiting = []
      flying++
      fly(batch)
    }
    if (hasRoom(0)) planFor(setImmediate)
    const bounded = waiting.findLastIndex(({ bound }) => bound !== undefined) + 1
    for (const one of waiting.slice(bounded)) {
      one.bound = within.join(() => one.reject(tooLate(within.ms)))
    }
  }

  /** Whether a flight may leave, and more than so many wait for one. */
  function hasRoom(beyond: number): boolean {
    return flying < flights && waiting.length > beyond
  }

  /** Drops those at the head of the line that have waited too long. */
  function giveUp(): void {
    if (waiting[0]?.bound === undefined) return
    const nowMs = performance.now()
    const inTime = waiting.findIndex(({ bound, untilMs }) => bound === undefined || nowMs < untilMs)
    const late = waiting.splice(0, inTime < 0 ? waiting.length : inTime)
    for (const one of late) refuse(one, tooLate(within.ms))
  }

  function refuse({ bound, reject }: Question<T, Q>, error: unknown): void {
    if (bound !== undefined) within.leave(bound)
    reject(error)
  }

  function fly(batch: readonly Question<T, Q>[]): void {
    const land = (): void => {
      flying--
      // Whoever the answer wakes may ask for more, and that goes along.
      if (waiting.length > 0) planFor(queueMicrotask)
    }
    const asked = askMany(batch.map(({ question }) => question))
    within(asked).then(
      (answers) => {
        if (answers.length === batch.length) give(batch, answers)
        else {
          for (const one of batch) refuse(one, unanswered())
          drop(answers)
        }
        land()
      },
      (error: unknown) => {
        for (const one of batch) refuse(one, error)
        land()
        // Nobody waits any longer for what comes too late.
        asked.then(drop, () => {})
      },
    )
  }

  function give(batch: readonly Question<T, Q>[], answers: readonly Awaitable<T>[]): void {
    for (let at = 0; at < batch.length; at++) {
      const { bound, resolve, reject, untilMs } = batch[at] as Question<T, Q>
      const answer = answers[at] as Awaitable<T>
      if (bound !== undefined) within.leave(bound)
      if (isPromise(answer)) settleBy(untilMs, answer, resolve, reject)
      else resolve(answer)
    }
  }

  /** Gives an answer that needs more time what the question has left. */
  function settleBy(
    untilMs: number,
    answer: PromiseLike<T>,
    resolve: (answer: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const leftMs = Math.max(0, untilMs - performance.now())
    const timer = setTimeout(() => reject(tooLate(within.ms)), leftMs)
    answer.then(resolve, reject).then(() => clearTimeout(timer))
  }

  function planFor(when: (send: () => void) => unknown): void {
    if (planned) return
    planned = true
    when(send)
  }

  return (question) =>
    new Promise((resolve, reject) => {
      const untilMs = performance.now() + within.ms
      waiting.push({ question, resolve, reject, untilMs, bound: undefined })
      planFor(queueMicrotask)
    })
}

/** Of answers that nobody waits for, each may be a rejection. */
function drop(answers: readonly unknown[]): void {
  void Promise.allSettled(answers)
}

function unanswered(): BackendError {
  return new BackendError('the store gave no answer to each question')
}

/** `records` in the order of `ids`, with `undefined` for those that are not there. */
export function inOrderOf(
  ids: readonly string[],
  records: readonly StoredRecord[],
): (StoredRecord | undefined)[] {
  const byId = new Map<string, StoredRecord>(records.map((record) => [record.recordId, record]))
  return ids.map((id) => byId.get(id))
}
