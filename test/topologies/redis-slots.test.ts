import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { createSessionManager } from '../../src/index.ts'
import { newPrefix } from '../backends/redis/clients.ts'
import type { Connected } from '../backends/redis/clients.ts'
import {
  connectIoRedisCluster,
  connectNodeRedisCluster,
} from '../backends/redis/cluster-clients.ts'
import { startRedisCluster } from '../servers/redis-cluster.ts'
import type { RedisCluster } from '../servers/redis-cluster.ts'
import { command } from '../servers/redis-command.ts'
import type { RedisServer } from '../servers/redis.ts'

let cluster: RedisCluster

beforeAll(async () => {
  cluster = await startRedisCluster()
})

afterAll(() => cluster?.stop())

const DRIVERS = [
  { driver: 'node-redis', connect: connectNodeRedisCluster },
  { driver: 'ioredis', connect: connectIoRedisCluster },
]

/** The master that serves a slot. */
async function masterOf(slot: number): Promise<RedisServer> {
  for (const node of cluster.nodes) {
    const role = await command(node, 'ROLE')
    const nodes = (await command(node, 'CLUSTER', 'NODES')).split('\n')
    const own = nodes.find((line) => line.includes('myself')) ?? ''
    const ranges = own.split(' ').slice(8)
    const serves = ranges.some((range) => {
      const [first = NaN, last = first] = range.split('-').map(Number)
      return slot >= first && slot <= last
    })
    if (role.startsWith('master') && serves) return node
  }
  throw new Error('nobody serves the slot')
}

/** Moves a slot as `redis-cli --cluster reshard` does; `between` runs while it is on its way. */
async function moveSlot(slot: number, between: () => Promise<void>): Promise<void> {
  const from = await masterOf(slot)
  const to = await masterOf((slot + 8192) % 16_384)
  const [fromId, toId] = [
    await command(from, 'CLUSTER', 'MYID'),
    await command(to, 'CLUSTER', 'MYID'),
  ]
  const setSlot = (node: RedisServer, ...rest: string[]) =>
    command(node, 'CLUSTER', 'SETSLOT', String(slot), ...rest)
  await setSlot(to, 'IMPORTING', fromId)
  await setSlot(from, 'MIGRATING', toId)
  await between()
  for (;;) {
    const keys = await command(from, 'CLUSTER', 'GETKEYSINSLOT', String(slot), '10')
    if (keys === '') break
    const address = ['127.0.0.1', String(to.port), '', '0', '5000', 'KEYS']
    await command(from, 'MIGRATE', ...address, ...keys.split(' '))
  }
  await setSlot(to, 'NODE', toId)
  await setSlot(from, 'NODE', toId)
}

/** Increments by several callers at once until it is stopped; tells how many were acknowledged. */
function startWriters(sessions: ReturnType<typeof createSessionManager<number>>, key: string) {
  const state = { stopped: false }
  let acknowledged = 0
  const faults: unknown[] = []
  const write = async () => {
    while (!state.stopped) {
      try {
        const found = await sessions.fromKey(key)
        if (!found.ok) throw new Error(`the session is ${found.reason}`)
        await sessions.update(found.session, (count) => count + 1)
        acknowledged++
      } catch (error) {
        faults.push(error)
      }
    }
  }
  const running = Promise.all(Array.from({ length: 4 }, write))
  return {
    more: () => {
      const goal = acknowledged + 20
      return expect.poll(() => acknowledged, { timeout: 30_000 }).toBeGreaterThan(goal)
    },
    async stop() {
      state.stopped = true
      await running
      return { acknowledged, faults }
    },
  }
}

/**
 * Reads sessions at every turn, and adds to some, so that at any moment something has just been sent: writes wait for
 * a failover, and who waits sends nothing. Tells the faults.
 */
