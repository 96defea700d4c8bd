import { BINARIES, requireBinary } from './binary.ts'
import { freePort, makeFolder, runServer } from './server-process.ts'
import type { TestServer } from './server-process.ts'

/** A Redis of the tests' own. */
export interface RedisServer extends TestServer {
  readonly url: string
}

/** Options for starting a Redis. */
export interface RedisServerOptions {
  /** Settings as in redis.conf, in place of the defaults or of those here. */
  readonly settings?: Readonly<Record<string, string>>
}

const SETTINGS = {
  bind: '127.0.0.1',
  daemonize: 'no',
  appendonly: 'yes',
  appendfsync: 'always',
  save: '',
  'repl-diskless-sync-delay': '0',
}

/** Starts an empty Redis. Its writes are durable: each goes to the append-only file before it is acknowledged. */
export function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  return startRedisLike(requireBinary(BINARIES.redis), options)
}

/** Starts a server that takes the settings of Redis: Redis itself, or Valkey. */
export async function startRedisLike(
  command: string,
  options: RedisServerOptions = {},
): Promise<RedisServer> {
  const folder = makeFolder('redis')
  const port = await freePort()
  const settings = { ...SETTINGS, port: String(port), dir: folder, ...options.settings }
  const server = await runServer({
    name: 'Redis',
    command,
    args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    folder,
    ready: /Ready to accept connections/,
    quit: 'SIGTERM',
  })
  return { ...server, port, url: `redis://127.0.0.1:${port}` }
}
