import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BINARIES, requireBinary } from './binary.ts'
import type { PostgresServer } from './postgres.ts'
import { startServer, unprivileged } from './server-process.ts'
import type { TestServer } from './server-process.ts'

/** A PgBouncer of the tests' own. Its URL names the database of the PostgreSQL behind it. */
export type PgBouncer = TestServer

/** Options for starting a PgBouncer. */
export interface PgBouncerOptions {
  /** Settings as in pgbouncer.ini, in place of the defaults or of those here. */
  readonly settings?: Readonly<Record<string, string>>
}

const SETTINGS = {
  listen_addr: '127.0.0.1',
  // No socket in /tmp.
  unix_socket_dir: '',
  auth_type: 'any',
  pool_mode: 'transaction',
  // Few enough that callers really share connections.
  default_pool_size: '4',
  max_client_conn: '300',
}

/** Starts a PgBouncer in front of `postgres`, in transaction pooling: each statement may meet another connection. */
export async function startPgBouncer(
  postgres: PostgresServer,
  options: PgBouncerOptions = {},
): Promise<PgBouncer> {
  const command = requireBinary(BINARIES.pgbouncer)
  // PgBouncer refuses to run as root.
  const account = unprivileged()
  const { username } = new URL(postgres.url)
  const server = await startServer(
    { name: 'pgbouncer', account },
    () => {},
    (folder, port) => {
      const file = join(folder, 'pgbouncer.ini')
      const settings = { ...SETTINGS, listen_port: String(port), ...options.settings }
      const lines = [
        '[databases]',
        `postgres = host=127.0.0.1 port=${postgres.port} dbname=postgres user=${username}`,
        '[pgbouncer]',
        ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`),
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      return {
        name: 'PgBouncer',
        command,
        args: [file],
        folder,
        ready: /process up/,
        account,
        quit: { inOrder: 'SIGINT', atOnce: 'SIGKILL' },
      }
    },
  )
  return { ...server, url: `postgres://${username}:any@127.0.0.1:${server.port}/postgres` }
}
