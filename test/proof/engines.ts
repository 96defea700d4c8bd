// Runs the suites of Redis, Valkey and MySQL on the servers of Debian's unstable, newer than those that `npm test` finds
// on a stable Debian, which has no MySQL: `npm run proof:engines`. Takes root on a Debian with `debootstrap`, half a
// gigabyte and some minutes the first time; installs nothing outside of `node_modules/.cache`.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/debian-unstable')
const TREE = join(CACHE, 'tree')
const BIN = join(CACHE, 'bin')
const PACKAGES = ['mysql-server-core', 'redis-server', 'valkey-server']
const PROGRAMS = ['usr/sbin/mysqld', 'usr/bin/redis-server', 'usr/bin/valkey-server']
const SUITES = ['mysql8', 'redis', 'redis-valkey'].map((name) => `test/backends/${name}`)

if (!existsSync(TREE)) {
  const half = `${TREE}.half`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(CACHE, { recursive: true })
  const include = `--include=${PACKAGES.join(',')}`
  run('debootstrap', ['--variant=minbase', include, 'sid', half])
  renameSync(half, TREE)
}

mkdirSync(BIN, { recursive: true })
for (const program of PROGRAMS) {
  // By the loader and the libraries of that Debian, which are newer than those of this one.
  const loader = join(TREE, 'usr/lib64/ld-linux-x86-64.so.2')
  const libraries = join(TREE, 'usr/lib/x86_64-linux-gnu')
  const more = program.endsWith('mysqld') ? ` --basedir='${join(TREE, 'usr')}'` : ''
  const file = join(BIN, basename(program))
  const line = `exec '${loader}' --library-path '${libraries}' '${join(TREE, program)}' "$@"${more}`
  writeFileSync(file, `#!/bin/sh\n${line}\n`)
  chmodSync(file, 0o755)
  run(file, ['--version'])
}

// The PATH comes before the folders of this machine.
const path = [BIN, process.env['PATH']].join(delimiter)
run('npx', ['vitest', 'run', '--project', 'servers', ...SUITES], { ...process.env, PATH: path })

function run(command: string, args: readonly string[], env = process.env): void {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, env, stdio: 'inherit' })
  if (status === 0) return
  console.error(`${command} failed${error === undefined ? '' : `: ${error.message}`}`)
  process.exit(1)
}
