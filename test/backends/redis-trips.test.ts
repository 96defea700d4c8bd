import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { createRequestSession, createSessionManager } from '../../src/index.ts'
import type { ResponseHead } from '../../src/index.ts'
import { startRedis } from '../servers/redis.ts'
import type { RedisServer } from '../servers/redis.ts'
import { connectNodeRedis, newPrefix } from './redis/clients.ts'
import { monitor } from './redis/monitor.ts'
import type { Monitor } from './redis/monitor.ts'

const HEAD: ResponseHead = { sent: () => false, write: () => {} }

let server: RedisServer
let node: Awaited<ReturnType<typeof connectNodeRedis>>
let watch: Monitor

beforeAll(async () => {
  server = await startRedis()
  node = await connectNodeRedis(server.url)
  watch = await monitor(server.url)
})

afterAll(async () => {
  watch?.close()
  await node?.close()
  await server?.stop()
})

/** The names of the commands that `run` makes the backend send. */
async function commandsOf(run: () => Promise<unknown>): Promise<string[]> {
  await watch.sent()
  await run()
  return watch.sent()
}

/** A manager whose first operation, scripts and all, is behind it. */
async function createWarm(options: { period?: number; maxPerSubject?: number } = {}) {
  const backend = createRedisBackend(node.client, { prefix: newPrefix(), ...options })
  const sessions = createSessionManager<number>({ backend })
  const warm = await sessions.generate(1, { subject: 'warm' })
  await sessions.update(warm, (count) => count + 1)
  await sessions.fromKey(warm.key)
  await backend.touch(warm.key, { fromMs: 0, toMs: 1, period: 1 })
  await sessions.clear(warm)
  return { backend, sessions }
}

const cookieOf = (key: string) => `__Host-session=${key}`

describe('the trips of createRedisBackend', () => {
  it('are none for a request that does not touch its session', async () => {
    const { sessions } = await createWarm()
    const { key } = await sessions.generate(1)
    const sent = await commandsOf(async () => createRequestSession(sessions, cookieOf(key), HEAD))
    expect(sent).toEqual([])
  })

  it('is one GET for a read', async () => {
    const { sessions } = await createWarm()
    const { key } = await sessions.generate(1)
    const request = createRequestSession(sessions, cookieOf(key), HEAD)
    expect(await commandsOf(async () => request.load())).toEqual(['GET'])
    expect(await commandsOf(async () => request.load())).toEqual([])
  })

  it('are one MGET for up to 32 reads that are asked for in one go', async () => {
    const { backend } = await createWarm()
    const values = Array.from({ length: 40 }, (_, at) => `value ${at}`)
    const keys = await Promise.all(values.map((value) => backend.generate({ value })))
    await backend.clear(keys[7] ?? '')
    let found: Awaited<ReturnType<typeof backend.get>>[] = []
    const read = async () => {
      found = await Promise.all(keys.map((key) => backend.get(key)))
    }
    expect(await commandsOf(read)).toEqual(['MGET', 'MGET'])
    expect(found.map((each) => (each.ok ? each.value : each.reason))).toEqual(
      values.with(7, 'not_found'),
    )
  })

  it('are two for a read with a touch due', async () => {
    const { sessions } = await createWarm({ period: 2 })
    const { key } = await sessions.generate(1)
    // Half of the period has to pass.
    await new Promise((resolve) => setTimeout(resolve, 1050))
    const request = createRequestSession(sessions, cookieOf(key), HEAD)
    expect(await commandsOf(async () => request.load())).toEqual(['GET', 'EVALSHA'])
    const found = await sessions.fromKey(key)
    expect(found.ok && found.session.expiryPeriod).toBe(2)
  })

  it('are two for a read and then an update or a set', async () => {
    const { sessions } = await createWarm()
    const { key } = await sessions.generate(1)
    const writes = [
      async () =>
        createRequestSession(sessions, cookieOf(key), HEAD).update((count) => (count ?? 0) + 1),
      async () => createRequestSession(sessions, cookieOf(key), HEAD).set(5),
    ]
    for (const write of writes) expect(await commandsOf(write)).toEqual(['GET', 'EVALSHA'])
  })

  it.each([{}, { maxPerSubject: 5 }])(
    'is one for the login of a visitor without a session, with %j',
    async (options) => {
      const { sessions } = await createWarm(options)
      const request = createRequestSession(sessions, '', HEAD)
      expect(await commandsOf(async () => request.bind('ann', 1))).toEqual(['EVALSHA'])
    },
  )

  it('is one for each other operation, however many sessions the subject has', async () => {
    const { backend } = await createWarm()
    const keys = await Promise.all(
      Array.from({ length: 20 }, () => backend.generate({ value: 'a', subject: 'ann' })),
    )
    const [first = '', second = ''] = keys
    const operations = [
      () => backend.list('ann'),
      () => backend.rotate(first, 1, { authenticated: true, extra: {} }),
      () => backend.clear(first, { verified: true }),
      () => backend.clear(second),
      () => backend.clearSubject('ann'),
    ]
    await backend.list('nobody')
    await backend.clearSubject('nobody')
    await backend.rotate(await backend.generate(), 1, { extra: {} })
    for (const operation of operations) expect(await commandsOf(operation)).toEqual(['EVALSHA'])
    expect(await commandsOf(() => backend.sweep())).toEqual([])
  })

  it('are one more, once, when the server has lost the script', async () => {
    const { sessions } = await createWarm()
    const session = await sessions.generate(1)
    await node.client.scriptFlush()
    const update = async () => sessions.update(session, (count) => count + 1)
    expect(await commandsOf(update)).toEqual(['EVALSHA', 'EVAL'])
    expect(await commandsOf(update)).toEqual(['EVALSHA'])
    await server.restart()
    watch.close()
    watch = await monitor(server.url)
    await update()
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: 4, version: 4 } })
  })

  it('asks for the time and the eviction policy beside the first read and never before it', async () => {
    const { sessions } = await createWarm()
    const { key } = await sessions.generate(1)
    const prefix = newPrefix()
    const backend = createRedisBackend(node.client, { prefix })
    expect(await commandsOf(() => backend.get(key))).toEqual(
      expect.arrayContaining(['GET', 'INFO', 'TIME']),
    )
    expect(await commandsOf(() => backend.get(key))).toEqual(['GET'])
  })
})
