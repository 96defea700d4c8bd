// A reference for the manager, in seconds and without a store: what each operation must do, told plainly.

export const PERIOD = 100
export const ABSOLUTE = 300

export interface ModelRecord {
  readonly id: number
  value: number
  version: number
  idle: number
  expires: number
  deadline: number
  subject: string | undefined
  /** Keys by number, the newest last. Only that one is good. */
  readonly keys: number[]
  ended: boolean
}

/** A session object as the application holds it. */
export interface ModelObject {
  readonly record: ModelRecord
  key: number
  version: number
  value: number | undefined
  period: number
  modified: boolean
  due: { readonly from: number; readonly to: number; readonly period: number } | undefined
}

export type Outcome = 'done' | 'gone' | 'conflict' | 'touched' | 'untouched'

export interface Model {
  now: number
  keys: number
  readonly records: ModelRecord[]
  readonly objects: ModelObject[]
}

export const createModel = (): Model => ({ now: 0, keys: 0, records: [], objects: [] })

export function isLive(model: Model, record: ModelRecord): boolean {
  return !record.ended && model.now < record.expires
}

export function isGood(model: Model, record: ModelRecord, key: number): boolean {
  return isLive(model, record) && record.keys.at(-1) === key
}

export function generate(model: Model, value: number, expiry = PERIOD, subject?: string): void {
  const deadline = model.now + ABSOLUTE
  const expires = Math.min(model.now + expiry, deadline)
  const key = model.keys++
  const id = model.records.length
  const keys = [key]
  const made = {
    id,
    value,
    version: 1,
    idle: expiry,
    expires,
    deadline,
    subject,
    keys,
    ended: false,
  }
  model.records.push(made)
  const period = expires - model.now
  const modified = true
  model.objects.push({ record: made, key, version: 1, value, period, modified, due: undefined })
}

/** A new object for a good key, or none. */
export function load(model: Model, record: ModelRecord, key: number): boolean {
  if (!isGood(model, record, key)) return false
  const to = Math.min(model.now + record.idle, record.deadline)
  const least = Math.min(record.idle / 2, Math.max(60, record.idle / 20))
  const due =
    to - record.expires >= least ? { from: record.expires, to, period: to - model.now } : undefined
  const { value, version } = record
  const period = record.expires - model.now
  model.objects.push({ record, key, version, value, period, modified: false, due })
  return true
}

/** What every write of value or expiry leaves behind. */
function start(model: Model, object: ModelObject, idle: number): void {
  const { record } = object
  record.idle = idle
  record.expires = Math.min(model.now + idle, record.deadline)
  Object.assign(object, { period: record.expires - model.now, modified: true, due: undefined })
}

export function set(
  model: Model,
  object: ModelObject,
  value: number | undefined,
  expiry = PERIOD,
): Outcome {
  const { record } = object
  if (object.value === undefined || !isGood(model, record, object.key)) return 'gone'
  if (value !== undefined && object.version !== record.version) return 'conflict'
  if (value !== undefined) {
    Object.assign(record, { value, version: record.version + 1 })
    Object.assign(object, { value, version: record.version })
  }
  start(model, object, expiry)
  return 'done'
}

export function increment(model: Model, object: ModelObject): Outcome {
  const { record } = object
  if (object.value === undefined || !isGood(model, record, object.key)) return 'gone'
  const value = record.value + 1
  Object.assign(record, { value, version: record.version + 1 })
  Object.assign(object, { value, version: record.version })
  start(model, object, record.idle)
  return 'done'
}

export function clear(object: ModelObject): Outcome {
  if (object.value === undefined) return 'done'
  object.record.ended = true
  Object.assign(object, { value: undefined, period: 0, modified: true, due: undefined })
  return 'done'
}

export function touch(model: Model, object: ModelObject): Outcome {
  if (object.value === undefined) return 'gone'
  const { record, due } = object
  if (due === undefined) return 'untouched'
  object.due = undefined
  if (!isGood(model, record, object.key) || record.expires !== due.from) return 'untouched'
  record.expires = due.to
  Object.assign(object, { period: due.period, modified: true })
  return 'touched'
}

/** With a subject, a login; with `authenticated`, the absolute lifetime starts anew. */
export function rotate(
  model: Model,
  object: ModelObject,
  { authenticated, subject }: { readonly authenticated: boolean; readonly subject?: string },
): Outcome {
  const { record } = object
  if (object.value === undefined || !isGood(model, record, object.key)) return 'gone'
  object.key = model.keys++
  record.keys.push(object.key)
  if (subject !== undefined) record.subject = subject
  if (authenticated) {
    record.deadline = model.now + ABSOLUTE
    record.expires = Math.min(model.now + record.idle, record.deadline)
  }
  Object.assign(object, { period: record.expires - model.now, modified: true, due: undefined })
  return 'done'
}

/** How many live sessions it ends. */
export function clearSubject(model: Model, subject: string, except?: ModelRecord): number {
  const own = model.records.filter((record) => record.subject === subject && record !== except)
  const live = own.filter((record) => isLive(model, record))
  for (const record of own) record.ended = true
  return live.length
}
