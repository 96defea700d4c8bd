import { createHash, randomBytes, randomInt } from 'node:crypto'
import { checkHistory } from './linearizability.ts'
import type { Verdict } from './linearizability.ts'
import type { Operation } from './record-model.ts'

/** The value of a session: the name of the write that made it, and noise with a checksum that half of it would show. */
export interface Value {
  readonly by: string
  readonly noise: string
  readonly sum: string
}

/** What was found wrong with a history. */
export type Violation = 'lost' | 'revived' | 'anonymous' | 'torn' | 'order' | 'undecided'

/** Everything that was done to one record. Keys and values are kept as tokens: none is ever printed. */
export interface History {
  readonly operations: readonly Operation[]
  /** The keys that were ever handed out, the newest last. */
  readonly keys: readonly string[]
  add(operation: Operation): void
  /** The token of a key. */
  keyOf(key: string): string
  /** Notes a request with a key of this record that was answered with a session of another. */
  turnedAnonymous(invokedAt: number): void
  /** Notes that a failover may undo the last changes of this record. */
  failover(invokedAt: number, returnedAt: number): void
  check(): Verdict
  /** The plainest name for what is wrong, once `check` has found that something is. */
  violation(verdict: Verdict): Violation | undefined
}

let ticks = 0

/** The next tick of the one counter that all histories share. */
export function tick(): number {
  return ++ticks
}

let writes = 0

/** Makes a value that no other write makes, of up to about `bytes` bytes. */
export function makeValue(bytes: number): Value {
  const by = `w${++writes}`
  const noise = randomBytes(Math.ceil((randomInt(bytes) * 3) / 4)).toString('base64')
  return { by, noise, sum: sumOf(by, noise) }
}

/** The token of a value: who wrote it, or `torn`. */
export function tokenOf(value: unknown): string {
  const { by, noise, sum } = Object(value) as Partial<Value>
  if (typeof by !== 'string' || typeof noise !== 'string') return 'torn'
  return sum === sumOf(by, noise) ? by : 'torn'
}

function sumOf(by: string, noise: string): string {
  return createHash('sha256').update(`${by} ${noise}`).digest('base64url')
}

/** Begins the history of one record. */
export function createHistory(): History {
  const operations: Operation[] = []
  const keys = new Map<string, string>()
  const anonymous: number[] = []

  return {
    operations,
    get keys() {
      return [...keys.keys()]
    },
    add: (operation) => void operations.push(operation),
    keyOf(key) {
      const token = keys.get(key) ?? `k${keys.size + 1}`
      keys.set(key, token)
      return token
    },
    turnedAnonymous: (invokedAt) => void anonymous.push(invokedAt),
    failover: (invokedAt, returnedAt) =>
      void operations.push({ kind: 'failover', invokedAt, returnedAt }),
    check: () => checkHistory(operations.toSorted((a, b) => a.invokedAt - b.invokedAt)),
    violation(verdict) {
      if (verdict.ok) return undefined
      if (verdict.reason === 'undecided') return 'undecided'
      if (hasTorn(operations)) return 'torn'
      if (hasRevived(operations)) return 'revived'
      if (anonymous.some((at) => isUnexplainedMiss(operations, at))) return 'anonymous'
      return hasLost(operations) ? 'lost' : 'order'
    },
  }
}

/** What an operation has shown of the record, if it was there. */
function seen(operation: Operation): { version?: number; value?: string } | undefined {
  if (!('outcome' in operation) || operation.outcome === 'unknown') return undefined
  switch (operation.kind) {
    case 'create':
      return { version: 1, value: operation.value }
    case 'read':
      return operation.outcome === 'not_found' ? undefined : operation.outcome
    case 'update':
      if (operation.outcome === 'gone') return undefined
      return typeof operation.outcome === 'object' ? operation.outcome : {}
    case 'rotate':
      return operation.outcome === 'gone' ? undefined : {}
    case 'clear':
      return undefined
    default:
      return operation
  }
}

function hasTorn(operations: readonly Operation[]): boolean {
  const written = new Set(operations.flatMap((each) => ('value' in each ? [each.value] : [])))
  return operations.some((each) => {
    const value = seen(each)?.value
    return value !== undefined && !written.has(value)
  })
}

/** Whether a cleared session, or a key that was rotated away, was good again. */
function hasRevived(operations: readonly Operation[]): boolean {
  return operations.some((ended) => {
    const clears = ended.kind === 'clear' && ended.key === undefined && ended.outcome === 'ok'
    const rotates = ended.kind === 'rotate' && typeof ended.outcome === 'object'
    if (!clears && !rotates) return false
    return operations.some(
      (later) =>
        later.invokedAt > ended.returnedAt &&
        seen(later) !== undefined &&
        (clears || ('key' in later && later.key === ended.key)),
    )
  })
}

/** Whether the miss of `invokedAt` was of a key that nobody had begun to end or to change. */
function isUnexplainedMiss(operations: readonly Operation[], invokedAt: number): boolean {
  const miss = operations.find((each) => each.kind === 'read' && each.invokedAt === invokedAt)
  if (miss?.kind !== 'read') return false
  return !operations.some(
    (each) =>
      each.invokedAt < miss.returnedAt &&
      (each.kind === 'clear' || (each.kind === 'rotate' && each.key === miss.key)),
  )
}

/** Whether an acknowledged change was not there later. */
function hasLost(operations: readonly Operation[]): boolean {
  return operations.some((before) => {
    const version = seen(before)?.version
    if (version === undefined) return false
    return operations.some((later) => {
      if (later.invokedAt < before.returnedAt) return false
      const shown = seen(later)?.version
      if (shown !== undefined) return shown < version + (later.kind === 'update' ? 1 : 0)
      return later.kind === 'read' && isUnexplainedMiss(operations, later.invokedAt)
    })
  })
}
