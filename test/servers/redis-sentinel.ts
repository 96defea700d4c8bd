import { command } from './redis-command.ts'
import { startRedis, startSentinelProcess } from './redis.ts'
import type { RedisServer, RedisServerOptions } from './redis.ts'
import { until } from './until.ts'

/** One Redis with two replicas, and three sentinels that watch over them. */
export interface SentinelTopology {
  /** The name that a client asks a sentinel for. */
  readonly name: string
  /** In the roles that they start with: the master, then its replicas. */
  readonly servers: readonly RedisServer[]
  readonly sentinels: readonly RedisServer[]
  /** The sentinels, as clients want to be told. */
  readonly addresses: readonly { host: string; port: number }[]
  /** The server that the sentinels take for the master. */
  master(): Promise<RedisServer>
  /** Waits until one of `servers` other than `old` is master, in the eyes of all sentinels and in its own. */
  failedOver(old: RedisServer): Promise<RedisServer>
  /** Ends all of them. A second call does nothing. */
  stop(): Promise<void>
}

const NAME = 'sojourn'
const QUORUM = 2

/** A master that does not answer for this long is taken for down. */
const DOWN_AFTER_MS = 1000

/** Starts a Redis, two replicas and three sentinels, and waits until each knows of the others. */
export async function startSentinel(options: RedisServerOptions = {}): Promise<SentinelTopology> {
  const running: RedisServer[] = []
  const stop = async () => {
    await Promise.all(running.map((server) => server.stop()))
  }
  const keep = (server: RedisServer) => {
    running.push(server)
    return server
  }
  try {
    const first = keep(await startRedis(options))
    const follow = { replicaof: `127.0.0.1 ${first.port}`, ...options.settings }
    const replicas = await Promise.all(
      [1, 2].map(() => startRedis({ settings: follow }).then(keep)),
    )
    await until('both replicas follow', () => hasReplicas(first, replicas.length))
    const sentinels = await Promise.all(
      [1, 2, 3].map(() => startSentinelProcess(watching(first.port)).then(keep)),
    )
    await until('all sentinels know each other', () => areComplete(sentinels))
    return topology([first, ...replicas], sentinels, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

function topology(
  servers: readonly RedisServer[],
  sentinels: readonly RedisServer[],
  stop: () => Promise<void>,
): SentinelTopology {
  async function masterOf(sentinel: RedisServer): Promise<RedisServer> {
    const address = await command(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
    const found = servers.find(({ port }) => address.endsWith(` ${port}`))
    if (found === undefined) throw new Error('the sentinels name a master that is none of ours')
    return found
  }
  return {
    name: NAME,
    servers,
    sentinels,
    addresses: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    master: () => masterOf(sentinels[0] as RedisServer),
    async failedOver(old) {
      let master = old
      await until('another server is master', async () => {
        const named = await Promise.all(sentinels.map(masterOf))
        master = named[0] as RedisServer
        if (master === old || named.some((other) => other !== master)) return false
        return (await command(master, 'ROLE')).startsWith('master')
      })
      return master
    },
    stop,
  }
}

function watching(port: number): string[] {
  return [
    `sentinel monitor ${NAME} 127.0.0.1 ${port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    // Also how long a second attempt waits, when two sentinels split the votes.
    `sentinel failover-timeout ${NAME} 5000`,
  ]
}

async function hasReplicas(master: RedisServer, count: number): Promise<boolean> {
  const info = await command(master, 'INFO', 'replication')
  return info.match(/^slave\d+:.*state=online/gm)?.length === count
}

async function areComplete(sentinels: readonly RedisServer[]): Promise<boolean> {
  const views = await Promise.all(
    sentinels.map((sentinel) => command(sentinel, 'SENTINEL', 'MASTER', NAME)),
  )
  return views.every((view) => /num-slaves 2 num-other-sentinels 2 /.test(view))
}
