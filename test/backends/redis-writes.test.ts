// What a record keeps of the writes to it, and what a write does with a record that is not as usual.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createServerClock } from '../../src/backends/redis/clock.ts'
import { connectionOf } from '../../src/backends/redis/connection.ts'
import { createKeyspace } from '../../src/backends/redis/keyspace.ts'
import { TOUCH, UPDATE } from '../../src/backends/redis/record-scripts.ts'
import { createScriptRunner } from '../../src/backends/redis/scripts.ts'
import { createRedisStore } from '../../src/backends/redis/store.ts'
import { created } from '../../src/testing/store-contract/draft.ts'
import { connectNodeRedis, newPrefix } from './redis/clients.ts'

let node: Awaited<ReturnType<typeof connectNodeRedis>>

beforeAll(async () => {
  node = await connectNodeRedis(inject('redisUrl'))
})

afterAll(() => node?.close())

/** A record, and writes to it that have names of one's own choice, as when a driver sends one again. */
async function openRecord(changes: Parameters<typeof created>[1] = {}) {
  const prefix = newPrefix()
  const connection = connectionOf(node.client)
  const scripts = createScriptRunner(connection, createServerClock())
  const store = createRedisStore(connection, prefix)
  const record = await created(store, changes)
  const { recordId, secretHash } = record
  const key = createKeyspace(prefix).record(recordId)
  return {
    key,
    record,
    store,
    /** The outcome of an update without its expiry: `ok:<version>`, `conflict` or `gone`. */
    update: async (name: string, version: number | '', value = 'next', idle = '') => {
      const [outcome = ''] = await scripts.run(
        UPDATE,
        [key],
        [secretHash, name, `${version}`, idle, `+${value}`],
      )
      return outcome.replace(/:\d+$/, '')
    },
    touch: async (name: string, fromMs: number, toMs: number) => {
      const [moved] = await scripts.run(TOUCH, [key], [secretHash, name, `${fromMs}`, `${toMs}`])
      return moved
    },
    /** The writers that the record keeps in mind, the latest first. */
    kept: async () => {
      const [line = ''] = ((await node.client.get(key)) ?? '').split('\n')
      return (line.split(' ').at(-1) ?? '').split(',').map((entry) => entry.split(':')[0])
    },
    /** Makes what it keeps in mind older, of all writers or of one. */
    age: async (ms: number, writer = '[a-z0-9-]+') => {
      const text = (await node.client.get(key)) ?? ''
      const entry = new RegExp(`(${writer}:[a-z0-9]+:\\d+:)(\\d{13})\\b`, 'g')
      const older = (_: string, what: string, at: string) => `${what}${Number(at) - ms}`
      await node.client.set(key, text.replaceAll(entry, older), { KEEPTTL: true })
    },
  }
}

const nameOf = (writer: number, serial: number) => `writer-${writer}-xxxxv:${serial}:`
const writerOf = (writer: number) => nameOf(writer, 0).slice(0, -3)

describe('the writes that a record keeps in mind', () => {
  it('are the last of each writer, of eight, the latest first', async () => {
    const { update, kept } = await openRecord()
    for (let writer = 1; writer <= 9; writer++) {
      expect(await update(nameOf(writer, 1), writer)).toBe(`ok:${writer + 1}`)
    }
    expect(await kept()).toEqual([9, 8, 7, 6, 5, 4, 3, 2].map(writerOf))
    // Sent again, each says what it did and does nothing; the one that is forgotten is as conditional as any.
    for (let writer = 2; writer <= 9; writer++) {
      expect(await update(nameOf(writer, 1), writer)).toBe(`ok:${writer + 1}`)
    }
    expect(await update(nameOf(1, 1), 1)).toBe('conflict')
    expect(await update(nameOf(5, 2), 10)).toBe('ok:11')
    expect(await kept()).toEqual([5, 9, 8, 7, 6, 4, 3, 2].map(writerOf))
    expect(await update(nameOf(5, 1), 5)).toBe('conflict')
    expect(await update(nameOf(5, 2), 10)).toBe('ok:11')
  })

  it('do not take one number for another that begins like it', async () => {
    const { update } = await openRecord()
    expect(await update(nameOf(1, 12), 1)).toBe('ok:2')
    expect(await update(nameOf(1, 1), '')).toBe('ok:3')
    expect(await update(nameOf(1, 12), 1)).toBe('conflict')
  })

  it('are those of the last minute', async () => {
    const { update, kept, age } = await openRecord()
    await update(nameOf(1, 1), 1)
    await age(55_000)
    await update(nameOf(2, 1), 2)
    expect((await kept()).slice(0, 2)).toEqual([2, 1].map(writerOf))
    await age(5001)
    await update(nameOf(3, 1), 3)
    expect(await kept()).toEqual([3, 2].map(writerOf))
  })

  it('are those of the last minute also where the clock went back and came again', async () => {
    const { update, kept, age } = await openRecord()
    await update(nameOf(1, 1), 1)
    await update(nameOf(2, 1), 2)
    await age(61_000, writerOf(2))
    await update(nameOf(3, 1), 3)
    expect((await kept()).slice(0, 2)).toEqual([3, 1].map(writerOf))
    expect(await update(nameOf(1, 1), 1)).toBe('ok:2')
  })
})

