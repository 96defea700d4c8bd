import { freePort } from './free-port.ts'
import { command } from './redis-command.ts'
import { startRedis } from './redis.ts'
import type { RedisServer, RedisServerOptions } from './redis.ts'
import { until } from './until.ts'

/** A Redis Cluster of three masters with a replica each. */
export interface RedisCluster {
  /** The nodes, in the roles that they start with: three masters, then the replica of each. */
  readonly nodes: readonly RedisServer[]
  /** The URLs of all nodes. */
  readonly urls: readonly string[]
  /** Waits until all nodes agree that all slots are served, and that three replicas follow a master. */
  ready(): Promise<void>
  /** Waits until the nodes other than `old`, a master that went down, agree that they serve its slots. */
  failedOver(old: RedisServer): Promise<void>
  /** Ends all nodes. A second call does nothing. */
  stop(): Promise<void>
}

const MASTERS = 3
const SLOTS = 16_384

/** A node that does not answer for this long is taken for failed, and its replica takes over. */
const NODE_TIMEOUT_MS = 2000

/** Starts a Redis Cluster, and waits until it serves all slots and each master has its replica. */
export async function startRedisCluster(options: RedisServerOptions = {}): Promise<RedisCluster> {
  const nodes = await Promise.all(
    Array.from({ length: 2 * MASTERS }, () => startNode(options.settings)),
  )
  const stop = async () => {
    await Promise.all(nodes.map(({ server }) => server.stop()))
  }
  const cluster: RedisCluster = {
    nodes: nodes.map(({ server }) => server),
    urls: nodes.map(({ server }) => server.url),
    ready: () => until('the cluster is whole', () => isWhole(cluster.nodes)),
    failedOver: (old) => until('another node is master', () => isServedWithout(old, cluster.nodes)),
    stop,
  }
  try {
    await join(nodes)
    await cluster.ready()
    return cluster
  } catch (error) {
    await stop()
    throw error
  }
}

interface Node {
  readonly server: RedisServer
  readonly busPort: number
}

async function startNode(settings: RedisServerOptions['settings']): Promise<Node> {
  // By itself a node would talk to others on its port + 10,000, where anybody might be.
  const busPort = await freePort()
  const server = await startRedis({
    settings: {
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-announce-ip': '127.0.0.1',
      'cluster-node-timeout': String(NODE_TIMEOUT_MS),
      // However long it was cut off, a replica may take over.
      'cluster-replica-validity-factor': '0',
      ...settings,
    },
  })
  return { server, busPort }
}

async function join(nodes: readonly Node[]): Promise<void> {
  const [first] = nodes
  const ids: string[] = []
  for (const [index, { server }] of nodes.entries()) {
    // What happens first is decided by its epoch: without one of its own each node would claim the same.
    await command(server, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    if (index < MASTERS) await command(server, 'CLUSTER', 'ADDSLOTSRANGE', ...slotsOf(index))
    ids.push(await command(server, 'CLUSTER', 'MYID'))
    if (index > 0 && first !== undefined)
      await command(
        server,
        'CLUSTER',
        'MEET',
        '127.0.0.1',
        `${first.server.port}`,
        `${first.busPort}`,
      )
  }
  await until('all nodes know each other', async () => {
    const known = await Promise.all(
      nodes.map(({ server }) => command(server, 'CLUSTER', 'NODES').then(nodesOf)),
    )
    return known.every((lines) => ids.every((id) => lines.some(isConnected(id))))
  })
  for (const [index, { server }] of nodes.entries())
    if (index >= MASTERS)
      await command(server, 'CLUSTER', 'REPLICATE', ids[index - MASTERS] as string)
}

function slotsOf(master: number): [first: string, last: string] {
  const edge = (index: number) => Math.floor((SLOTS * index) / MASTERS)
  return [String(edge(master)), String(edge(master + 1) - 1)]
}

async function isWhole(servers: readonly RedisServer[]): Promise<boolean> {
  const replicas = servers.length - MASTERS
  const roles = await Promise.all(servers.map((server) => command(server, 'INFO', 'replication')))
  const following = roles.filter((role) => role.includes('master_link_status:up')).length
  const views = await viewsOf(servers)
  return (
    following === replicas &&
    views.every((lines) => lines.filter((line) => /\bslave\b/.test(line)).length === replicas)
  )
}

async function isServedWithout(
  old: RedisServer,
  servers: readonly RedisServer[],
): Promise<boolean> {
  const views = await viewsOf(servers.filter((server) => server !== old))
  return views.every((lines) => lines.some(isWithoutSlots(old)))
}

/** What each node knows of the others, once all of them find that every slot is served. */
async function viewsOf(servers: readonly RedisServer[]): Promise<string[][]> {
  const infos = await Promise.all(servers.map((server) => command(server, 'CLUSTER', 'INFO')))
  if (!infos.every((info) => info.includes('cluster_state:ok'))) throw new Error('slots are lost')
  return Promise.all(servers.map((server) => command(server, 'CLUSTER', 'NODES').then(nodesOf)))
}

function isWithoutSlots({ port }: RedisServer): (line: string) => boolean {
  // "id address flags master ping pong epoch link slots..."
  return (line) => line.includes(`:${port}@`) && line.split(' ').length === 8
}

function nodesOf(text: string): string[] {
  return text.trim().split('\n')
}

function isConnected(id: string): (line: string) => boolean {
  return (line) => line.startsWith(id) && line.includes(' connected') && !/handshake/.test(line)
}
