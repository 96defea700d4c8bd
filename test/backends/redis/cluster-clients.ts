import { once } from 'node:events'
import { Cluster } from 'ioredis'
import { createCluster } from 'redis'

/** Connects node-redis 6 to the cluster of a node. */
export async function connectNodeRedisCluster(url: string) {
  const client = await createCluster({ rootNodes: [{ url }] }).connect()
  return { client, close: async () => client.destroy() }
}

/** Connects ioredis 5 to the cluster of a node. */
export async function connectIoRedisCluster(url: string) {
  const { hostname: host, port } = new URL(url)
  const client = new Cluster([{ host, port: Number(port) }])
  client.on('error', () => {})
  await once(client, 'ready')
  return { client, close: async () => client.disconnect() }
}
