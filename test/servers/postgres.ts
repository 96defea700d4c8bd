import { realpathSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BINARIES, requireBinary } from './binary.ts'
import { freePort, makeFolder, run, runServer, unprivileged } from './server-process.ts'
import type { Account, TestServer } from './server-process.ts'

/** A PostgreSQL of the tests' own. */
export interface PostgresServer extends TestServer {
  readonly url: string
}

/** A PostgreSQL that follows another, and can be read from. */
export interface PostgresReplica extends PostgresServer {
  /** Ends the following: from here on it takes writes. */
  promote(): Promise<void>
}

/** Options for starting a PostgreSQL. */
export interface PostgresServerOptions {
  /** Settings as in postgresql.conf, in place of the defaults or of those here. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The user whom the server's URL names: a superuser. Every password is right. */
const USER = 'sojourn'

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  max_connections: '300',
  // A killed server would leave files in /dev/shm.
  dynamic_shared_memory_type: 'mmap',
  wal_level: 'replica',
}

/** Starts a PostgreSQL with an empty database. Its writes are durable: `fsync` is on. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const programs = programFolder()
  const account = unprivileged()
  const folder = makeFolder('postgres', account)
  await run(
    join(programs, 'initdb'),
    ['-D', join(folder, 'data'), '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    { account, cwd: folder },
  )
  return startOn(folder, { programs, account, settings: options.settings ?? {} })
}

/** Starts a replica of `primary`, which it follows by streaming. It takes reads, and no writes until promoted. */
export async function startReplica(
  primary: PostgresServer,
  options: PostgresServerOptions = {},
): Promise<PostgresReplica> {
  const programs = programFolder()
  const account = unprivileged()
  const folder = makeFolder('postgres-replica', account)
  const data = join(folder, 'data')
  const source = `host=127.0.0.1 port=${primary.port} user=${USER} application_name=replica`
  await run(
    join(programs, 'pg_basebackup'),
    ['-D', data, '-d', source, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'],
    { account, cwd: folder },
  )
  rmSync(join(data, 'postmaster.pid'), { force: true })
  const server = await startOn(folder, { programs, account, settings: options.settings ?? {} })
  return {
    ...server,
    promote: () =>
      run(join(programs, 'pg_ctl'), ['promote', '-w', '-D', data], { account, cwd: folder }),
  }
}

async function startOn(
  folder: string,
  how: { programs: string; account: Account | undefined; settings: Record<string, string> },
): Promise<PostgresServer> {
  const port = await freePort()
  const settings = { ...SETTINGS, port: String(port), unix_socket_directories: folder }
  const server = await runServer({
    name: 'PostgreSQL',
    command: join(how.programs, 'postgres'),
    args: [
      '-D',
      join(folder, 'data'),
      ...Object.entries({ ...settings, ...how.settings }).flatMap(([key, value]) => [
        '-c',
        `${key}=${value}`,
      ]),
    ],
    folder,
    ready: /database system is ready to accept/,
    account: how.account,
    quit: 'SIGINT',
  })
  return { ...server, port, url: `postgres://${USER}:any@127.0.0.1:${port}/postgres` }
}

/** The folder of PostgreSQL's programs. The one that was found may be a link into it. */
function programFolder(): string {
  return dirname(realpathSync(requireBinary(BINARIES.postgres)))
}
