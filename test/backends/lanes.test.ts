import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createServerClock } from '../../src/backends/redis/clock.ts'
import type { Connection } from '../../src/backends/redis/connection.ts'
import { createLanes } from '../../src/backends/redis/lanes.ts'
import { createRedisStore } from '../../src/backends/redis/store.ts'
import type { Handle } from '../../src/index.ts'

const PATIENCE_MS = 100
const never = () => new Promise<never>(() => {})
const TOO_LATE = { code: 'ERR_SESSION_BACKEND' }

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** Lets a time pass, and what waits for it run. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
  // A time limit gives up after sockets have been read.
  await new Promise(setImmediate)
}

describe('createLanes', () => {
  it('does not begin what has waited for as long as its caller', async () => {
    const inLane = createLanes(PATIENCE_MS)
    const begun: string[] = []
    void inLane('a', never)
    const second = inLane('a', async () => void begun.push('second'))
    const refused = second.catch((error: unknown) => error)
    await pass(PATIENCE_MS)
    expect(await refused).toMatchObject(TOO_LATE)
    await inLane('a', async () => void begun.push('third'))
    expect(begun).toEqual(['third'])
  })

  it('begins what has waited for less', async () => {
    const inLane = createLanes(PATIENCE_MS)
    const begun: string[] = []
    void inLane('a', never)
    await pass(PATIENCE_MS / 2)
    const second = inLane('a', async () => void begun.push('second'))
    await pass(PATIENCE_MS / 2)
    await second
    expect(begun).toEqual(['second'])
  })
})

describe('an update of createRedisStore', () => {
  it('is not sent when its place comes after its caller has been told', async () => {
    const sent: string[] = []
    const connection: Connection = {
      cluster: false,
      command: (_key, command) => {
        sent.push(command.at(-1) ?? '')
        return never()
      },
      masters: async () => [],
    }
    const store = createRedisStore(connection, 'p:', {
      clock: createServerClock(),
      patienceMs: PATIENCE_MS,
    })
    const update = (n: number) =>
      Promise.resolve(store.update(`record ${n}` as Handle, 'hash' as never, { value: `v${n}` }))
    for (let n = 0; n < 4; n++) {
      void update(n).catch(() => {})
      await pass(0)
    }
    const fifth = update(5)
    const refused = fifth.catch((error: unknown) => error)
    await pass(2 * PATIENCE_MS)
    expect(await refused).toMatchObject(TOO_LATE)
    expect(sent).toHaveLength(4)
  })

  it('is not sent either when its lane and its place took too long together', async () => {
    const answers: ((reply: string) => void)[] = []
    const sent: string[] = []
    const connection: Connection = {
      cluster: false,
      command: (_key, command) =>
        new Promise((resolve) => {
          sent.push(command.at(-1) ?? '')
          answers.push(resolve)
        }),
      masters: async () => [],
    }
    const store = createRedisStore(connection, 'p:', {
      clock: createServerClock(),
      patienceMs: PATIENCE_MS,
    })
    const update = async (record: string, value: string): Promise<unknown> => {
      try {
        return await store.update(record as Handle, 'hash' as never, { value })
      } catch (error) {
        return error
      }
    }
    const first = update('one', 'first')
    const second = update('one', 'second')
    await pass(20)
    for (const record of ['two', 'three', 'four', 'five']) {
      void update(record, record)
      await pass(10)
    }
    // The place that this frees is for `five`, which asked before the lane opened.
    answers[0]?.('1000 ok:2:2000')
    expect(await first).toMatchObject({ ok: true, version: 2 })
    await pass(2 * PATIENCE_MS)
    expect(await second).toMatchObject(TOO_LATE)
    expect(sent).toEqual(['first', 'two', 'three', 'four', 'five'].map((value) => `+${value}`))
  })
})
