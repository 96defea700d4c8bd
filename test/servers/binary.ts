import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { installPackages, mayInstall } from './install.ts'

/** How a server's program is found, and how it is got where there is none. */
export interface Binary {
  /** What it may be called; the first that is found is taken. */
  readonly names: readonly string[]
  /** Folders to look in beside those on the PATH. */
  readonly folders: () => readonly string[]
  /** What its version must say, where another program goes by the same name. */
  readonly version?: RegExp
  /** Debian's package, if there is one. */
  readonly debian?: string
  /** The variable whose URL names a server to use in its place, if one will do. */
  readonly variable?: string
}

const SYSTEM = ['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/opt/homebrew/bin']

/** The programs that the suite may need. */
export const BINARIES = {
  postgres: {
    names: ['postgres'],
    folders: () => newestFirst('/usr/lib/postgresql'),
    debian: 'postgresql',
    variable: 'SOJOURN_TEST_POSTGRES_URL',
  },
  redis: {
    names: ['redis-server'],
    folders: () => SYSTEM,
    debian: 'redis-server',
    variable: 'SOJOURN_TEST_REDIS_URL',
  },
  mariadb: {
    names: ['mariadbd', 'mysqld'],
    folders: () => [...SYSTEM, '/usr/libexec'],
    version: /MariaDB/,
    debian: 'mariadb-server',
    variable: 'SOJOURN_TEST_MARIADB_URL',
  },
  mysql: {
    names: ['mysqld'],
    folders: () => [...SYSTEM, '/usr/libexec', '/usr/local/mysql/bin'],
    version: /^(?!.*MariaDB).* Ver [89]\./,
  },
  valkey: { names: ['valkey-server'], folders: () => SYSTEM },
  pgbouncer: { names: ['pgbouncer'], folders: () => SYSTEM, debian: 'pgbouncer' },
} as const satisfies Record<string, Binary>

/** The path of a program, or `undefined`. `path` is a PATH to go by. */
export function findBinary(
  { names, folders, version }: Binary,
  path: string | undefined = process.env['PATH'],
): string | undefined {
  const places = [...(path ?? '').split(delimiter).filter(Boolean), ...folders()]
  return names
    .flatMap((name) => places.map((place) => join(place, name)))
    .find((file) => existsSync(file) && (version === undefined || version.test(versionOf(file))))
}

/**
 * The path of a program. Where it is missing, and may be installed (as root, on Debian), it is.
 *
 * @throws {Error} with the one command to run.
 */
export function requireBinary(
  binary: Binary,
  { path, install = mayInstall() }: { path?: string; install?: boolean } = {},
): string {
  const found = findBinary(binary, path)
  if (found !== undefined) return found
  if (install && binary.debian !== undefined) {
    installPackages([binary.debian])
    const installed = findBinary(binary, path)
    if (installed !== undefined) return installed
  }
  const other = binary.variable === undefined ? '' : `, or set ${binary.variable}`
  throw new Error(
    `no ${binary.names[0]}: run "sudo apt-get install --yes ${binary.debian}"${other}`,
  )
}

/**
 * Installs the packages of those programs that are missing, in one step, where packages may be installed. Returns the
 * packages that are missing still.
 */
export function installMissing(binaries: readonly Binary[], install = mayInstall()): string[] {
  const missing = packagesMissing(binaries)
  if (missing.length === 0 || !install) return missing
  console.log(`apt-get install ${missing.join(' ')}`)
  installPackages(missing)
  return packagesMissing(binaries)
}

function packagesMissing(binaries: readonly Binary[]): string[] {
  return binaries.flatMap((binary) =>
    binary.debian === undefined || findBinary(binary) !== undefined ? [] : [binary.debian],
  )
}

function versionOf(path: string): string {
  return spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? ''
}

/** Debian keeps PostgreSQL's programs off the PATH, one folder a version. */
function newestFirst(root: string): string[] {
  if (!existsSync(root)) return []
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(root, version, 'bin'))
}
