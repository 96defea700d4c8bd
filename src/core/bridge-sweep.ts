import type { BridgeDocuments, BridgeEngine } from './bridge-engine.ts'
import { SLACK_MS } from './bridge-engine.ts'
import { inBatches } from './bridge-queue.ts'
import { decodeBridgeIndex, decodeBridgeRecord } from './bridge-record.ts'
import type { BridgeRecord } from './bridge-record.ts'
import { UnsupportedOperationError } from './errors.ts'
import { generateKey, handleOf } from './key.ts'
import type { Store } from './store.ts'
import { createTimeLimit } from './time-limit.ts'

/** What the sweep shares with the store that it is part of. */
export interface BridgeSweepParts extends Pick<Store, 'list'> {
  readonly clock: () => number
  readonly inTurn: <T>(keys: readonly string[], step: () => Promise<T>) => Promise<T>
  readonly timeoutMs: number
}

/**
 * The two operations of a bridge that go over all records. They need an engine that lists its keys: without, there
 * is nothing to sweep, and `deleteAll` rejects with `UnsupportedOperationError`.
 */
export function createBridgeSweep(
  engine: BridgeEngine,
  documents: BridgeDocuments,
  { clock, inTurn, timeoutMs, list }: BridgeSweepParts,
): Pick<Store, 'deleteAll' | 'sweep'> {
  const inTime = createTimeLimit(timeoutMs)
  let cursor: AsyncIterator<string> | undefined

  /** Removes the record under `key` if it is `due`; `undefined` when nothing was removed. */
  function removeRecord(
    key: string,
    due: (record: BridgeRecord | undefined) => boolean,
  ): Promise<{ record: BridgeRecord | undefined } | undefined> {
    return inTurn([key], async () => {
      const text = await documents.text(key)
      if (text === undefined) return undefined
      const record = attempt(() => decodeBridgeRecord(text))
      if (!due(record)) return undefined
      await documents.remove(key)
      return { record }
    })
  }

  /** Lists a subject for what that takes off its index. */
  async function checkIndex(key: string): Promise<void> {
    const text = await documents.text(key)
    const index = text === undefined ? undefined : attempt(() => decodeBridgeIndex(text))
    if (index !== undefined) await list(index.subject)
  }

  async function sweepKey(key: string): Promise<number> {
    if (key.startsWith('s-')) await checkIndex(key)
    if (!key.startsWith('r-')) return 0
    const removed = await removeRecord(
      key,
      (record) => record !== undefined && clock() >= record.expiresAtMs,
    )
    return removed === undefined ? 0 : 1
  }

  async function nextKey(keys: NonNullable<BridgeEngine['keys']>): Promise<string | undefined> {
    try {
      cursor ??= iterate(keys())
      const next = await inTime(cursor.next())
      if (next.done !== true) return next.value
      cursor = undefined
      return undefined
    } catch (error) {
      cursor = undefined
      throw error
    }
  }

  /** Every key, from an engine that has shown that it lists what it holds. */
  async function listKeys(): Promise<string[]> {
    const seen: string[] = []
    if (engine.keys === undefined) throw unlisted()
    // Some engines answer with an empty list for "I cannot".
    const probe = `p-${handleOf(generateKey())}`
    await documents.putText(probe, probe, SLACK_MS)
    try {
      for await (const key of engine.keys()) seen.push(key)
    } finally {
      await documents.remove(probe)
    }
    if (!seen.includes(probe)) throw unlisted()
    return seen
  }

  return {
    async deleteAll() {
      const keys = await listKeys()
      const records = keys.filter((key) => key.startsWith('r-'))
      const removed = await inBatches(records, async (key) => removeRecord(key, () => true))
      const nowMs = clock()
      // The indexes afterwards, and only what is empty of them: sessions may have begun meanwhile.
      await inBatches(
        keys.filter((key) => key.startsWith('s-')),
        checkIndex,
      )
      return removed.filter((each) => (each?.record?.expiresAtMs ?? nowMs) > nowMs).length
    },

    async sweep(limit) {
      if (engine.keys === undefined) return 0
      let removed = 0
      for (let looked = 0; looked < limit; looked++) {
        const key = await nextKey(engine.keys)
        if (key === undefined) break
        removed += await sweepKey(key)
      }
      return removed
    },
  }
}

function unlisted(): UnsupportedOperationError {
  return new UnsupportedOperationError(
    'the engine under this bridge does not list its keys, so it cannot end all sessions: clear the engine itself',
  )
}

async function* iterate(keys: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  yield* keys
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
