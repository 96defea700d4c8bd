import { Client } from 'pg'
import { createCluster, createSentinel } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isFree } from '../servers/free-port.ts'
import { startPgBouncer } from '../servers/pgbouncer.ts'
import type { PgBouncer } from '../servers/pgbouncer.ts'
import { startPostgres, startReplica } from '../servers/postgres.ts'
import type { PostgresReplica, PostgresServer } from '../servers/postgres.ts'
import { startRedisCluster } from '../servers/redis-cluster.ts'
import type { RedisCluster } from '../servers/redis-cluster.ts'
import { command } from '../servers/redis-command.ts'
import { startSentinel } from '../servers/redis-sentinel.ts'
import type { SentinelTopology } from '../servers/redis-sentinel.ts'
import { until } from '../servers/until.ts'

describe('startRedisCluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())

  it('serves every slot, from three masters', async () => {
    const client = createCluster({ rootNodes: cluster.urls.map((url) => ({ url })) })
    await client.connect()
    const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`)
    await Promise.all(keys.map((key) => client.set(key, `value of ${key}`)))
    const values = await Promise.all(keys.map((key) => client.get(key)))
    expect(values).toEqual(keys.map((key) => `value of ${key}`))
    const masters = cluster.nodes.slice(0, 3)
    const sizes = await Promise.all(masters.map((node) => command(node, 'DBSIZE').then(Number)))
    expect(sizes.reduce((sum, size) => sum + size)).toBe(keys.length)
    expect(Math.min(...sizes)).toBeGreaterThan(0)
    client.destroy()
  })

  it('gives each master its replica', async () => {
    for (const [index, master] of cluster.nodes.slice(0, 3).entries()) {
      const replica = cluster.nodes[index + 3]!
      expect(await command(replica, 'ROLE')).toMatch(`slave 127.0.0.1 ${master.port} connected`)
    }
  })

  it('lets a replica take over, and the old master come back as a replica', async () => {
    const [old, , , successor] = cluster.nodes as [RedisNode, RedisNode, RedisNode, RedisNode]
    await old.kill('SIGKILL')
    await cluster.failedOver(old)
    expect(await command(successor, 'ROLE')).toMatch(/^master /)
    await old.restart()
    await cluster.ready()
    expect(await command(old, 'ROLE')).toMatch(`slave 127.0.0.1 ${successor.port} connected`)
  })
})

type RedisNode = RedisCluster['nodes'][number]

describe('startSentinel', () => {
  let topology: SentinelTopology
  beforeAll(async () => {
    topology = await startSentinel()
  })
  afterAll(() => topology.stop())

  it('names the master to a client', async () => {
    expect(await topology.master()).toBe(topology.servers[0])
    const client = createSentinel({
      name: topology.name,
      sentinelRootNodes: [...topology.addresses],
    })
    await client.connect()
    await client.set('key', 'value')
    expect(await client.get('key')).toBe('value')
    await client.destroy()
    expect(await command(topology.servers[0]!, 'GET', 'key')).toBe('value')
  })

  it('makes another server the master when it is down', async () => {
    const old = await topology.master()
    await old.kill('SIGKILL')
    const master = await topology.failedOver(old)
    expect(topology.servers).toContain(master)
    expect(master).not.toBe(old)
    expect(await command(master, 'GET', 'key')).toBe('value')
    await old.restart()
    await until('the old master follows', async () => {
      // On a busy machine one more server may have been taken for down meanwhile.
      const { port } = await topology.master()
      return (await command(old, 'ROLE')).startsWith(`slave 127.0.0.1 ${port} connected`)
    })
  })
})

describe('startReplica', () => {
  let primary: PostgresServer
  let replica: PostgresReplica
  beforeAll(async () => {
    primary = await startPostgres()
    replica = await startReplica(primary)
  })
  afterAll(() => Promise.all([primary.stop(), replica.stop()]))

  it('follows the primary, and takes no writes', async () => {
    await query(primary, 'CREATE TABLE followed AS SELECT 7 AS number')
    await until('the replica has caught up', async () => {
      const rows = await query(replica, 'SELECT number FROM followed')
      return JSON.stringify(rows) === '[{"number":7}]'
    })
    await expect(query(replica, 'INSERT INTO followed VALUES (8)')).rejects.toThrow(/read-only/)
  })

  it('takes over when the primary is down', async () => {
    await primary.kill('SIGKILL')
    await replica.promote()
    await query(replica, 'INSERT INTO followed VALUES (8)')
    const rows = await query(replica, 'SELECT number FROM followed ORDER BY number')
    expect(rows).toEqual([{ number: 7 }, { number: 8 }])
  })
})

describe('startPgBouncer', () => {
  let postgres: PostgresServer
  let bouncer: PgBouncer
  beforeAll(async () => {
    postgres = await startPostgres()
    bouncer = await startPgBouncer(postgres, { settings: { default_pool_size: '2' } })
  })
  afterAll(() => Promise.all([bouncer.stop(), postgres.stop()]))

  it('shares few connections among many clients, by the transaction', async () => {
    const clients = Array.from({ length: 8 }, () => new Client(bouncer.url))
    await Promise.all(clients.map((client) => client.connect()))
    const answers = await Promise.all(
      clients.map((client) => client.query('SELECT pg_backend_pid() AS pid, pg_sleep(0.02)')),
    )
    const pids = new Set(answers.map(({ rows }) => (rows[0] as { pid: number }).pid))
    expect(pids.size).toBe(2)
    await Promise.all(clients.map((client) => client.end()))
  })

  it('comes back after SIGKILL', async () => {
    await bouncer.kill('SIGKILL')
    expect(await isFree(bouncer.port)).toBe(true)
    await bouncer.restart()
    expect(await query(bouncer, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

async function query({ url }: { url: string }, text: string): Promise<unknown[]> {
  const client = new Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
