import { channel } from 'node:diagnostics_channel'
import type {
  BackendOperation,
  KeyRejected,
  SessionCleared,
  SessionEventName,
  SessionEvents,
  SessionRead,
} from './event-messages.ts'
import type { Handle } from './key.ts'
import { assertFunction } from './options.ts'
import type { Period } from './period.ts'

// Each function asks for listeners before it makes a message, and takes what the caller has at hand: with nobody
// listening it costs one look at a property, on any path.

/** A channel of `node:diagnostics_channel`. */
export interface Channel<Message> {
  readonly hasSubscribers: boolean
  publish(message: Message): void
  subscribe(listener: (message: unknown) => void): void
  unsubscribe(listener: (message: unknown) => void): unknown
}

// Held here for good: a channel that nobody holds may be collected, and its listeners with it. Bundles leave out those
// that they say nothing on.
/* @__NO_SIDE_EFFECTS__ */
export function openChannel<Name extends SessionEventName>(
  name: Name,
): Channel<SessionEvents[Name]> {
  return channel(name)
}

const created = openChannel('sojourn:session.created')
const read = openChannel('sojourn:session.read')
const invalid = openChannel('sojourn:session.invalid')
const written = openChannel('sojourn:session.written')
const touched = openChannel('sojourn:session.touched')
const rotated = openChannel('sojourn:session.rotated')
const renewed = openChannel('sojourn:session.renewed')
const confirmed = openChannel('sojourn:session.confirmed')
const conflicted = openChannel('sojourn:session.conflict')
const refused = openChannel('sojourn:session.refused')
const cleared = openChannel('sojourn:session.cleared')
const malformed = openChannel('sojourn:key.malformed')
const rejected = openChannel('sojourn:key.rejected')
const reused = openChannel('sojourn:key.reused')
const duplicated = openChannel('sojourn:cookie.duplicated')
const operations = openChannel('sojourn:store.operation')
const faults = openChannel('sojourn:store.fault')
const swept = openChannel('sojourn:store.swept')

const channels: { readonly [Name in SessionEventName]: Channel<SessionEvents[Name]> } = {
  'sojourn:session.created': created,
  'sojourn:session.read': read,
  'sojourn:session.invalid': invalid,
  'sojourn:session.written': written,
  'sojourn:session.touched': touched,
  'sojourn:session.rotated': rotated,
  'sojourn:session.renewed': renewed,
  'sojourn:session.confirmed': confirmed,
  'sojourn:session.conflict': conflicted,
  'sojourn:session.refused': refused,
  'sojourn:session.cleared': cleared,
  'sojourn:key.malformed': malformed,
  'sojourn:key.rejected': rejected,
  'sojourn:key.reused': reused,
  'sojourn:cookie.duplicated': duplicated,
  'sojourn:store.operation': operations,
  'sojourn:store.fault': faults,
  'sojourn:store.swept': swept,
}

/**
 * Calls `listener` with each event of that name, until the returned function is called. It is called on the spot, in
 * the request that the event belongs to, so `AsyncLocalStorage` knows that request; keep it short. What it throws or
 * rejects with reaches no request: the first time it becomes a warning of the process (`SessionEventWarning`).
 *
 * `subscribe` of `node:diagnostics_channel` hears the same messages, but what its listener throws is an uncaught
 * exception, which ends a process that does not handle it.
 *
 * @throws TypeError when there is no event of that name, or `listener` is no function.
 */
export function onSessionEvent<Name extends SessionEventName>(
  name: Name,
  listener: (event: SessionEvents[Name]) => void,
): () => void {
  if (!Object.hasOwn(channels, name)) throw new TypeError('"name" must be the name of an event')
  const events = channels[name]
  assertFunction('listener', listener)
  let warned = false
  const warn = (error: unknown): void => {
    if (warned) return
    warned = true
    process.emitWarning(`a listener of ${name} failed: ${reasonOf(error)}`, 'SessionEventWarning')
  }
  const receive = (message: unknown): void => {
    try {
      const result: unknown = listener(message as SessionEvents[Name])
      if (result instanceof Promise) result.catch(warn)
    } catch (error) {
      warn(error)
    }
  }
  events.subscribe(receive)
  return () => void events.unsubscribe(receive)
}

/** What is said of what a listener has thrown: there are objects that have no text, or throw where they are asked for it. */
function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  } catch {
    return typeof error
  }
}

