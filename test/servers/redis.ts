import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BINARIES, findBinary, requireBinary } from './binary.ts'
import { startServer } from './server-process.ts'
import type { TestServer } from './server-process.ts'

/** A Redis, or a Valkey, of the tests' own. */
export type RedisServer = TestServer

/** Options for starting a Redis. */
export interface RedisServerOptions {
  /** Settings as in redis.conf, in place of the defaults or of those here. */
  readonly settings?: Readonly<Record<string, string>>
}

const SETTINGS = {
  bind: '127.0.0.1',
  appendonly: 'yes',
  appendfsync: 'always',
  save: '""',
  // A replica gets its first copy at once, and not after 5 seconds.
  'repl-diskless-sync-delay': '0',
}

/**
 * Starts an empty Redis. Its writes are durable: each is in the append-only file before it is acknowledged. It is
 * always a new one, which may be killed, whatever URL the environment holds.
 */
export function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  return start(requireBinary(BINARIES.redis), 'redis', options)
}

/**
 * A Valkey: the one that `SOJOURN_TEST_VALKEY_URL` names, which is left running, else a new one. `undefined`, and a
 * printed reason, where there is neither: Debian 12 has no package of it.
 */
export async function startValkey(
  options: RedisServerOptions = {},
): Promise<Pick<RedisServer, 'url' | 'stop'> | undefined> {
  const url = process.env['SOJOURN_TEST_VALKEY_URL']
  if (url) return { url, stop: async () => {} }
  const command = findBinary(BINARIES.valkey)
  if (command !== undefined) return start(command, 'valkey', options)
  console.warn('skipped: Valkey, no valkey-server on the PATH and no SOJOURN_TEST_VALKEY_URL')
  return undefined
}

/** Starts a server that watches others in place of keeping data. `lines` are of its sentinel.conf. */
export function startSentinelProcess(lines: readonly string[]): Promise<RedisServer> {
  return start(requireBinary(BINARIES.redis), 'sentinel', {}, lines)
}

async function start(
  command: string,
  name: string,
  options: RedisServerOptions,
  sentinel?: readonly string[],
): Promise<RedisServer> {
  const server = await startServer(
    { name },
    () => {},
    (folder, port) => {
      // A file, since servers write to it what a failover changed.
      const file = join(folder, 'redis.conf')
      const own = { port: String(port), dir: `"${folder}"` }
      const settings = sentinel
        ? { bind: SETTINGS.bind, ...own }
        : { ...SETTINGS, ...own, ...options.settings }
      const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}`)
      writeFileSync(file, [...lines, ...(sentinel ?? []), ''].join('\n'))
      return {
        name,
        command,
        args: sentinel ? [file, '--sentinel'] : [file],
        folder,
        ready: sentinel ? /Sentinel ID is/ : /Ready to accept connections/,
        quit: { inOrder: 'SIGTERM', atOnce: 'SIGKILL' },
      }
    },
  )
  return { ...server, url: `redis://127.0.0.1:${server.port}` }
}
