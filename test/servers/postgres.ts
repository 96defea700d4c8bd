import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BINARIES, requireBinary } from './binary.ts'
import { run, startServer, unprivileged } from './server-process.ts'
import type { TestServer } from './server-process.ts'

/** A PostgreSQL of the tests' own. Its URL names a superuser, and the database `postgres`. */
export type PostgresServer = TestServer

/** A PostgreSQL that follows another, and can be read from. */
export interface PostgresReplica extends PostgresServer {
  /** Ends the following, and comes back once it takes writes. */
  promote(): Promise<void>
}

/** Options for starting a PostgreSQL. */
export interface PostgresServerOptions {
  /** Settings as in postgresql.conf, in place of the defaults or of those here. */
  readonly settings?: Readonly<Record<string, string>>
}

const USER = 'sojourn'

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  max_connections: '300',
  // A killed server would leave files in /dev/shm.
  dynamic_shared_memory_type: 'mmap',
}

/**
 * Starts a PostgreSQL with an empty database. Its writes are durable: `fsync` and `synchronous_commit` are on. It is
 * always a new one, which may be killed, whatever URL the environment holds.
 */
export function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  return start('postgres', options, (programs, data) => [
    join(programs, 'initdb'),
    ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
  ])
}

/**
 * Starts a replica of `primary`, which it follows by streaming, as the standby `replica`. It takes reads, and no
 * writes until it is promoted.
 */
export async function startReplica(
  primary: PostgresServer,
  options: PostgresServerOptions = {},
): Promise<PostgresReplica> {
  const source = `host=127.0.0.1 port=${primary.port} user=${USER} application_name=replica`
  const server = await start('postgres-replica', options, (programs, data) => [
    join(programs, 'pg_basebackup'),
    ['-D', data, '-d', source, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'],
  ])
  const { folder } = server
  return {
    ...server,
    promote: () =>
      run(join(programFolder(), 'pg_ctl'), ['promote', '-w', '-D', join(folder, 'data')], {
        account: unprivileged(),
        cwd: folder,
      }),
  }
}

async function start(
  name: string,
  options: PostgresServerOptions,
  making: (programs: string, data: string) => [command: string, args: readonly string[]],
): Promise<PostgresServer> {
  const programs = programFolder()
  // PostgreSQL refuses to run as root.
  const account = unprivileged()
  const server = await startServer(
    { name, account },
    (folder) => run(...making(programs, join(folder, 'data')), { account, cwd: folder }),
    (folder, port) => ({
      name: 'PostgreSQL',
      command: join(programs, 'postgres'),
      args: ['-D', join(folder, 'data'), ...settingsOf(folder, port, options)],
      folder,
      ready: /database system is ready to accept/,
      account,
      // SIGKILL would leave a segment of shared memory.
      quit: { inOrder: 'SIGINT', atOnce: 'SIGQUIT' },
    }),
  )
  return { ...server, url: `postgres://${USER}:any@127.0.0.1:${server.port}/postgres` }
}

function settingsOf(folder: string, port: number, { settings }: PostgresServerOptions): string[] {
  const own = { ...SETTINGS, port: String(port), unix_socket_directories: folder, ...settings }
  return Object.entries(own).flatMap(([key, value]) => ['-c', `${key}=${value}`])
}

/** The folder of PostgreSQL's programs. The one that was found may be a link into it. */
function programFolder(): string {
  return dirname(realpathSync(requireBinary(BINARIES.postgres)))
}
