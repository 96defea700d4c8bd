import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { BackendError } from '../../src/index.ts'
import { startRedis } from '../servers/redis.ts'
import type { RedisServer } from '../servers/redis.ts'
import { DRIVERS, connectNodeRedis, newPrefix } from './redis/clients.ts'
import { monitor } from './redis/monitor.ts'

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at))

describe.each(DRIVERS)('updates that are asked for together ($name)', ({ connect }) => {
  let server: RedisServer
  let driver: Awaited<ReturnType<typeof connect>>

  beforeAll(async () => {
    server = await startRedis()
    driver = await connect(server.url)
  })

  afterAll(async () => {
    await driver?.close()
    await server?.stop()
  })

  /** A backend, and sessions in it. */
  async function openWith(count: number) {
    const prefix = newPrefix()
    const backend = createRedisBackend(driver.client, { prefix })
    // The scripts are known to the server from then on.
    const first = await backend.generate({ value: 'old' })
    await backend.set(first, 'old')
    const others = times(count - 1, () => backend.generate({ value: 'old' }))
    const keys = [first, ...(await Promise.all(others))]
    return { backend, keys, prefix }
  }

  it('are one script for up to 32 of them', async () => {
    const { backend, keys } = await openWith(70)
    const watch = await monitor(server.url)
    await watch.sent()
    const results = await Promise.all(keys.map((key, at) => backend.set(key, `value ${at}`)))
    expect((await watch.sent()).filter((name) => name === 'EVALSHA')).toHaveLength(3)
    watch.close()
    expect(results.map((result) => result.ok && result.version)).toEqual(
      times(70, (at) => (at === 0 ? 3 : 2)),
    )
    const found = await Promise.all(keys.map((key) => backend.get(key)))
    expect(found.map((each) => each.ok && each.value)).toEqual(times(70, (at) => `value ${at}`))
  })

  it('have an outcome each', async () => {
    const { backend, keys } = await openWith(6)
    const [, second = '', third = '', fourth = '', fifth = '', sixth = ''] = keys
    await backend.clear(second)
    const outcomes = await Promise.all([
      backend.set(second, 'new'),
      backend.set(third, 'new', { version: 7 }),
      backend.set(fourth, 'new', { version: 1 }),
      backend.set(fifth, undefined, { expiry: 30 }),
      backend.set(`${sixth.slice(0, -1)}${sixth.endsWith('A') ? 'E' : 'A'}`, 'new'),
      backend.set(sixth, 'new'),
    ])
    expect(outcomes).toEqual([
      { ok: false, reason: 'not_found' },
      { ok: false, reason: 'conflict' },
      { ok: true, version: 2, period: 604_800 },
      { ok: true, version: 1, period: 30 },
      { ok: false, reason: 'not_found' },
      { ok: true, version: 2, period: 604_800 },
    ])
    expect(await backend.get(third)).toMatchObject({ value: 'old', version: 1 })
    expect(await backend.get(fifth)).toMatchObject({ value: 'old', version: 1 })
  })

  it('do not suffer by a fault of another, which its own caller is told of', async () => {
    const { backend, keys, prefix } = await openWith(40)
    const other = await connectNodeRedis(server.url)
    const [first = '', second = ''] = keys.slice(3)
    const names = await other.client.keys(`${prefix}*`)
    const nameOf = (key: string) =>
      names.find((name) => name.includes(key.split('.')[0] ?? '')) ?? ''
    await other.client.set(nameOf(first), 'no record')
    await other.client.del(nameOf(second))
    await other.client.hSet(nameOf(second), 'no', 'string')
    const results = await Promise.allSettled(keys.map((key) => backend.set(key, 'new')))
    await other.close()
    const faults = results.flatMap((result, at) => (result.status === 'rejected' ? [at] : []))
    expect(faults).toEqual([3, 4])
    const [wrong, type] = results.slice(3).map((result) => 'reason' in result && result.reason)
    expect(wrong).toBeInstanceOf(BackendError)
    expect(String((wrong as Error).cause)).toContain('no record that this version can read')
    expect(String((type as Error).cause)).toContain('WRONGTYPE')
    const rest = results.toSpliced(3, 2) as PromiseFulfilledResult<unknown>[]
    expect(rest.every(({ value }) => (value as { ok: boolean }).ok)).toBe(true)
  })

  it('count every increment, of one session and of many', async () => {
    const { backend, keys } = await openWith(20)
    const [first = ''] = keys
    const all = [...times(20, () => first), ...keys]
    const results = await Promise.all(all.map((key) => backend.set(key, 'new')))
    const versions = new Set(results.slice(0, 21).map((result) => result.ok && result.version))
    expect(versions).toEqual(new Set(times(21, (at) => at + 3)))
    expect(await backend.get(first)).toMatchObject({ version: 23 })
  })

  it('go alone where they leave the value, which may be long, as it is', async () => {
    const { backend, keys } = await openWith(4)
    const watch = await monitor(server.url)
    await watch.sent()
    await Promise.all(keys.map((key) => backend.set(key, undefined, { expiry: 30 })))
    expect((await watch.sent()).filter((name) => name === 'EVALSHA')).toHaveLength(4)
    watch.close()
  })

  it('go alone where a value is long', async () => {
    const { backend, keys } = await openWith(4)
    const watch = await monitor(server.url)
    await watch.sent()
    const long = 'é'.repeat(20_000)
    await Promise.all(keys.map((key, at) => backend.set(key, at < 2 ? long : 'short')))
    expect((await watch.sent()).filter((name) => name === 'EVALSHA')).toHaveLength(3)
    watch.close()
    expect(await backend.get(keys[1] ?? '')).toMatchObject({ value: long })
  })
})
