import { BackendError } from '../../core/errors.ts'
import type { Store } from '../../core/store.ts'
import { createTimeLimit } from '../../core/time-limit.ts'
import { createWriteNames, whole } from './arguments.ts'
import { createServerClock } from './clock.ts'
import type { ServerClock } from './clock.ts'
import { textOf } from './connection.ts'
import type { Connection, Send } from './connection.ts'
import { createKeyspace } from './keyspace.ts'
import { createLanes } from './lanes.ts'
import { createRead } from './read.ts'
import { DELETE, TOUCH } from './record-scripts.ts'
import { createScriptRunner } from './scripts.ts'
import { createSplitIndex } from './split-index.ts'
import type { Engine } from './subjects.ts'
import { createUpdate } from './updates.ts'
import { createWholeIndex } from './whole-index.ts'

/** What a store can be made with. */
export interface RedisStoreParts {
  readonly clock?: ServerClock
  /** For how many milliseconds a command without an answer holds up what waits behind it. Default: 5,000. */
  readonly patienceMs?: number
}

// What one step of `deleteAll` asks for: well under a millisecond of the server's time.
const SCAN_COUNT = '500'

/**
 * Makes the `Store` under `createRedisBackend`, by the server's clock. A read is a GET; a write is one script,
 * except that in a cluster one that names a subject is a step on the subject's index and then one on the record.
 */
export function createRedisStore(
  connection: Connection,
  prefix: string,
  { clock = createServerClock(), patienceMs = 5000 }: RedisStoreParts = {},
): Store {
  const keys = createKeyspace(prefix)
  const scripts = createScriptRunner(connection, clock)
  const names = createWriteNames()
  const engine: Engine = { connection, keys, scripts, names }
  const subjects = connection.cluster ? createSplitIndex(engine) : createWholeIndex(engine)
  const within = createTimeLimit(patienceMs)
  const inLane = createLanes(patienceMs)
  // A script on a record reaches its index only where there are no slots.
  const indexPrefix = connection.cluster ? '' : keys.index('')

  return {
    create: subjects.create,
    list: subjects.list,
    deleteSubject: subjects.deleteSubject,

    read: createRead(engine, clock, within),

    update: createUpdate(engine, inLane, within),

    updateSecurity: (recordId, change, securityVersion, limit) =>
      inLane(`s${recordId}`, async () =>
        subjects.updateSecurity(recordId, change, securityVersion, limit),
      ),

    async touch(recordId, secretHash, fromMs, toMs) {
      if (!Number.isFinite(fromMs) || !Number.isFinite(toMs)) return false
      const args = [secretHash, names.touch(), whole(fromMs), whole(toMs)]
      const [moved] = await scripts.run(TOUCH, [keys.record(recordId)], args)
      return moved === '1'
    },

    async delete(recordId, secretHash) {
      const args = [secretHash ?? '', recordId, indexPrefix]
      const [live] = await scripts.run(DELETE, [keys.record(recordId)], args)
      return live === '1'
    },

    async deleteAll() {
      let count = 0
      for (const send of await connection.masters()) {
        for await (const batch of scan(send, keys.pattern)) {
          const kinds = batch.map((key) => [key, keys.kindOf(key)] as const)
          const of = (kind: string) => kinds.filter((each) => each[1] === kind).map(([key]) => key)
          count += await unlink(connection, of('record'))
        }
      }
      // Not before the records are gone, and never as a whole: somebody may be entering one just now.
      for (const send of await connection.masters()) {
        for await (const batch of scan(send, keys.pattern)) {
          await subjects.heal(batch.filter((key) => keys.kindOf(key) === 'index'))
        }
      }
      return count
    },

    // The server removes what has expired, and each entry into an index takes some dead ones out.
    sweep: () => 0,
  }
}

async function* scan(send: Send, pattern: string): AsyncGenerator<string[]> {
  let cursor = '0'
  do {
    const reply = await send(['SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT])
    if (!Array.isArray(reply)) throw new BackendError('Redis gave no keys')
    const [next, found] = reply as unknown as readonly [unknown, readonly unknown[]]
    cursor = textOf(next)
    yield found.map(textOf)
  } while (cursor !== '0')
}

/** Deletes keys and counts those that were there. In a cluster, one by one: each may be in another slot. */
async function unlink(connection: Connection, keys: readonly string[]): Promise<number> {
  if (keys.length === 0) return 0
  if (!connection.cluster) return Number(await connection.command(undefined, ['UNLINK', ...keys]))
  const counts = await Promise.all(
    keys.map(async (key) => connection.command(key, ['UNLINK', key])),
  )
  return counts.reduce<number>((sum, count) => sum + Number(count), 0)
}
