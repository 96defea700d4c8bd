import { BackendError } from '../../core/errors.ts'
import { faultOf } from './faults.ts'

/** The part of a client of node-redis 5 or 6 (`createClient`, `createClientPool`) that this backend calls. */
export interface NodeRedisClient {
  sendCommand(args: string[]): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): unknown
}

/** The part of node-redis' `createSentinel` that this backend calls. */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>
  getSentinelNode(): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
}

/** The part of node-redis' `createCluster` that this backend calls. */
export interface NodeRedisCluster {
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
  ): Promise<unknown>
  readonly isOpen: boolean
  readonly masters: readonly object[]
  nodeClient(node: object): Promise<Pick<NodeRedisClient, 'sendCommand'>>
  on(event: 'error', listener: (error: unknown) => void): unknown
}

/** The part of a client of ioredis 5 or 6 or of iovalkey, single or `Cluster`, that this backend calls. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>
  readonly isCluster?: boolean
  readonly options?: object
  nodes?(role: 'master'): readonly Pick<IoRedisClient, 'call'>[]
}

/** The part of valkey-glide's `GlideClient` that this backend calls. */
export interface GlideClient {
  customCommand(args: string[]): Promise<unknown>
}

/** The clients that `createRedisBackend` takes. */
export type RedisClient =
  | NodeRedisClient
  | NodeRedisSentinel
  | NodeRedisCluster
  | IoRedisClient
  | GlideClient

/** Sends one command to one server. */
export type Send = (args: string[]) => Promise<unknown>

/** What all clients have in common. */
export interface Connection {
  /** Whether keys live in slots on several masters, so that a script sees one slot. */
  readonly cluster: boolean
  /** Sends a command to the master that holds `key`; without a key, to any one. */
  command(key: string | undefined, args: string[]): Promise<unknown>
  /** A sender for each master. */
  masters(): Promise<readonly Send[]>
}

/** A reply that is a text, also from a client that is set to give buffers. */
export function textOf(reply: unknown): string {
  return typeof reply === 'string' ? reply : String(reply)
}

// As often as the driver follows a `MOVED`.
const MOST_CLOSED = 16

const watched = new WeakSet<object>()

/**
 * Tells the clients apart by what only they have. A client of node-redis gets a listener for `error`: it is an
 * EventEmitter, and one that nobody listens to ends the process when a connection breaks.
 *
 * @throws TypeError when `client` is none of them, prefixes keys itself or reads from replicas.
 */
export function connectionOf(client: RedisClient): Connection {
  const connection = recognise(client)
  return {
    cluster: connection.cluster,
    command: (key, args) => connection.command(key, args).catch(rethrow),
    async masters() {
      const masters = await connection.masters().catch(rethrow)
      // A cluster of which nothing is known is an outage, and not one without sessions.
      if (masters.length === 0) throw new BackendError('the client knows of no master')
      return masters.map(
        (send): Send =>
          (args) =>
            send(args).catch(rethrow),
      )
    },
  }
}

function rethrow(error: unknown): never {
  throw faultOf(error)
}

function recognise(client: RedisClient): Connection {
  if (isObject(client)) {
    if ('call' in client && typeof client.call === 'function') return ioRedis(client)
    if ('customCommand' in client && typeof client.customCommand === 'function') {
      return glide(client)
    }
    if ('sendCommand' in client && typeof client.sendCommand === 'function') {
      return nodeRedis(client)
    }
  }
  throw new TypeError(
    '"client" must be a client of node-redis, ioredis, iovalkey or valkey-glide (standalone)',
  )
}

function nodeRedis(client: NodeRedisClient | NodeRedisSentinel | NodeRedisCluster): Connection {
  if (!watched.has(client)) {
    watched.add(client)
    client.on('error', () => {})
  }
  if ('nodeClient' in client) {
    return {
      cluster: true,
      command: (key, args) => sendToCluster(client, key, args),
      masters: async () =>
        Promise.all(client.masters.map(async (node) => senderOf(await client.nodeClient(node)))),
    }
  }
  const send: Send =
    'getSentinelNode' in client
      ? (args) => client.sendCommand(false, args)
      : (args) => client.sendCommand(args)
  return single(send)
}

/**
 * When a master has become a replica, node-redis closes its connection to it and rejects what others have under way
 * there, which it would have sent to the new master at `MOVED`: here it is. A read may be sent twice, and so may a
 * script, whose write has a name; only a deletion, which has none, may then say that it ended fewer than it did.
 */
async function sendToCluster(
  client: NodeRedisCluster,
  key: string | undefined,
  args: string[],
): Promise<unknown> {
  for (let closed = 0; ; closed++) {
    try {
      // Never `isReadonly`: a replica may still have what a master has deleted.
      return await client.sendCommand(key, false, args)
    } catch (error) {
      if (closed === MOST_CLOSED || !client.isOpen || !isClosing(error)) throw error
    }
  }
}

function isClosing(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.message === 'Disconnects client' || error.message === 'The client is closed')
  )
}

function senderOf(client: Pick<NodeRedisClient, 'sendCommand'>): Send {
  return (args) => client.sendCommand(args)
}

function ioRedis(client: IoRedisClient): Connection {
  const { options } = client
  if (options !== undefined && 'keyPrefix' in options && options.keyPrefix) {
    throw new TypeError('"client" must have no "keyPrefix": use the option "prefix" of the backend')
  }
  if (client.isCluster !== true) return single(callerOf(client))
  if (options !== undefined && 'scaleReads' in options && options.scaleReads !== 'master') {
    throw new TypeError(
      '"client" must read from masters: a replica may still have a session that has been cleared',
    )
  }
  const call = callerOf(client)
  return {
    cluster: true,
    // The driver finds the key in the command by itself.
    command: (_key, args) => call(args),
    async masters() {
      // Answered when the driver has been told which nodes are masters: right after its making it knows of none.
      await call(['TIME'])
      return client.nodes?.('master').map(callerOf) ?? []
    },
  }
}

function callerOf(client: Pick<IoRedisClient, 'call'>): Send {
  return ([name = '', ...args]) => client.call(name, ...args)
}

function glide(client: GlideClient): Connection {
  // Only the client of a cluster can route a function call.
  if ('fcallWithRoute' in client) {
    throw new TypeError(
      '"client" must be a standalone client of valkey-glide: use ioredis or node-redis',
    )
  }
  return single((args) => client.customCommand(args))
}

function single(send: Send): Connection {
  return { cluster: false, command: (_key, args) => send(args), masters: async () => [send] }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
