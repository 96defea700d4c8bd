import type { Awaitable } from '../../core/backend.ts'
import { BackendError } from '../../core/errors.ts'
import { createGather } from '../../core/gather.ts'
import type { Store, UpdateResult } from '../../core/store.ts'
import { tooLate } from '../../core/time-limit.ts'
import type { TimeLimit } from '../../core/time-limit.ts'
import { versionText, whole } from './arguments.ts'
import type { InLane } from './lanes.ts'
import { bodyOf } from './record.ts'
import { BLANK, FAULT, UPDATE } from './record-scripts.ts'
import type { Engine } from './subjects.ts'

// As many as for reads: more would only be smaller, and of a pool some connections may hang.
const FLIGHTS = 4
// The price of a script has been shared by then, and no other client waits for it much longer than a millisecond.
const MOST = 32
// A longer value costs what it costs, whoever comes along.
const LONGEST_TOGETHER = 16_384

/** One update: the key of its record, and the arguments of the script for it, before and after its name. */
interface Change {
  readonly key: string
  readonly secretHash: string
  readonly rest: readonly string[]
  /** Until when it may be sent, by `performance.now()`: whoever has been told that it was not is to be right. */
  readonly untilMs: number
}

/**
 * Makes `Store.update`. What is asked for in one go, or while as many scripts as allowed are on their way, goes by one
 * script; each record gets its own outcome, and a fault of one is no other's. In a cluster records are in different
 * slots, and each has its own script.
 */
export function createUpdate(
  { connection, keys, scripts, names }: Engine,
  inLane: InLane,
  within: TimeLimit,
): Store['update'] {
  async function together(changes: readonly Change[]): Promise<readonly Awaitable<UpdateResult>[]> {
    const askedMs = performance.now()
    const inTime = changes.filter(({ untilMs }) => askedMs < untilMs)
    const results = inTime.length > 0 ? await written(inTime) : new Map<Change, never>()
    return changes.map((change) => results.get(change) ?? Promise.reject(tooLate(within.ms)))
  }

  async function written(
    changes: readonly Change[],
  ): Promise<ReadonlyMap<Change, Awaitable<UpdateResult>>> {
    const [nowMs, ...outcomes] = await scripts.runTimed(
      UPDATE,
      changes.map(({ key }) => key),
      changes.flatMap(({ secretHash, rest }) => [secretHash, names.next('v'), ...rest]),
    )
    if (outcomes.length !== changes.length) {
      throw new BackendError('Redis gave no outcome for each update')
    }
    return new Map(
      changes.map((change, at) => [change, resultOf(Number(nowMs), outcomes[at] as string)]),
    )
  }

  async function alone(change: Change): Promise<UpdateResult> {
    const [result] = await together([change])
    return result as UpdateResult
  }

  const inCompany = connection.cluster
    ? alone
    : createGather(together, { flights: FLIGHTS, most: MOST, within, apart: true })

  return async (recordId, secretHash, { value, idleMs }, version) => {
    const untilMs = performance.now() + within.ms
    const body = value === undefined ? '' : bodyOf(value)
    const rest = [
      version === undefined ? '' : versionText(version),
      idleMs === undefined ? '' : whole(idleMs),
      body,
    ]
    // Without a new value, the script puts back what is there, however long that is.
    const isShort = value !== undefined && body.length <= LONGEST_TOGETHER
    const send = isShort ? inCompany : alone
    return inLane(`v${recordId}`, async () =>
      send({ key: keys.record(recordId), secretHash, rest, untilMs }),
    )
  }
}

function resultOf(nowMs: number, outcome: string): Awaitable<UpdateResult> {
  if (outcome.startsWith(FAULT)) {
    return Promise.reject(new Error(outcome.slice(FAULT.length).replaceAll(BLANK, ' ')))
  }
  const [what, version, expiresAt] = outcome.split(':')
  if (what !== 'ok') return { ok: false, reason: what === 'conflict' ? what : 'gone' }
  return { ok: true, version: Number(version), expiresAtMs: Number(expiresAt), nowMs }
}
