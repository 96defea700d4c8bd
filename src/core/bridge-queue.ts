/** Puts the steps of one process in order, key by key. */
export interface BridgeQueue {
  /**
   * Runs `step` when every step before it on any of `keys` has ended, and before every later one. The places are
   * taken at once, for all keys together, so that two steps never wait for each other.
   */
  exclusive<T>(keys: readonly string[], step: () => Promise<T>): Promise<T>
  /** Runs `step` beside other shared ones on `key`, after the exclusive ones before it. */
  shared<T>(key: string, step: () => Promise<T>): Promise<T>
  /** How many keys have a step under way or waiting. */
  readonly size: number
}

interface Lane {
  /** Settles, and never rejects, when the last exclusive step has ended. */
  writing: Promise<unknown>
  /** The same for the shared steps since. */
  reading: Promise<unknown>
  /** Steps under way or waiting. The lane goes with the last of them. */
  steps: number
}

const DONE = Promise.resolve()

/** Makes an empty queue. A step that fails holds nobody up, and a key without steps takes no memory. */
export function createBridgeQueue(): BridgeQueue {
  const lanes = new Map<string, Lane>()

  function enter(key: string): Lane {
    let lane = lanes.get(key)
    if (lane === undefined) {
      lane = { writing: DONE, reading: DONE, steps: 0 }
      lanes.set(key, lane)
    }
    lane.steps++
    return lane
  }

  function leave(key: string, lane: Lane): void {
    lane.steps--
    if (lane.steps === 0) lanes.delete(key)
  }

  return {
    get size() {
      return lanes.size
    },

    exclusive(keys, step) {
      const own = [...new Set(keys)].map((key) => ({ key, lane: enter(key) }))
      const before = own.flatMap(({ lane }) => [lane.writing, lane.reading])
      const result = Promise.all(before).then(step)
      const ended = settled(result, () => own.forEach(({ key, lane }) => leave(key, lane)))
      for (const { lane } of own) {
        lane.writing = ended
        lane.reading = DONE
      }
      return result
    },

    shared(key, step) {
      const lane = enter(key)
      const result = lane.writing.then(step)
      const ended = settled(result, () => leave(key, lane))
      lane.reading = Promise.all([lane.reading, ended])
      return result
    },
  }
}

function settled(result: Promise<unknown>, then: () => void): Promise<void> {
  return result.then(then, then)
}

// Enough to hide a round trip, and few enough to leave an engine air.
const BATCH = 32

/** Runs `run` on every item, 32 at a time, and gives the results in the order of the items. */
export async function inBatches<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += BATCH) {
    results.push(...(await Promise.all(items.slice(at, at + BATCH).map(run))))
  }
  return results
}
