// How Sojourn compares over HTTP: `npm run bench:http`, or `npm run bench:http -- express` for the groups whose names have
// that word; `--full` takes all groups and more rounds, and rewrites the figures in docs/performance.md.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../test/servers/postgres.ts'
import { startRedis } from '../../test/servers/redis.ts'
import { pollBeforeHalt } from '../halt-polling.mjs'
import { findWrk } from './load.mjs'
import { measure, PATHS } from './measure.mjs'
import { tableOf, writePage } from './report.mjs'
import { startServer } from './server-process.mjs'
import { createGroups } from './variants.mjs'

const PEERS = new URL('../peers/', import.meta.url)
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { full: { type: 'boolean', default: false } },
})
const plan = { rounds: options.full ? 7 : 3, seconds: 1, warmUp: 3 }
const chosen = createGroups().filter(
  ({ name, store }) =>
    (options.full || positionals.length > 0 || store === 'memory') &&
    (positionals.length === 0 || positionals.some((word) => name.includes(word))),
)

const polls = pollBeforeHalt()
// The server has a core of its own, and what loads it the other.
const pinned = process.platform === 'linux' && availableParallelism() >= 2
const [serverCore, loadCore] = pinned ? [0, 1] : []

if (!existsSync(new URL('node_modules', PEERS))) {
  execFileSync('npm', ['ci', '--no-fund', '--no-audit'], { cwd: PEERS, stdio: 'inherit' })
}
const wrk = findWrk()
const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-'))
const stores = []
const env = {}
if (chosen.some(({ store }) => store === 'redis')) {
  const redis = await startStore(startRedis)
  env.BENCH_REDIS_URL = redis.url
}
if (chosen.some(({ store }) => store === 'postgres')) {
  const postgres = await startStore(startPostgres)
  env.BENCH_POSTGRES_URL = postgres.url
}

const groups = []
try {
  for (const { name, framework, store, variants } of chosen) {
    const servers = []
    try {
      for (const variant of variants) {
        servers.push(await startServer(variant, { core: serverCore, folder, env }))
      }
      for (const path of PATHS) {
        const load = { wrk, core: loadCore }
        const rows = await measure(servers, path, { ...plan, load })
        groups.push({ name, framework, store, path, rows })
        console.log(tableOf(groups.at(-1)))
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()))
    }
  }
} finally {
  await Promise.all(stores.map((server) => server.stop()))
  rmSync(folder, { recursive: true, force: true })
}

const [cpu] = cpus()
const machine = { cpu: cpu?.model, cores: cpus().length, node: process.version, pinned, polls }
const report = { machine, plan, groups }
mkdirSync('reports', { recursive: true })
writeFileSync('reports/http.json', JSON.stringify(report, undefined, 2))
if (options.full && positionals.length === 0) writePage(report)

/** A server of the tests, on the core of the load. */
async function startStore(start) {
  const affinity = loadCore === undefined ? undefined : String(loadCore)
  const before = affinity === undefined ? undefined : pinSelf(affinity)
  const server = await start()
  if (before !== undefined) pinSelf(before)
  stores.push(server)
  return server
}

/** Pins this process, and so what it starts, to cores; gives those that it had. */
function pinSelf(list) {
  const said = execFileSync('taskset', ['-cp', list, String(process.pid)], { encoding: 'utf8' })
  return /current affinity list: (\S+)/.exec(said)[1]
}
