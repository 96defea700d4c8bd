import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BINARIES, requireBinary } from './binary.ts'
import { freePort, makeFolder, run, runServer } from './server-process.ts'
import type { TestServer } from './server-process.ts'

/** A MariaDB of the tests' own. */
export interface MariadbServer extends TestServer {
  readonly url: string
}

/** Options for starting a MariaDB. */
export interface MariadbServerOptions {
  /** Settings as in my.cnf, in place of the defaults or of those here. */
  readonly settings?: Readonly<Record<string, string>>
}

const SETTINGS = {
  'bind-address': '127.0.0.1',
  'skip-name-resolve': '1',
  'max-connections': '300',
  'innodb-flush-log-at-trx-commit': '1',
  'innodb-log-file-size': '32M',
}

// Runs at each start, before the first connection is taken.
const INIT = `CREATE DATABASE IF NOT EXISTS sojourn;
CREATE USER IF NOT EXISTS 'sojourn'@'127.0.0.1' IDENTIFIED BY 'sojourn';
GRANT ALL ON *.* TO 'sojourn'@'127.0.0.1';
`

/**
 * Starts a MariaDB with an empty database `sojourn`, and a user who may do anything. Its writes are durable. Its
 * character set is the one it was built with, latin1 until 11.6: a table must name its own.
 */
export async function startMariadb(options: MariadbServerOptions = {}): Promise<MariadbServer> {
  const command = requireBinary(BINARIES.mariadb)
  const folder = makeFolder('mariadb')
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : []
  const data = join(folder, 'data')
  await run(
    join(dirname(command), '..', 'bin', 'mariadb-install-db'),
    ['--no-defaults', ...asRoot, `--datadir=${data}`, '--skip-test-db', '--skip-name-resolve'],
    { cwd: folder },
  )
  const init = join(folder, 'init.sql')
  writeFileSync(init, INIT)
  const port = await freePort()
  const settings = { ...SETTINGS, port: String(port), ...options.settings }
  const server = await runServer({
    name: 'MariaDB',
    command,
    args: [
      '--no-defaults',
      ...asRoot,
      `--datadir=${data}`,
      `--socket=${join(folder, 'socket')}`,
      `--init-file=${init}`,
      ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`),
    ],
    folder,
    ready: /ready for connections/,
    quit: 'SIGTERM',
  })
  return { ...server, port, url: `mariadb://sojourn:sojourn@127.0.0.1:${port}/sojourn` }
}
