import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { connectionOf } from '../../src/backends/redis/connection.ts'
import { createRedisStore } from '../../src/backends/redis/store.ts'
import { BackendError } from '../../src/index.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'
import { startRedis } from '../servers/redis.ts'
import type { RedisServer } from '../servers/redis.ts'
import { connectIoRedis, connectNodeRedis, DRIVERS, newPrefix } from './redis/clients.ts'

let server: RedisServer
let node: Awaited<ReturnType<typeof connectNodeRedis>>
let warnings: (Error & { code?: string })[] = []

function keepWarning(warning: Error): void {
  warnings.push(warning)
}

beforeAll(async () => {
  server = await startRedis()
  node = await connectNodeRedis(server.url)
  process.on('warning', keepWarning)
})

afterAll(async () => {
  process.off('warning', keepWarning)
  await node?.close()
  await server?.stop()
})

afterEach(async () => {
  await setting('noeviction', '0')
  await node.client.flushAll()
})

async function setting(policy: string, maxmemory: string): Promise<void> {
  await node.client.configSet({ 'maxmemory-policy': policy, maxmemory })
}

/** The warnings about eviction that two operations of a new backend bring. */
async function warningsOf(options = {}): Promise<string[]> {
  warnings = []
  const backend = createRedisBackend(node.client, { prefix: newPrefix(), ...options })
  await backend.generate({ value: 'a' })
  await backend.list('ann')
  // What was asked before is answered before, and a warning is emitted at the next tick.
  await node.client.ping()
  await new Promise(setImmediate)
  return warnings
    .filter(({ code }) => code === 'SOJOURN_REDIS_EVICTION')
    .map((each) => each.message)
}

