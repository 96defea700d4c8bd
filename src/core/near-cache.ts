import { isPromise } from './awaitable.ts'
import type { Awaitable } from './backend.ts'
import { detached } from './key.ts'
import type { Handle, SecretHash } from './key.ts'
import type { SessionBackend } from './session-backend.ts'
import type { Store, StoredRecord, SubjectLimit } from './store.ts'
import { isAuthorised } from './stored-record.ts'

/** Options of the near cache of a backend: what it has read lately, kept in this process. */
export interface NearCacheOptions {
  /**
   * Seconds, or a part of one, from 0.001 to 60: for how long after it was asked for an answer of the store counts.
   * A logout, a new key or a value from another process is seen after that time at the latest.
   */
  readonly maxStaleness: number
  /** How many records it keeps, from 1 to 1,000,000; the oldest give way. Default: 10,000. */
  readonly maxRecords?: number | undefined
}

/** The two clocks of a machine: the monotonic one stands still while it sleeps, and the other one can be set. */
export interface MachineClocks {
  /** Milliseconds since some fixed moment; never goes back. */
  readonly monotonicMs: () => number
  /** Epoch milliseconds. */
  readonly wallMs: () => number
}

/** A store with a cache before it. */
export interface NearCache {
  readonly store: Store
  /** Makes the next read of the record, or of every record, go to the store: somebody else has changed it. */
  readonly forget: (recordId?: Handle) => void
}

interface Moment {
  readonly atMs: number
  readonly wallMs: number
}

interface Kept {
  readonly record: StoredRecord
  readonly asked: Moment
  readonly answeredAtMs: number
}

interface Flight {
  readonly asked: Moment
  readonly answer: Promise<StoredRecord | undefined>
}

const SHORTEST = 0.001
const LONGEST = 60
const RECORDS = 10_000
const MOST_RECORDS = 1_000_000

const MACHINE: MachineClocks = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }

/**
 * Accepts the option `nearCache` of a backend; `more` are the names of options of that backend's own in it.
 *
 * @throws TypeError when it is no object or has an option that it should not have.
 * @throws RangeError when a number is out of range.
 */
export function assertNearCache(options: NearCacheOptions, more: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('"nearCache" must be an object with a "maxStaleness"')
  }
  for (const option of Object.keys(options)) {
    if (!['maxStaleness', 'maxRecords', ...more].includes(option)) {
      throw new TypeError(`"nearCache" has no option "${option}"`)
    }
  }
  const { maxStaleness, maxRecords = RECORDS } = options
  const isSpan = typeof maxStaleness === 'number'
  if (!isSpan || !(maxStaleness >= SHORTEST && maxStaleness <= LONGEST)) {
    throw new RangeError(
      `"maxStaleness" must be a number of seconds from ${SHORTEST} to ${LONGEST}`,
    )
  }
  if (!Number.isInteger(maxRecords) || maxRecords < 1 || maxRecords > MOST_RECORDS) {
    throw new RangeError(`"maxRecords" must be a whole number from 1 to ${MOST_RECORDS}`)
  }
}

/** `SessionBackend.describePolicy` of a backend that `plain` says the rest of. */
export function describeNearCache(
  { maxStaleness }: NearCacheOptions,
  plain: Pick<SessionBackend, 'describePolicy'>,
): Pick<SessionBackend, 'describePolicy'> {
  const describe = plain.describePolicy.bind(plain)
  return { describePolicy: () => ({ ...describe(), maxStaleness }) }
}

/**
 * Puts a cache before `store`. It only ever says yes: a record that is live, has a value and takes the secret. Whatever
 * would refuse a session is the store's own answer to a question asked after the caller's. Reads of one record that
 * are under way at the same time are one, and an answer is kept for `maxStaleness` from the moment it was asked for.
 *
 * A write through this store is seen by every read after it: what is kept or being read goes before and after it.
 */
