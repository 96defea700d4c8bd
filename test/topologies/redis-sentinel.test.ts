import { Redis } from 'ioredis'
import { createSentinel } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import { newPrefix } from '../backends/redis/clients.ts'
import type { Connected } from '../backends/redis/clients.ts'
import { runContracts } from '../backends/redis/contracts.ts'
import { command } from '../servers/redis-command.ts'
import { startSentinel } from '../servers/redis-sentinel.ts'
import type { SentinelTopology } from '../servers/redis-sentinel.ts'
import { until } from '../servers/until.ts'

const DRIVERS: readonly { driver: string; connect: () => Promise<Connected> }[] = [
  {
    driver: 'node-redis',
    async connect() {
      const { name, addresses } = topology
      const client = await createSentinel({ name, sentinelRootNodes: [...addresses] }).connect()
      return { client, close: async () => client.destroy() }
    },
  },
  {
    driver: 'ioredis',
    async connect() {
      const { name, addresses } = topology
      const client = new Redis({ name, sentinels: [...addresses] })
      client.on('error', () => {})
      await client.ping()
      return { client, close: async () => client.disconnect() }
    },
  },
]

let topology: SentinelTopology

beforeAll(async () => {
  topology = await startSentinel()
})

afterAll(() => topology?.stop())

describe.each(DRIVERS)('createRedisBackend behind Sentinel by $driver', ({ connect }) => {
  let connected: Connected

  beforeAll(async () => {
    connected = await connect()
  })

  afterAll(async () => {
    await connected?.close()
  })

  runContracts(() => connected.client)

  it('goes on with the server that takes over after the master was killed', async () => {
    const backend = createRedisBackend(connected.client, { prefix: newPrefix(), timeoutMs: 1000 })
    const sessions = createSessionManager<number>({ backend })
    const session = await sessions.generate(1, { subject: 'ann' })
    const gone = await sessions.generate(1, { subject: 'ann' })
    await sessions.clear(gone)
    const old = await topology.master()
    // Redis acknowledges before it replicates. What has been replicated is not lost.
    await until('the replicas have it all', async () => isCopied(old))
    await old.kill('SIGKILL')
    const error = await backend.get(session.key).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(BackendError)
    await topology.failedOver(old)
    await until('the backend answers', async () => (await sessions.fromKey(session.key)).ok)
    expect(await sessions.fromKey(gone.key)).toEqual({ ok: false, reason: 'not_found' })
    const found = await sessions.fromKey(session.key)
    expect(found).toMatchObject({ session: { value: 1, version: 1 } })
    if (found.ok) await sessions.update(found.session, (count) => count + 1)
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: 2 } })
    expect(await backend.list('ann')).toHaveLength(1)
    // The next driver's master has its replicas again.
    await old.restart()
    await until('the old one follows', async () =>
      (await command(old, 'INFO', 'replication')).includes('master_link_status:up'),
    )
  })
})

async function isCopied(master: { url: string }): Promise<boolean> {
  const info = await command(master, 'INFO', 'replication')
  const offset = /master_repl_offset:(\d+)/.exec(info)?.[1]
  const replicas = [...info.matchAll(/^slave\d+:.*offset=(\d+)/gm)]
  return replicas.length === 2 && replicas.every(([, copied]) => copied === offset)
}