describe('a write to a record in Redis', () => {
  it('leaves all of it that is not its own as it was', async () => {
    const labels = `{"agent":"${'x '.repeat(2000)}"}`
    const { record, store, update, touch } = await openRecord({
      subject: 'ann of\n"y"',
      labels,
      extra: 'a\u0000b ~',
      authenticated: true,
    })
    const before = await store.read(record.recordId)
    expect(await update(nameOf(1, 1), 1, 'a \n b', '30000')).toBe('ok:2')
    const after = await store.read(record.recordId)
    const { expiresAtMs = 0, nowMs = 0 } = after ?? {}
    const changed = { value: 'a \n b', version: 2, idleMs: 30_000, expiresAtMs, nowMs }
    expect(after).toEqual({ ...before, ...changed })
    expect(before?.security.labels).toBe(labels)
    const name = 'touch'.padStart(20, '0')
    expect(await touch(name, expiresAtMs, expiresAtMs + 9)).toBe('1')
    expect(await touch(name, expiresAtMs, expiresAtMs + 99)).toBe('1')
    expect(await store.read(record.recordId)).toMatchObject({ expiresAtMs: expiresAtMs + 9 })
    expect(await update(nameOf(1, 2), 2)).toBe('ok:3')
    expect(await touch(name, expiresAtMs, expiresAtMs + 999)).toBe('1')
    expect(await touch(name.replace('0', '1'), expiresAtMs, expiresAtMs + 999)).toBe('0')
  })

  it('ends at the deadline, to the millisecond', async () => {
    const { key, record, store, update } = await openRecord({ absoluteMs: 30_000 })
    await update(nameOf(1, 1), 1)
    const { deadlineMs, expiresAtMs } = (await store.read(record.recordId)) ?? {}
    expect(expiresAtMs).toBe(deadlineMs)
    // Redis ends a key after the moment it is given.
    expect(await node.client.pExpireTime(key)).toBe((deadlineMs ?? 0) - 1)
  })

  it('is a fault where something else has the key', async () => {
    const { key, update, touch } = await openRecord()
    const newer = `${'0'.repeat(16)} ${'0'.repeat(20)} 2 1 1 1 1 1 h - - - - - - - w\n-`
    const short = `${'9'.repeat(16)} ${'t'.repeat(20)} 1 1 1 1 9000000000000000 1 h - - - -\n+a b c d e f g h`
    const endless = `${'9'.repeat(16)} ${'t'.repeat(20)} 1 1 1 1 9000000000000000 1 h - - - - - - - w`
    for (const text of ['x', newer, short, endless]) {
      await node.client.set(key, text)
      await expect(update(nameOf(1, 1), 1)).rejects.toBeInstanceOf(Error)
      expect(await node.client.get(key)).toBe(text)
    }
    for (const text of ['x', newer]) {
      await node.client.set(key, text)
      await expect(touch('t'.repeat(20), 1, 2)).rejects.toBeInstanceOf(Error)
      expect(await node.client.get(key)).toBe(text)
    }
    await node.client.set(key, '')
    expect(await update(nameOf(1, 1), 1)).toBe('gone')
    expect(await touch('t'.repeat(20), 1, 2)).toBe('0')
  })
})
