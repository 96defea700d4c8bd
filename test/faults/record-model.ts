/** What one session record is, as the engine must keep it. */
export type RecordState = LiveRecord | { readonly kind: 'absent' | 'cleared' }

/** A live record. Keys and values are tokens that stand for the real ones. */
export interface LiveRecord {
  readonly kind: 'live'
  readonly version: number
  readonly value: string
  readonly key: string
  /** The key before the last rotation. It is good for nothing but a logout. */
  readonly previous: string | undefined
}

/** When an operation was under way, in ticks of one counter. */
interface Interval {
  readonly invokedAt: number
  /** `Infinity` while the outcome is unknown: it may take effect at any later time, or never. */
  readonly returnedAt: number
}

/** The record is made. */
export interface Create extends Interval {
  readonly kind: 'create'
  readonly key: string
  readonly value: string
  readonly outcome: 'ok' | 'unknown'
  readonly durable?: boolean | undefined
}

/** The record is read by a key. */
export interface Read extends Interval {
  readonly kind: 'read'
  readonly key: string
  readonly outcome: { readonly version: number; readonly value: string } | 'not_found'
}

/** The value is written, on what it expects to be there or on any live record. */
export interface Update extends Interval {
  readonly kind: 'update'
  readonly key: string
  readonly value: string
  /** The version that it expects. */
  readonly version?: number | undefined
  /** The value that it expects, where it was computed from one. */
  readonly basis?: string | undefined
  readonly outcome: { readonly version: number } | 'conflict' | 'gone' | 'unknown'
  readonly durable?: boolean | undefined
}

/** The key is changed. */
export interface Rotate extends Interval {
  readonly kind: 'rotate'
  readonly key: string
  readonly outcome: { readonly key: string } | 'gone' | 'unknown'
  readonly durable?: boolean | undefined
}

/** The record is ended: whatever its key, or with `key` only if that is the current or the previous one. */
export interface Clear extends Interval {
  readonly kind: 'clear'
  readonly key?: string | undefined
  readonly outcome: 'ok' | 'unknown'
  readonly durable?: boolean | undefined
}

/** A replica that may lag takes over: the last changes that are not durable may be undone, at most once. */
export interface Failover extends Interval {
  readonly kind: 'failover'
}

/** One operation on one record, with what it answered. */
export type Operation = Create | Read | Update | Rotate | Clear | Failover

/** What there is before anything is done. */
export const ABSENT: RecordState = { kind: 'absent' }

const CLEARED: RecordState = { kind: 'cleared' }

/** Whether what the operation has done is not known. */
export function isUnknown(operation: Operation): boolean {
  return operation.kind === 'failover' || operation.outcome === 'unknown'
}

/**
 * The state after `operation`, if it can take place on `state` and answer what it did; otherwise `undefined`. One of
 * unknown outcome takes place only where it changes something.
 */
export function step(state: RecordState, operation: Operation): RecordState | undefined {
  switch (operation.kind) {
    case 'create':
      return state.kind === 'absent' ? created(operation) : undefined
    case 'read':
      return isAnswer(state, operation) ? state : undefined
    case 'update':
      return updated(state, operation)
    case 'rotate':
      return rotated(state, operation)
    case 'clear':
      return cleared(state, operation)
    case 'failover':
      return undefined
    default:
      return operation
  }
}

function created({ key, value }: Create): RecordState {
  return { kind: 'live', version: 1, value, key, previous: undefined }
}

function isAnswer(state: RecordState, { key, outcome }: Read): boolean {
  const live = isGood(state, key) ? state : undefined
  if (outcome === 'not_found') return live === undefined
  return live?.version === outcome.version && live.value === outcome.value
}

function updated(state: RecordState, operation: Update): RecordState | undefined {
  const { key, value, version, basis, outcome } = operation
  if (!isGood(state, key)) return outcome === 'gone' ? state : undefined
  const meets =
    (version === undefined || version === state.version) &&
    (basis === undefined || basis === state.value)
  if (!meets) return outcome === 'conflict' ? state : undefined
  if (outcome === 'gone' || outcome === 'conflict') return undefined
  const next = { ...state, version: state.version + 1, value }
  return outcome === 'unknown' || outcome.version === next.version ? next : undefined
}

function rotated(state: RecordState, operation: Rotate): RecordState | undefined {
  const { key, outcome, invokedAt } = operation
  if (!isGood(state, key)) return outcome === 'gone' ? state : undefined
  if (outcome === 'gone') return undefined
  // Nobody has ever learnt the key of a rotation without an answer.
  const next = outcome === 'unknown' ? `unknown ${invokedAt}` : outcome.key
  return { ...state, key: next, previous: key }
}

function cleared(state: RecordState, { key, outcome }: Clear): RecordState | undefined {
  const names =
    state.kind === 'live' && (key === undefined || key === state.key || key === state.previous)
  if (names) return CLEARED
  return outcome === 'unknown' ? undefined : state
}

function isGood(state: RecordState, key: string): state is LiveRecord {
  return state.kind === 'live' && state.key === key
}
