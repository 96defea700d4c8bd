import type { Awaitable } from './backend.ts'
import { BackendError } from './errors.ts'
import type { StoredRecord } from './store.ts'
import type { TimeLimit } from './time-limit.ts'

/** Asks an engine for some things at once: the answers in the order of the names, each of which may fail for itself. */
export type AskMany<T> = (names: readonly string[]) => Promise<readonly Awaitable<T>[]>

/** Options of `createGather`. */
export interface GatherOptions {
  /** How many questions may be on their way at once. */
  readonly flights: number
  /** How many names one question may hold. */
  readonly most: number
  /** The time that one question has. One that is never answered would keep its place for ever. */
  readonly within: TimeLimit
}

interface Waiting<T> {
  readonly name: string
  readonly resolve: (answer: Awaitable<T>) => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes a function that asks for one thing, and puts together what is asked for in one go, or while as many questions
 * as allowed are on their way. A question costs a driver and a server several times what a name in it costs. While
 * there is room nothing waits for company: what is asked for is sent before anything else happens. Two that ask for
 * the same thing may share a question, never an answer from before they asked.
 */
export function createGather<T>(
  askMany: AskMany<T>,
  { flights, most, within }: GatherOptions,
): (name: string) => Promise<T> {
  let waiting: Waiting<T>[] = []
  let flying = 0
  let planned = false

  function send(): void {
    planned = false
    while (flying < flights && waiting.length > 0) {
      const batch = waiting.length > most ? waiting.splice(0, most) : waiting
      if (batch === waiting) waiting = []
      flying++
      fly(batch)
    }
  }

  function fly(batch: readonly Waiting<T>[]): void {
    const land = (): void => {
      flying--
      // Whoever the answer wakes may ask for more, and that goes along.
      if (waiting.length > 0) plan()
    }
    within(askMany(batch.map(({ name }) => name))).then(
      (answers) => {
        give(batch, answers)
        land()
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error)
        land()
      },
    )
  }

  function plan(): void {
    if (planned) return
    planned = true
    queueMicrotask(send)
  }

  return (name) =>
    new Promise((resolve, reject) => {
      waiting.push({ name, resolve, reject })
      if (flying < flights) plan()
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

function give<T>(batch: readonly Waiting<T>[], answers: readonly Awaitable<T>[]): void {
  if (answers.length !== batch.length) {
    const error = new BackendError('the store gave no answer to each question')
    for (const { reject } of batch) reject(error)
    return
  }
  for (const [at, { resolve }] of batch.entries()) resolve(answers[at] as Awaitable<T>)
}