describe('createRedisBackend on a server that evicts', () => {
  it.each([
    ['allkeys-lru', '0'],
    ['allkeys-random', '100mb'],
    ['volatile-lru', '100mb'],
    ['volatile-ttl', '100mb'],
  ])('warns once of %s with a maxmemory of %s', async (policy, maxmemory) => {
    await setting(policy, maxmemory)
    const messages = await warningsOf()
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(policy)
    expect(messages[0]).toContain('noeviction')
    expect(messages[0]).not.toContain(String(server.port))
  })

  it.each([
    ['noeviction', '100mb'],
    ['noeviction', '0'],
    ['volatile-lru', '0'],
  ])('says nothing of %s with a maxmemory of %s', async (policy, maxmemory) => {
    await setting(policy, maxmemory)
    expect(await warningsOf()).toEqual([])
  })

  it('says nothing where it is told to ignore it', async () => {
    await setting('allkeys-lru', '0')
    expect(await warningsOf({ onEviction: 'ignore' })).toEqual([])
  })

  it('refuses every operation until the setting is changed, where it is told to', async () => {
    await setting('allkeys-lru', '100mb')
    const backend = createRedisBackend(node.client, { prefix: newPrefix(), onEviction: 'refuse' })
    const operations = [
      () => backend.generate(),
      () => backend.list('ann'),
      () => backend.clearAll(),
    ]
    for (const operation of operations) {
      const error = await operation().catch((error: unknown) => error)
      expect(error).toBeInstanceOf(BackendError)
      expect((error as Error).message).toContain('allkeys-lru')
    }
    expect(await node.client.dbSize()).toBe(0)
    await setting('noeviction', '100mb')
    const key = await backend.generate({ value: 'a' })
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
  })

  it('needs no rights but those that the documentation lists', async () => {
    const page = readFileSync(new URL('../../docs/backends.md', import.meta.url), 'utf8')
    const listed = /A user for this backend needs (.*?); all of its keys/s.exec(page)?.[1] ?? ''
    const rights = Array.from(listed.matchAll(/`([A-Z]+)`/g), ([, name]) => `+${name}`)
    const prefix = newPrefix()
    const user = ['few-rights', 'on', '>few', `~${prefix}*`, '-@all', ...rights]
    await node.client.sendCommand(['ACL', 'SETUSER', ...user])
    const few = await connectNodeRedis(server.url.replace('redis://', 'redis://few-rights:few@'))
    const bound = { prefix, maxPerSubject: 2, atLimit: 'evict_oldest' } as const
    const backend = createRedisBackend(few.client, bound)
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    await Promise.all([backend.get(key), backend.get(key)])
    const [summary] = await backend.list('ann')
    const fromMs = summary?.expiresAt.getTime() ?? 0
    expect(await backend.touch(key, { fromMs, toMs: fromMs + 1, period: 1 })).toBe(true)
    expect(await backend.set(key, 'b')).toMatchObject({ ok: true })
    expect(await backend.rotate(key, 1, { subject: 'bob' })).toMatchObject({ ok: true })
    for (let login = 0; login < 4; login++) await backend.generate({ subject: 'ann' })
    expect(await backend.clearSubject('ann')).toBe(2)
    expect(await backend.clearAll()).toBe(1)
    // As in a cluster.
    const store = createRedisStore({ ...connectionOf(few.client), cluster: true }, prefix)
    for (let login = 0; login < 4; login++) await store.create(draft({ subject: 'ann' }), bound)
    expect(await store.list('ann')).toHaveLength(2)
    expect(await store.deleteSubject('ann')).toBe(2)
    await few.close()
    await node.client.sendCommand(['ACL', 'DELUSER', 'few-rights'])
  })

  it('is warned of when the first look met an outage', async () => {
    await setting('allkeys-lru', '0')
    const client = createClient({ url: server.url })
    const backend = createRedisBackend(client, { prefix: newPrefix() })
    // Not connected yet.
    await expect(backend.generate({ value: 'a' })).rejects.toBeInstanceOf(BackendError)
    await client.connect()
    warnings = []
    await backend.generate({ value: 'a' })
    await client.ping()
    await new Promise(setImmediate)
    expect(warnings.map(({ code }) => code)).toEqual(['SOJOURN_REDIS_EVICTION'])
    await client.close()
  })

  it('goes on without INFO, and without a warning', async () => {
    await setting('allkeys-lru', '0')
    await node.client.sendCommand(['ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '+@all', '-info'])
    const { client, close } = await connectIoRedis(
      server.url.replace('redis://', 'redis://app:pw@') + '?enableReadyCheck=false',
    )
    warnings = []
    const backend = createRedisBackend(client, { prefix: newPrefix() })
    const key = await backend.generate({ value: 'a' })
    expect(await backend.get(key)).toMatchObject({ ok: true })
    await client.ping()
    await new Promise(setImmediate)
    expect(warnings.filter(({ code }) => code === 'SOJOURN_REDIS_EVICTION')).toEqual([])
    const refusing = createRedisBackend(client, { prefix: newPrefix(), onEviction: 'refuse' })
    await expect(refusing.get(key)).rejects.toThrow(BackendError)
    await close()
  })
})

describe('createRedisBackend on a server that is full', () => {
  it.each(DRIVERS)(
    'tells what failed, and nothing of the session, by $name',
    async ({ connect }) => {
      const connected = await connect(server.url)
      const prefix = newPrefix()
      const backend = createRedisBackend(connected.client, { prefix })
      const key = await backend.generate({ value: 'a' })
      const [handle = ''] = key.split('.')
      const [, , , , , , , , hash = 'no hash'] =
        (await node.client.get(`${prefix}{${handle}}`))?.split(' ') ?? []
      await node.client.configSet('maxmemory', '1mb')
      const error = await backend.set(key, 'my value').catch((thrown: unknown) => thrown)
      await connected.close()
      expect(error).toBeInstanceOf(BackendError)
      const shown = inspect(error, { depth: Infinity, showHidden: true, maxStringLength: null })
      expect(shown).toContain('OOM')
      for (const secret of ['my value', hash, handle]) expect(shown).not.toContain(secret)
    },
  )

  it('rejects writes, changes nothing by them, reads, and lets everybody log out', async () => {
    const backend = createRedisBackend(node.client, { prefix: newPrefix() })
    const keys = [
      await backend.generate({ value: 'a', subject: 'ann' }),
      await backend.generate({ value: 'b', subject: 'ann' }),
      await backend.generate({ value: 'c', subject: 'bob' }),
      await backend.generate({ value: 'd' }),
    ]
    const [one = '', two = '', three = '', four = ''] = keys
    const found = await backend.get(one)
    if (!found.ok) throw new Error('there is no session')
    const before = await backend.list('ann')
    await node.client.configSet('maxmemory', '1mb')
    const fromMs = before[0]?.expiresAt.getTime() ?? 0
    const writes = [
      () => backend.generate({ value: 'e' }),
      () => backend.generate({ value: 'e', subject: 'ann' }),
      () => backend.set(one, 'x'.repeat(100)),
      () => backend.set(one, undefined),
      () => backend.rotate(one, 1),
      () => backend.touch(one, { fromMs, toMs: fromMs + 1000, period: 1 }),
    ]
    for (const write of writes) {
      const error = await write().catch((error: unknown) => error)
      expect(error).toBeInstanceOf(BackendError)
      expect(((error as Error).cause as Error).message).toContain('OOM')
    }
    // Time goes on, and nothing else.
    const [period, nowMs] = [expect.any(Number), expect.any(Number)]
    const same = { ...found, period, facts: { ...found.facts, nowMs } }
    expect(await backend.get(one)).toEqual(same)
    expect(await backend.list('ann')).toEqual(before)
    await backend.clear(one)
    await backend.clear(four, { verified: true })
    expect(await backend.clearSubject('ann')).toBe(1)
    for (const key of [one, two, four]) {
      expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_found' })
    }
    expect(await backend.get(three)).toMatchObject({ ok: true })
    expect(await backend.clearAll()).toBe(1)
  })
})