export function createNearCache(
  store: Store,
  { maxStaleness, maxRecords = RECORDS }: NearCacheOptions,
  { monotonicMs, wallMs }: MachineClocks = MACHINE,
): NearCache {
  const boundMs = maxStaleness * 1000
  const records = new Map<Handle, Kept>()
  const flights = new Map<Handle, Flight>()

  const momentNow = (): Moment => ({ atMs: monotonicMs(), wallMs: wallMs() })

  /** The longer by either clock, for a sleep of the machine counts. */
  function ageOf({ atMs, wallMs: then }: Moment): number {
    return Math.max(monotonicMs() - atMs, wallMs() - then)
  }

  /** A record that is kept, as of now, if it is good for whoever has the secret. */
  function kept(recordId: Handle, secretHash: SecretHash | undefined): StoredRecord | undefined {
    const found = records.get(recordId)
    if (found === undefined) return undefined
    const { record, asked, answeredAtMs } = found
    const ageMs = ageOf(asked)
    // The store's clock has been read after it was asked: it shows this much by now at the most, and may be extended.
    if (ageMs >= boundMs || record.nowMs + ageMs >= record.expiresAtMs) {
      records.delete(recordId)
      return undefined
    }
    // And before it has answered: so much at the least.
    const nowMs = record.nowMs + Math.floor(monotonicMs() - answeredAtMs)
    const now = { ...record, nowMs }
    return saysYes(now, secretHash) ? now : undefined
  }

  function keep(record: StoredRecord, asked: Moment): void {
    const recordId = detached(record.recordId)
    records.delete(recordId)
    records.set(recordId, { record: { ...record, recordId }, asked, answeredAtMs: monotonicMs() })
    for (const [oldest, { asked: then }] of records) {
      if (records.size <= maxRecords && ageOf(then) < boundMs) break
      records.delete(oldest)
    }
  }

  /** Asks the store. What it answers is kept unless somebody has written meanwhile, or asked later. */
  function fly(recordId: Handle): Awaitable<StoredRecord | undefined> {
    const asked = momentNow()
    const asking = store.read(recordId)
    if (!isPromise(asking)) {
      if (asking !== undefined) keep(asking, asked)
      return asking
    }
    const land = (record: StoredRecord | undefined): void => {
      if (flights.get(recordId) !== flight) return
      flights.delete(recordId)
      if (record !== undefined) keep(record, asked)
    }
    const answer = Promise.resolve(asking).then(
      (record) => {
        land(record)
        return record
      },
      (error: unknown) => {
        land(undefined)
        throw error
      },
    )
    const flight: Flight = { asked, answer }
    flights.set(recordId, flight)
    return answer
  }

  function read(recordId: Handle, secretHash?: SecretHash): Awaitable<StoredRecord | undefined> {
    const known = kept(recordId, secretHash)
    if (known !== undefined) return known
    const flight = flights.get(recordId)
    if (flight === undefined || ageOf(flight.asked) >= boundMs) return fly(recordId)
    return flight.answer.then((record) => {
      if (record !== undefined && saysYes(record, secretHash)) return record
      // A new session or a new key may have come after it was asked; what is under way now was asked later than the caller.
      return flights.get(recordId)?.answer ?? fly(recordId)
    })
  }

  function forget(recordId?: Handle): void {
    for (const known of [records, flights]) {
      if (recordId === undefined) known.clear()
      else known.delete(recordId)
    }
  }

  /** What is being read may be the subject's, too. */
  function forgetSubject(subject: string): void {
    for (const [recordId, { record }] of records) {
      if (record.security.subject === subject) records.delete(recordId)
    }
    flights.clear()
  }

  async function around<T>(forgetting: () => void, write: () => Awaitable<T>): Promise<T> {
    forgetting()
    try {
      return await write()
    } finally {
      // Whatever has become of it: a conflict, too, tells that what is known is old.
      forgetting()
    }
  }

  function forgetter(
    recordId: Handle,
    subject: string | null | undefined,
    limit: SubjectLimit | undefined,
  ): () => void {
    const evicts = limit?.maxPerSubject !== undefined && limit.atLimit === 'evict_oldest'
    return () => {
      forget(recordId)
      if (evicts && typeof subject === 'string') forgetSubject(subject)
    }
  }

  return {
    forget,
    store: {
      read,
      create: (record, limit) =>
        around(forgetter(record.recordId, record.subject, limit), () =>
          store.create(record, limit),
        ),
      update: (recordId, ...rest) =>
        around(
          () => forget(recordId),
          () => store.update(recordId, ...rest),
        ),
      touch: (recordId, ...rest) =>
        around(
          () => forget(recordId),
          () => store.touch(recordId, ...rest),
        ),
      updateSecurity: (recordId, change, securityVersion, limit) =>
        around(forgetter(recordId, change.subject, limit), () =>
          store.updateSecurity(recordId, change, securityVersion, limit),
        ),
      delete: (recordId, secretHash) =>
        around(
          () => forget(recordId),
          () => store.delete(recordId, secretHash),
        ),
      list: (subject) => store.list(subject),
      deleteSubject: (subject, except) =>
        around(forget, () => store.deleteSubject(subject, except)),
      deleteAll: () => around(forget, () => store.deleteAll()),
      // What it removes has expired, and is not shown any more.
      sweep: (limit) => store.sweep(limit),
    },
  }
}

function saysYes(record: StoredRecord, secretHash: SecretHash | undefined): boolean {
  return record.value !== null && (secretHash === undefined || isAuthorised(record, secretHash))
}
