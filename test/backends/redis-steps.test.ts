// In a cluster a login is two steps, and anything may happen between them. Here it does, on one server that is used
// as a cluster is.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { creationArguments, createWriteNames } from '../../src/backends/redis/arguments.ts'
import { createServerClock } from '../../src/backends/redis/clock.ts'
import { connectionOf } from '../../src/backends/redis/connection.ts'
import type { Connection } from '../../src/backends/redis/connection.ts'
import { createKeyspace } from '../../src/backends/redis/keyspace.ts'
import { indexNameOf } from '../../src/backends/redis/record.ts'
import { createScriptRunner } from '../../src/backends/redis/scripts.ts'
import { createRedisStore } from '../../src/backends/redis/store.ts'
import { ADMITTING_APART, ENTER } from '../../src/backends/redis/subject-scripts.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'
import { connectNodeRedis, newPrefix } from './redis/clients.ts'

const LIMIT = { ok: false, reason: 'limit' }
const refuse = { maxPerSubject: 1, atLimit: 'refuse' } as const
const MINUTE_MS = 60_000

let node: Awaited<ReturnType<typeof connectNodeRedis>>

beforeAll(async () => {
  node = await connectNodeRedis(inject('redisUrl'))
})

afterAll(() => node?.close())

function createSplit() {
  const prefix = newPrefix()
  const connection: Connection = { ...connectionOf(node.client), cluster: true }
  const keys = createKeyspace(prefix)
  const name = indexNameOf('ann')
  const scripts = createScriptRunner(connection, createServerClock())
  const store = createRedisStore(connection, prefix)
  const names = createWriteNames()
  /** The first step of a login, as a process does it that dies after it. */
  async function enter(recordId: string): Promise<number> {
    const args = [recordId, '', '', String(MINUTE_MS)]
    const [, enteredAt] = await scripts.run(ENTER, [keys.index(name)], args)
    return Number(enteredAt)
  }
  /** The second, of a record that was entered then; the same record is the same write. */
  function createSecond(record: ReturnType<typeof draft>) {
    const args = creationArguments(record, names.next('s'))
    const { recordId } = record
    return async (enteredAt: number) => {
      const marked = [keys.record(recordId), keys.mark(recordId, name)]
      const all = [String(enteredAt), '', '', ...args]
      return (await scripts.run(ADMITTING_APART.create, marked, all))[0]
    }
  }
  return { connection, prefix, store, index: keys.index(name), enter, createSecond }
}