/** Whether anybody listens to what happens to sessions: else whoever tells of it need not find out its name. */
export function isAnyoneListening(): boolean {
  return (
    created.hasSubscribers ||
    read.hasSubscribers ||
    rejected.hasSubscribers ||
    written.hasSubscribers ||
    conflicted.hasSubscribers ||
    touched.hasSubscribers ||
    rotated.hasSubscribers ||
    cleared.hasSubscribers
  )
}

/** A session was made. */
export function publishCreated(
  handle: Handle | undefined,
  subject: string | undefined,
  period: Period,
): void {
  if (created.hasSubscribers) created.publish({ handle, subject, period })
}

/** A good key led to a live session. */
export function publishRead(
  handle: Handle | undefined,
  subject: string | undefined,
  outcome: SessionRead['outcome'],
): void {
  if (read.hasSubscribers) read.publish({ handle, subject, outcome })
}

/** A live session's value does not decode. */
export function publishInvalid(handle: Handle | undefined, subject: string | undefined): void {
  if (invalid.hasSubscribers) invalid.publish({ handle, subject })
}

/** A write was applied. */
export function publishWritten(
  handle: Handle | undefined,
  subject: string | undefined,
  value: boolean,
  version: number | undefined,
): void {
  if (written.hasSubscribers) written.publish({ handle, subject, value, version })
}

/** A touch was applied. */
export function publishTouched(
  handle: Handle | undefined,
  subject: string | undefined,
  period: Period,
): void {
  if (touched.hasSubscribers) touched.publish({ handle, subject, period })
}

/** A rotation was applied; the old key is dead. */
export function publishRotated(
  handle: Handle | undefined,
  subject: string | undefined,
  authenticated: boolean,
  bound: boolean,
): void {
  if (rotated.hasSubscribers) rotated.publish({ handle, subject, authenticated, bound })
}

/** A write met a newer state. */
export function publishConflict(
  handle: Handle | undefined,
  subject: string | undefined,
  operation: BackendOperation,
): void {
  if (conflicted.hasSubscribers) conflicted.publish({ handle, subject, operation })
}

/** A subject has as many sessions as it may. */
export function publishRefused(handle: Handle | undefined, subject: string | undefined): void {
  if (refused.hasSubscribers) refused.publish({ handle, subject })
}

/** `count` live sessions were ended; with 0 nothing has happened, and nothing is said. */
export function publishCleared(
  by: SessionCleared['by'],
  count: number | undefined,
  handle: Handle | undefined,
  subject: string | undefined,
): void {
  if (cleared.hasSubscribers && count !== 0) cleared.publish({ by, count, handle, subject })
}

/** What came in place of a key is none. */
export function publishMalformed(length: number): void {
  if (malformed.hasSubscribers) malformed.publish({ length })
}

/** A well-formed key led nowhere. */
export function publishRejected(
  handle: Handle | undefined,
  subject: string | undefined,
  reason: KeyRejected['reason'],
): void {
  if (rejected.hasSubscribers) rejected.publish({ handle, subject, reason })
}

/** The previous key came back after its grace. */
export function publishReused(handle: Handle, subject: string | undefined, ended: boolean): void {
  if (reused.hasSubscribers) reused.publish({ handle, subject, ended })
}

/** A request brought several cookies of the session's name. */
export function publishDuplicated(count: number, wellFormed: number): void {
  if (duplicated.hasSubscribers) duplicated.publish({ count, wellFormed })
}

/** The start of a call, for `publishOperation`: a reading of the clock, or `undefined` when nobody asks for it. */
export function operationStart(): number | undefined {
  return operations.hasSubscribers ? performance.now() : undefined
}

/** A call that began at `start` has ended. */
export function publishOperation(
  operation: BackendOperation,
  start: number | undefined,
  outcome: 'ok' | 'fault',
): void {
  if (start === undefined || !operations.hasSubscribers) return
  const durationMs = performance.now() - start
  operations.publish({
    operation,
    startedAtMs: performance.timeOrigin + start,
    durationMs,
    outcome,
  })
}

// An error passes through more than one guard on its way up.
const told = new WeakSet<Error>()

/** The store failed. For one error it is said once, by whoever comes first. */
export function publishFault(operation: BackendOperation, error: Error): void {
  if (!faults.hasSubscribers || told.has(error)) return
  told.add(error)
  faults.publish({ operation, message: error.message, causeCode: codeOf(error.cause) })
}

function codeOf(cause: unknown): string | undefined {
  const code = (cause as { readonly code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : undefined
}

/** A sweep that began at `start`, a reading of `performance.now()`, has removed records. */
export function publishSwept(removed: number, start: number): void {
  if (!swept.hasSubscribers || removed === 0) return
  swept.publish({ removed, durationMs: performance.now() - start })
}
