import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BINARIES, findBinary, requireBinary } from './binary.ts'
import { run, startServer } from './server-process.ts'
import type { TestServer } from './server-process.ts'

/** A MariaDB, or a MySQL, of the tests' own. Its URL names a user who may do anything, and the database `sojourn`. */
export type MariadbServer = TestServer

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
}

// An installation is made again rather than kept, so it waits for no disk.
const INSTALLING = ['--skip-test-db', '--skip-name-resolve', '--innodb-flush-method=nosync']

// Runs at each start, before the first connection is taken.
const INIT = `CREATE DATABASE IF NOT EXISTS sojourn;
CREATE USER IF NOT EXISTS 'sojourn'@'127.0.0.1' IDENTIFIED BY 'sojourn';
GRANT ALL ON *.* TO 'sojourn'@'127.0.0.1';
`

/**
 * Starts a MariaDB with an empty database. Its writes are durable. Its character set is the one it was built with,
 * latin1 until 11.6: a table must name its own. It is always a new one, which may be killed, whatever URL the
 * environment holds.
 */
export function startMariadb(options: MariadbServerOptions = {}): Promise<MariadbServer> {
  const command = requireBinary(BINARIES.mariadb)
  const settings = { 'innodb-log-file-size': '32M', ...options.settings }
  const installer = join(dirname(command), '..', 'bin', 'mariadb-install-db')
  return start(command, { name: 'mariadb', settings }, (data) => [
    installer,
    ['--no-defaults', ...asRoot(), `--datadir=${data}`, temporary(dirname(data)), ...INSTALLING],
  ])
}

/**
 * A MySQL 8: the one that `SOJOURN_TEST_MYSQL_URL` names, which is left running, else a new one. `undefined`, and a
 * printed reason, where there is neither: Debian has no package of it, and its `mysqld` is a MariaDB.
 */
export async function startMysql(
  options: MariadbServerOptions = {},
): Promise<Pick<MariadbServer, 'url' | 'stop'> | undefined> {
  const url = process.env['SOJOURN_TEST_MYSQL_URL']
  if (url) return { url, stop: async () => {} }
  const command = findBinary(BINARIES.mysql)
  if (command === undefined) {
    console.warn('skipped: MySQL, no mysqld of MySQL 8 or 9 and no SOJOURN_TEST_MYSQL_URL')
    return undefined
  }
  // Debian's and Ubuntu's are built to end where a folder of theirs is missing.
  const settings = { mysqlx: 'OFF', 'secure-file-priv': '', ...options.settings }
  return start(command, { name: 'mysql', settings }, (data) => [
    command,
    [
      '--no-defaults',
      ...asRoot(),
      `--datadir=${data}`,
      temporary(dirname(data)),
      '--initialize-insecure',
    ],
  ])
}

async function start(
  command: string,
  { name, settings }: { name: string; settings: Readonly<Record<string, string>> },
  making: (data: string) => [command: string, args: readonly string[]],
): Promise<MariadbServer> {
  const server = await startServer(
    { name },
    async (folder) => {
      await run(...making(join(folder, 'data')), { cwd: folder })
      writeFileSync(join(folder, 'init.sql'), INIT)
    },
    (folder, port) => ({
      name,
      command,
      args: [
        '--no-defaults',
        ...asRoot(),
        `--datadir=${join(folder, 'data')}`,
        temporary(folder),
        `--socket=${join(folder, 'socket')}`,
        `--pid-file=${join(folder, 'pid')}`,
        `--init-file=${join(folder, 'init.sql')}`,
        ...Object.entries({ ...SETTINGS, port, ...settings }).map(
          ([key, value]) => `--${key}=${value}`,
        ),
      ],
      folder,
      ready: /ready for connections/,
      quit: { inOrder: 'SIGTERM', atOnce: 'SIGKILL' },
    }),
  )
  return { ...server, url: `mariadb://sojourn:sojourn@127.0.0.1:${server.port}/sojourn` }
}

/** One that starts deletes temporary tables that it takes for its own: in a folder that is shared, another's. */
function temporary(folder: string): string {
  return `--tmpdir=${folder}`
}

function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}