describe('a login in a cluster, between its two steps', () => {
  it('counts against a bound, and shows in no list', async () => {
    const { store, index, enter } = createSplit()
    const { recordId } = draft()
    await enter(recordId)
    expect(await store.create(draft({ subject: 'ann' }), refuse)).toEqual(LIMIT)
    expect(await store.list('ann')).toEqual([])
    expect(await node.client.zRange(index, 0, -1)).toEqual([recordId])
    await node.client.del(index)
  })

  it('is younger than all that were entered before it, also within one millisecond', async () => {
    const { index, enter } = createSplit()
    const ids = Array.from({ length: 20 }, () => draft().recordId)
    // Each once more, so that some are entered when their own time has not come yet.
    const entered = await Promise.all([...ids, ...ids, draft().recordId].map(enter))
    expect(entered).toEqual(entered.toSorted((a, b) => a - b))
    expect(new Set(entered).size).toBe(entered.length)
    // A time that a wrong clock has left is nobody's.
    const last = entered.at(-1) ?? 0
    await node.client.zAdd(index, { score: last + 2 * MINUTE_MS, value: ids[0]! })
    expect(await enter(draft().recordId)).toBeLessThan(last + MINUTE_MS)
    await node.client.del(index)
  })

  it('counts no longer than ten minutes, when the process has died', async () => {
    const { store, index, enter } = createSplit()
    const { recordId } = draft()
    const enteredAt = await enter(recordId)
    await node.client.zAdd(index, { score: enteredAt - 9 * MINUTE_MS, value: recordId })
    expect(await store.create(draft({ subject: 'ann' }), refuse)).toEqual(LIMIT)
    await node.client.zAdd(index, { score: enteredAt - 10 * MINUTE_MS - 1, value: recordId })
    expect(await store.create(draft({ subject: 'ann' }), refuse)).toMatchObject({ ok: true })
    expect(await node.client.zCard(index)).toBe(1)
    await store.deleteAll()
  })

  it('is refused when it goes on more than a minute later', async () => {
    const { store, enter, createSecond } = createSplit()
    const late = draft({ subject: 'ann' })
    const enteredAt = await enter(late.recordId)
    const second = createSecond(late)
    expect(await second(enteredAt - MINUTE_MS - 1)).toBe('late')
    expect(await store.read(late.recordId)).toBeUndefined()
    expect(await second(enteredAt)).toBe('ok')
    expect(await store.list('ann')).toHaveLength(1)
    await store.deleteAll()
  })

  it('is not missed by a sign-out everywhere that comes after it, and outlives one that came before', async () => {
    const { store, enter, createSecond } = createSplit()
    const record = draft({ subject: 'ann' })
    const enteredAt = await enter(record.recordId)
    expect(await store.deleteSubject('ann')).toBe(0)
    expect(await createSecond(record)(enteredAt)).toBe('ok')
    expect(await store.list('ann')).toHaveLength(1)
    expect(await store.deleteSubject('ann')).toBe(1)
    expect(await store.read(record.recordId)).toBeUndefined()
  })

  it('is done once, and brings nothing back when it is sent again after a logout', async () => {
    const { store, enter, createSecond } = createSplit()
    const record = draft({ subject: 'ann' })
    const enteredAt = await enter(record.recordId)
    const second = createSecond(record)
    expect(await second(enteredAt)).toBe('ok')
    expect(await second(enteredAt)).toBe('ok')
    expect(await store.delete(record.recordId)).toBe(true)
    expect(await second(enteredAt)).toBe('late')
    expect(await store.read(record.recordId)).toBeUndefined()
  })
})

describe('logins at once in a cluster that evict the oldest', () => {
  const evict = { maxPerSubject: 1, atLimit: 'evict_oldest' } as const

  it('leave one, the last to be entered, whichever has its record first', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { connection, prefix, store, index } = createSplit()
      // Holds back each login before its second step.
      const held: (() => void)[] = []
      const holding: Connection = {
        ...connection,
        async command(key, args) {
          if (args[1] === ADMITTING_APART.create.sha || args[1] === ADMITTING_APART.create.source) {
            if (!args[0]?.endsWith('SHA')) return connection.command(key, args)
            await new Promise<void>((resolve) => held.push(resolve))
          }
          return connection.command(key, args)
        },
      }
      const holder = createRedisStore(holding, prefix)
      const records = [draft({ subject: 'ann' }), draft({ subject: 'ann' })]
      const logins: Promise<unknown>[] = []
      for (const [at, record] of records.entries()) {
        logins.push(Promise.resolve(holder.create(record, evict)))
        await expect.poll(() => held.length).toBe(at + 1)
      }
      const [last] = (await node.client.zRange(index, -1, -1)) ?? []
      for (const at of order) {
        held[at]?.()
        expect(await logins[at]).toMatchObject({ ok: true })
      }
      expect(await store.list('ann')).toMatchObject([{ recordId: last }])
      await store.deleteAll()
    }
  })

  it('leave as many as there may be, and no fewer', async () => {
    const { store } = createSplit()
    const three = { ...evict, maxPerSubject: 3 }
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 6 }, async () => store.create(draft({ subject: 'ann' }), three)),
      )
      expect(await store.list('ann')).toHaveLength(3)
    }
    await store.deleteAll()
  })
})
