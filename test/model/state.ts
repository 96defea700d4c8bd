/** A key as the model knows it: the number of its record, and of the step that drew it. */
export type Token = string

/** How long sessions live, in seconds, and how many a subject may have. */
export interface Policy {
  readonly period: number
  readonly absolute: number
  readonly most?: number | undefined
  /** Whether a login too many ends the oldest session, or is refused. */
  readonly evicts: boolean
}

/** A session as it must be kept. */
export interface ModelRecord {
  readonly value: number | 'unset' | 'unreadable'
  readonly version: number
  readonly idle: number
  readonly created: number
  readonly expires: number
  readonly deadline: number
  readonly subject: string | undefined
  /** When the subject last proved who it is. */
  readonly proved: number | undefined
  readonly label: string | undefined
  readonly key: Token
  /** The key before it, always good for a logout. */
  readonly previous: Token | undefined
  /** Until when that is good for all else: after a renewal until the new key is seen (`Infinity`), and then for a grace. */
  readonly previousUntil: number
}

/** A session object as an application holds it. */
export interface ModelObject {
  readonly record: number
  readonly key: Token
  /** `undefined` once cleared. */
  readonly value: number | undefined
  readonly version: number
  readonly period: number
  readonly modified: boolean
  readonly created: number
  readonly subject: string | undefined
  readonly proved: number | undefined
  readonly label: string | undefined
  /** How a cookie with this key is to be set: by another response, which has its successor; or in any case. */
  readonly renewal: 'over' | 'again' | undefined
  readonly due: { readonly from: number; readonly to: number; readonly period: number } | undefined
}

/** All there is, records and objects by the number of the step that made them. Only live records are certain to be there. */
export interface State {
  readonly now: number
  readonly records: Readonly<Record<number, ModelRecord>>
  readonly objects: Readonly<Record<number, ModelObject>>
}

/** What the caller is told. `atMost` is all that is known of a sweep's count. */
export type Outcome = string | number | boolean | object | { readonly atMost: number }

/** A way that a step may go. */
export interface Branch {
  readonly outcome: Outcome
  readonly state: State
}

/** An operation of a manager. A key is `null` when it is not shaped like one. */
export type Action =
  | {
      readonly kind: 'generate'
      readonly value: number
      readonly expiry?: number | undefined
      readonly subject?: string | undefined
      readonly label?: string | undefined
    }
  /** A session that another program has left without a value, or with one that cannot be read. */
  | { readonly kind: 'plant'; readonly value: 'unset' | 'unreadable' }
  | { readonly kind: 'fromKey'; readonly token: Token | null }
  | { readonly kind: 'fromHeaders'; readonly tokens: readonly (Token | null)[] }
  | {
      readonly kind: 'fromHeadersOrCreate'
      readonly tokens: readonly (Token | null)[]
      readonly value: number
      /** Whether a session that cannot be read is replaced. */
      readonly replace: boolean
    }
  | {
      readonly kind: 'set'
      readonly object: number
      readonly value?: number | undefined
      readonly expiry?: number | undefined
    }
  /** Without `add`, the function writes nothing. */
  | {
      readonly kind: 'update'
      readonly object: number
      readonly add?: number | undefined
      readonly expiry?: number | undefined
    }
  | { readonly kind: 'touch'; readonly object: number }
  | { readonly kind: 'renew'; readonly object: number }
  | { readonly kind: 'clear'; readonly object: number }
  | {
      readonly kind: 'rotate'
      readonly object: number
      readonly authenticated: boolean
      readonly label?: string | undefined
    }
  | {
      readonly kind: 'bind'
      readonly object: number
      readonly subject: string
      readonly label?: string | undefined
    }
  | { readonly kind: 'clearFromHeaders'; readonly tokens: readonly (Token | null)[] }
  | { readonly kind: 'list'; readonly subject: string }
  | { readonly kind: 'clearHandle'; readonly record: number }
  | {
      readonly kind: 'clearSubject'
      readonly subject: string
      readonly except?: number | undefined
    }
  | { readonly kind: 'clearAll' | 'sweep' }
  | { readonly kind: 'advance'; readonly seconds: number }

/** What there is before the first step. */
export const EMPTY: State = { now: 0, records: {}, objects: {} }

/** The number of the record of a key. */
export const idOf = (token: Token): number => Number.parseInt(token, 10)

/** The key that a step has drawn for a record. */
export const tokenOf = (record: number, at: number): Token => `${record}.${at}`

/** The records that are as asked. */
export function idsOf(
  { records }: State,
  isAsked: (record: ModelRecord, id: number) => boolean = () => true,
): number[] {
  const ids = Object.keys(records).map(Number)
  return ids.filter((id) => isAsked(records[id] as ModelRecord, id))
}

/** Whether the record has not ended. */
export function isLive({ now, records }: State, id: number): boolean {
  return now < (records[id]?.expires ?? -Infinity)
}

/** Whether a key opens a session. */
export function isGood(state: State, token: Token): boolean {
  const { key, previous, previousUntil = 0 } = state.records[idOf(token)] ?? {}
  return (
    isLive(state, idOf(token)) &&
    (key === token || (previous === token && state.now < previousUntil))
  )
}

/** The state without these records. */
export function end(state: State, ids: readonly number[]): State {
  const left = Object.entries(state.records).filter(([id]) => !ids.includes(Number(id)))
  return { ...state, records: Object.fromEntries(left) }
}

/** The state with this record. */
export function putRecord(state: State, id: number, record: ModelRecord): State {
  return { ...state, records: { ...state.records, [id]: record } }
}

/** The state with this session object. */
export function putObject(state: State, id: number, object: ModelObject): State {
  return { ...state, objects: { ...state.objects, [id]: object } }
}