async function startCrowd(sessions: ReturnType<typeof createSessionManager<number>>) {
  const crowd = await Promise.all(
    Array.from({ length: 8 }, async () => ({ session: await sessions.generate(0), added: 0 })),
  )
  const faults: unknown[] = []
  const underWay = { reads: 0, writes: 0 }
  const state = { stopped: false }
  const read = async (key: string) => {
    underWay.reads++
    const found = await sessions.fromKey(key).catch((error: unknown) => faults.push(error))
    underWay.reads--
    if (typeof found === 'object' && !found.ok) faults.push(found.reason)
  }
  const add = async (member: (typeof crowd)[number]) => {
    underWay.writes++
    try {
      await sessions.update(member.session, (count) => count + 1)
      member.added++
    } catch (error) {
      faults.push(error)
    }
    underWay.writes--
  }
  const running = (async () => {
    for (let turn = 0; !state.stopped || underWay.reads + underWay.writes > 0; turn++) {
      const member = crowd[turn % crowd.length]
      if (!state.stopped && member !== undefined) {
        if (underWay.reads < 500) void read(member.session.key)
        if (underWay.writes < crowd.length) void add(member)
      }
      await nextTurn()
    }
  })()
  return {
    async stop() {
      state.stopped = true
      await running
      for (const { session, added } of crowd) {
        expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: added } })
      }
      return faults
    },
  }
}

describe.each(DRIVERS)(
  'createRedisBackend on a cluster that changes, by $driver',
  ({ connect }) => {
    let connected: Connected

    beforeAll(async () => {
      connected = await connect(cluster.urls[0] as string)
    })

    afterAll(async () => {
      await connected?.close()
    })

    it('follows a slot from one master to another, under writes, without a fault', async () => {
      // The tag in the prefix keeps everything in the one slot that moves.
      const tag = newPrefix()
      const backend = createRedisBackend(connected.client, { prefix: `{${tag}}` })
      const sessions = createSessionManager<number>({ backend })
      const { key } = await sessions.generate(0, { subject: 'ann' })
      const slot = Number(await command(cluster.nodes[0] as RedisServer, 'CLUSTER', 'KEYSLOT', tag))
      const writers = startWriters(sessions, key)
      await writers.more()
      const logins: Promise<unknown>[] = []
      await moveSlot(slot, async () => {
        await writers.more()
        // Their keys are on neither master yet: they wait for the slot to arrive.
        logins.push(...Array.from({ length: 5 }, () => sessions.generate(0, { subject: 'ann' })))
        await writers.more()
      })
      await Promise.all(logins)
      await writers.more()
      const { acknowledged, faults } = await writers.stop()
      expect(faults).toEqual([])
      expect(await sessions.fromKey(key)).toMatchObject({ session: { value: acknowledged } })
      expect(await backend.list('ann')).toHaveLength(6)
      expect(await backend.clearSubject('ann')).toBe(6)
      expect(await backend.list('ann')).toEqual([])
    })

    it('goes on with a replica that takes over in order, and loses nothing', async () => {
      const tag = newPrefix()
      const backend = createRedisBackend(connected.client, { prefix: `{${tag}}` })
      const sessions = createSessionManager<number>({ backend })
      const { key } = await sessions.generate(0, { subject: 'ann' })
      const gone = await sessions.generate(0, { subject: 'bob' })
      await sessions.clear(gone)
      const slot = Number(await command(cluster.nodes[0] as RedisServer, 'CLUSTER', 'KEYSLOT', tag))
      const old = await masterOf(slot)
      const id = await command(old, 'CLUSTER', 'MYID')
      const [line = ''] = (await command(old, 'CLUSTER', 'REPLICAS', id)).split('\n')
      const replica = cluster.nodes.find(({ port }) => line.includes(`:${port}@`)) as RedisServer
      const writers = startWriters(sessions, key)
      const crowd = await startCrowd(sessions)
      await writers.more()
      await command(replica, 'CLUSTER', 'FAILOVER')
      await cluster.ready()
      expect(await masterOf(slot)).toBe(replica)
      await writers.more()
      const { acknowledged, faults } = await writers.stop()
      expect([...faults, ...(await crowd.stop())]).toEqual([])
      expect(await sessions.fromKey(key)).toMatchObject({ session: { value: acknowledged } })
      expect(await sessions.fromKey(gone.key)).toEqual({ ok: false, reason: 'not_found' })
      expect(await backend.list('ann')).toHaveLength(1)
    })
  },
)
