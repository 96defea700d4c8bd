import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createSentinel } from 'redis'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { command } from '../servers/redis-command.ts'
import { startSentinel } from '../servers/redis-sentinel.ts'
import type { SentinelTopology } from '../servers/redis-sentinel.ts'
import type { RedisServer } from '../servers/redis.ts'
import { until } from '../servers/until.ts'
import type { Engine, RunningEngine } from './fault.ts'

interface Watched extends RunningEngine {
  readonly topology: SentinelTopology
  /** False from the moment a failover begins. */
  readonly settled: () => boolean
}

// Some writes get in that no replica has, each followed by a wait that is in vain.
const LAG_MS = 700
const WAIT_MS = 200

/** A Redis with two replicas, and three sentinels that make one of them the master when it is gone. */
export const sentinel: Engine = {
  name: 'sentinel',
  async start() {
    const topology = await startSentinel()
    const [master] = topology.servers
    if (master === undefined) throw new Error('there is no master')
    let settled = true
    const engine: Watched = {
      topology,
      settled: () => settled,
      port: master.port,
      kill: (signal) => master.kill(signal),
      restart: () => master.restart(),
      async failOver(how) {
        if (how === 'killed') {
          await lag(topology, master)
          settled = false
          await killWhileLagging(topology, master)
        } else {
          await handOver(topology, master)
        }
      },
      stop: () => topology.stop(),
    }
    return engine
  },
  drivers: {
    async 'node-redis'({ running, timeoutMs, confirms }) {
      const { topology, settled } = running as Watched
      const client = createSentinel({
        name: topology.name,
        sentinelRootNodes: [...topology.addresses],
      })
      const backend = createRedisBackend(client, { timeoutMs })
      await client.connect()
      const wait = (): Promise<unknown> => client.sendCommand(false, waitFor(topology))
      return {
        backend,
        confirm: confirms ? () => isConfirmed(topology, settled, wait) : undefined,
        async close() {
          await client.destroy()
        },
      }
    },
    async ioredis({ running, timeoutMs, confirms }) {
      const { topology, settled } = running as Watched
      const client = new Redis({ name: topology.name, sentinels: [...topology.addresses] })
      client.on('error', () => {})
      const backend = createRedisBackend(client, { timeoutMs })
      const [name = '', ...args] = waitFor(topology)
      const wait = (): Promise<unknown> => client.call(name, ...args)
      return {
        backend,
        confirm: confirms ? () => isConfirmed(topology, settled, wait) : undefined,
        async close() {
          client.disconnect()
        },
      }
    },
  },
}

function replicasOf({ servers }: SentinelTopology): readonly RedisServer[] {
  return servers.slice(1)
}

function waitFor(topology: SentinelTopology): string[] {
  return ['WAIT', String(replicasOf(topology).length), String(WAIT_MS)]
}

/**
 * Whether every replica has what the connection has written. An answer that takes longer may come from another
 * server, which knows nothing of what was written to the first.
 */
async function isConfirmed(
  topology: SentinelTopology,
  settled: () => boolean,
  wait: () => Promise<unknown>,
): Promise<boolean> {
  if (!settled()) return false
  const answer = wait().catch(() => undefined)
  const confirmed = await Promise.race([answer, sleep(WAIT_MS + 200, undefined)])
  return Number(confirmed) === replicasOf(topology).length && settled()
}

/** Cuts the replicas off, so that the master acknowledges what nobody else has. */
async function lag(topology: SentinelTopology, master: RedisServer): Promise<void> {
  for (const replica of replicasOf(topology)) await replica.kill('SIGSTOP')
  // What is in the sockets would reach them even after the master's end.
  await command(master, 'CLIENT', 'KILL', 'TYPE', 'replica')
  await sleep(LAG_MS)
}

async function killWhileLagging(topology: SentinelTopology, master: RedisServer): Promise<void> {
  await master.kill('SIGKILL')
  for (const replica of replicasOf(topology)) await replica.kill('SIGCONT')
  await topology.failedOver(master)
}

/**
 * Hands over to a replica without loss: no write is taken any more, the replicas catch up, the sentinels make one of
 * them the master, and the old master follows it before it takes commands again.
 */
async function handOver(topology: SentinelTopology, master: RedisServer): Promise<void> {
  const [first] = topology.sentinels
  if (first === undefined) throw new Error('there is no sentinel')
  await command(master, 'CLIENT', 'PAUSE', '60000', 'WRITE')
  await until('the replicas have caught up', () =>
    haveCaughtUp(master, replicasOf(topology).length),
  )
  // It refuses while it has no fresh answer of a replica's.
  await until('a sentinel begins the failover', async () => {
    await command(first, 'SENTINEL', 'FAILOVER', topology.name)
    return true
  })
  const { port } = await topology.failedOver(master)
  await command(master, 'REPLICAOF', '127.0.0.1', String(port))
  await command(master, 'CLIENT', 'KILL', 'TYPE', 'normal')
  await command(master, 'CLIENT', 'UNPAUSE')
}

async function haveCaughtUp(master: RedisServer, replicas: number): Promise<boolean> {
  const info = await command(master, 'INFO', 'replication')
  const offset = /master_repl_offset:(\d+)/.exec(info)?.[1]
  const behind = [...info.matchAll(/^slave\d+:.*state=online,offset=(\d+)/gm)].map(([, at]) => at)
  return behind.length === replicas && behind.every((at) => at === offset)
}
