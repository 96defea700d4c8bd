import type { Awaitable } from '../../core/backend.ts'
import { BackendError } from '../../core/errors.ts'
import { createGather } from '../../core/gather.ts'
import type { Handle } from '../../core/key.ts'
import type { StoredRecord } from '../../core/store.ts'
import type { TimeLimit } from '../../core/time-limit.ts'
import type { ServerClock } from './clock.ts'
import { textOf } from './connection.ts'
import type { Connection } from './connection.ts'
import { parseRecord } from './record.ts'
import { PROBE } from './record-scripts.ts'
import type { Engine } from './subjects.ts'

/** Reads one live record, within the time limit; several that are asked for at once, by one command. */
export type Read = (recordId: Handle) => Promise<StoredRecord | undefined>

// The commands of a connection are answered one after the other: more of them than keep the server busy only have it
// look at fewer keys in each.
const FLIGHTS = 4
// Its price has been shared by then, and no other client waits long for it.
const MOST = 32

/**
 * Makes a `Read` by GET alone, or by MGET for several. What these return is live by the server's word, so the clock is
 * only for telling how long it still is: it is learned from the scripts, and now and then from TIME, which is sent
 * beside a GET in one packet. In a cluster, keys are in different slots, and each has its own GET.
 *
 * MGET answers null for a key of another type, where GET is an error. It reads as absent then: nobody but who writes
 * to Redis under this backend's prefix can bring it about, and to tell it from a miss would cost each miss a trip.
 */
export function createRead(engine: Engine, clock: ServerClock, within: TimeLimit): Read {
  const { connection, keys } = engine
  const askTime = createClockReading(engine, clock, within)

  /** What is under these keys. The answer to a single GET is no list. */
  async function textsOf(names: readonly string[]): Promise<readonly unknown[]> {
    const [first = ''] = names
    const one = names.length === 1
    const asked = connection.command(first, [one ? 'GET' : 'MGET', ...names])
    // With the time beside it, where that is not known.
    const reply = await (clock.fresh
      ? asked
      : Promise.all([asked, askTime(first)]).then(([it]) => it))
    if (one) return [reply]
    if (!Array.isArray(reply)) throw new BackendError('Redis gave no answer to each key')
    return reply
  }

  async function readMany(
    ids: readonly Handle[],
  ): Promise<readonly Awaitable<StoredRecord | undefined>[]> {
    const texts = await textsOf(ids.map((id) => keys.record(id)))
    const nowMs = clock.now()
    return texts.map((text, at) => {
      try {
        return recordOf(ids[at] as Handle, text, nowMs)
      } catch (error) {
        return Promise.reject(error)
      }
    })
  }

  async function readOne(id: Handle): Promise<StoredRecord | undefined> {
    const [record] = await readMany([id])
    return record
  }

  function recordOf(
    recordId: Handle,
    text: unknown,
    now: number,
  ): Awaitable<StoredRecord | undefined> {
    if (text === null || text === undefined) return undefined
    const record = parseRecord(recordId, textOf(text), now)
    const { createdAtMs, expiresAtMs, nowMs } = record
    if (nowMs >= createdAtMs && nowMs < expiresAtMs) return record
    if (clock.earliest() < expiresAtMs) {
      // Within the bounds of what is known of the clock, the server's word counts.
      return { ...record, nowMs: Math.max(createdAtMs, Math.min(nowMs, expiresAtMs - 1)) }
    }
    return confirmed(engine, record)
  }

  if (connection.cluster) return (recordId) => within(readOne(recordId))
  return createGather(readMany, { flights: FLIGHTS, most: MOST, within })
}

/** A record that should be gone: somebody has taken its expiry away, or another server has another clock. */
async function confirmed(
  { keys, scripts }: Engine,
  record: StoredRecord,
): Promise<StoredRecord | undefined> {
  const [nowMs, , ...header] = await scripts.runTimed(PROBE, [keys.record(record.recordId)], [])
  if (header.length === 0) return undefined
  // Between the two it may have been written, and then its expiry has moved: what was read was live.
  return { ...record, nowMs: Math.min(Number(nowMs), record.expiresAtMs - 1) }
}

/** A look at the server's clock, which reads at the same time share. One that is never answered is shared for so long only. */
function createClockReading(
  { connection, scripts }: Engine,
  clock: ServerClock,
  within: TimeLimit,
): (key: string) => Promise<unknown> {
  // In a cluster, of the master that has the record: of another, it would say little and might not be had.
  if (connection.cluster) return (key) => scripts.runTimed(PROBE, [key], [])
  let asking: Promise<void> | undefined
  return () => {
    asking ??= within(sampleTime(connection, clock)).finally(() => {
      asking = undefined
    })
    return asking
  }
}

async function sampleTime(connection: Connection, clock: ServerClock): Promise<void> {
  const sentAt = performance.now()
  const reply = await connection.command(undefined, ['TIME'])
  if (!Array.isArray(reply)) throw new BackendError('Redis gave no time')
  const [seconds, micros] = reply as readonly unknown[]
  clock.learn(Number(textOf(seconds)) * 1000 + Math.floor(Number(textOf(micros)) / 1000), sentAt)
}
