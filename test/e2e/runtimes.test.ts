// The sources are developed on one runtime; users have others. Each of them comes from npm, at a version that the
// lock file in test/runtimes pins, and runs the packed package there.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installPacked, packPackage, root, run, toolPath } from '../package/pack.ts'
import type { Packed } from '../package/pack.ts'
import { bundle } from '../package/bundle.ts'

interface Report {
  readonly runtime: string
  /** Passed cases by section. */
  readonly passed: Readonly<Record<string, number>>
  readonly skipped: readonly string[]
  readonly failed: readonly string[]
}

interface Runtime {
  readonly program: string
  readonly flags?: readonly string[]
  readonly version: RegExp
  readonly sqlite: readonly string[]
}

/** What came of the HTTP suite, on each adapter that works on fetch. */
const HTTP_SUITE = { passed: expect.toSatisfy((cases) => cases > 250) as number, failed: [] }

const runtimes = join(root, 'test/runtimes')
const installed = join(runtimes, 'node_modules')

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  'Node 20': { program: node('node20'), version: /^node 20\./, sqlite: [] },
  'Node 22': { program: node('node22'), version: /^node 22\./, sqlite: ['node:sqlite'] },
  'Node 24': { program: process.execPath, version: /^node 24\./, sqlite: ['node:sqlite'] },
  'Node 26': { program: node('node26'), version: /^node 26\./, sqlite: ['node:sqlite'] },
  Bun: {
    program: join(installed, '.bin/bun'),
    version: /^bun 1\./,
    sqlite: ['node:sqlite', 'bun:sqlite'],
  },
  Deno: {
    program: join(installed, '.bin/deno'),
    flags: ['run', '--allow-all', '--no-prompt', '--node-modules-dir=manual'],
    version: /^deno 2\./,
    sqlite: ['node:sqlite'],
  },
}
const WORKERD = join(installed, 'workerd/bin/workerd')

let packed: Packed
let project: string

beforeAll(async () => {
  const programs = [...Object.values(RUNTIMES).map(({ program }) => program), WORKERD]
  if (!programs.every((program) => existsSync(program))) {
    await run('npm', ['ci', '--no-audit', '--no-fund', '--prefix', runtimes], { cwd: runtimes })
  }
  packed = await packPackage()
  project = await installPacked(packed, 'smoke', { type: 'module' })
  copyFileSync(join(runtimes, 'smoke.mjs'), join(project, 'smoke.mjs'))
  await bundleHere('suite/main.ts', 'suite.mjs')
  copyFileSync(join(runtimes, 'drop-in.cjs'), join(project, 'drop-in.cjs'))
  for (const name of ['express', 'connect-flash']) {
    symlinkSync(toolPath(name), join(project, 'node_modules', name))
  }
}, 600_000)

afterAll(() => packed?.remove())

describe('the package', () => {
  it.each(Object.entries(RUNTIMES))(
    'keeps both contracts and answers requests on %s',
    async (_name, { program, flags = [], version, sqlite }) => {
      const { stdout } = await run(program, [...flags, 'smoke.mjs'], { cwd: project })
      const { runtime, passed, skipped, failed } = JSON.parse(stdout) as Report
      expect(runtime).toMatch(version)
      expect(failed).toEqual([])
      expect(skipped).toEqual([])
      expect(Object.keys(passed)).toEqual(sectionsWith(sqlite))
      expect(passed).toMatchObject({ 'sealed cookies': 2, http: 2, require: 1 })
      const contracts = Object.entries(passed).filter(([name]) => /backend|store/.test(name))
      expect(contracts.filter(([, cases]) => cases < 30)).toEqual([])
    },
  )
})

describe('the HTTP suite on a server of fetch', () => {
  it.each(['Bun', 'Deno'])('of %s', async (name) => {
    const { program = '', flags = [] } = RUNTIMES[name] ?? {}
    const { stdout } = await run(program, [...flags, 'suite.mjs'], { cwd: project })
    expect(JSON.parse(stdout)).toStrictEqual(HTTP_SUITE)
  })
})

describe('an application of Express on the drop-in for express-session', () => {
  it.each(['Node 20', 'Node 26', 'Bun', 'Deno'])('runs on %s', async (name) => {
    const { program = '', flags = [] } = RUNTIMES[name] ?? {}
    const { stdout } = await run(program, [...flags, 'drop-in.cjs'], { cwd: project })
    expect(JSON.parse(stdout)).toStrictEqual({ passed: 24, failed: [] })
  })
})

describe('a worker', () => {
  let origin = ''
  let workerd: ChildProcess

  beforeAll(async () => {
    await bundleHere('worker.mjs', 'worker.js')
    await bundleHere('suite/worker.ts', 'suite.js')
    writeFileSync(join(project, 'worker.capnp'), WORKER)
    // It says on this descriptor which port it has got, in one line for each socket.
    const stdio = ['ignore', 'inherit', 'inherit', 'pipe'] as const
    workerd = spawn(WORKERD, ['serve', '--control-fd=3', 'worker.capnp'], {
      cwd: project,
      stdio: [...stdio],
    })
    const port = await portOf(workerd.stdio[3] as Readable)
    origin = `http://127.0.0.1:${port}`
  })

  afterAll(() => workerd?.kill())

  it('keeps the contract on memory', async () => {
    const report = (await (await fetch(`${origin}/contract`)).json()) as object
    expect(report).toStrictEqual({ passed: expect.toSatisfy((cases) => cases > 30), failed: [] })
  })

  it('keeps the HTTP suite', async () => {
    const asked = get({ socketPath: join(project, 'suite.sock'), path: '/' })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect(await json(response)).toStrictEqual(HTTP_SUITE)
  })

  it('answers requests', async () => {
    const first = await fetch(origin)
    expect(await first.text()).toBe('visit 1')
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    expect(await (await fetch(origin, { headers: { cookie } })).text()).toBe('visit 2')
    const third = await fetch(`${origin}/logout`, { headers: { cookie } })
    expect(third.headers.getSetCookie()[0]).toMatch(/^__Host-session=; Max-Age=0; /)
    expect(await (await fetch(origin, { headers: { cookie } })).text()).toBe('visit 1')
  })

  it('keeps its sessions sealed in cookies where it has no store', async () => {
    const first = await fetch(`${origin}/sealed`)
    expect(await first.text()).toBe('visit 1')
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    expect(await (await fetch(`${origin}/sealed`, { headers: { cookie } })).text()).toBe('visit 2')
  })
})

// The suite's requests to itself go by a socket, so that each is one of HTTP and has a context of its own.
const WORKER = `using Workerd = import "/workerd/workerd.capnp";
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-01-01",
  compatibilityFlags = ["nodejs_compat"],
);
const suite :Workerd.Worker = (
  modules = [(name = "suite.js", esModule = embed "suite.js")],
  compatibilityDate = "2026-01-01",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [(name = "socket", service = "socket")],
);
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "suite", worker = .suite),
    (name = "socket", external = (address = "unix:suite.sock", http = ())),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:0", http = (), service = "main"),
    (name = "suite", address = "unix:suite.sock", http = (), service = "suite"),
  ],
);
`

async function bundleHere(entry: string, file: string): Promise<void> {
  const stead = join(runtimes, 'suite/runner.ts')
  await bundle(join(runtimes, entry), join(project, file), join(packed.folder, 'dist'), stead)
}

async function portOf(said: Readable): Promise<number> {
  const ports = new Map<string, number>()
  for await (const line of createInterface({ input: said })) {
    const { socket, port } = JSON.parse(line) as { readonly socket: string; readonly port: number }
    ports.set(socket, port)
    if (ports.size === 2) break
  }
  return ports.get('http') ?? 0
}

function node(name: string): string {
  return join(installed, name, 'bin/node')
}

function sectionsWith(sqlite: readonly string[]): readonly string[] {
  const engines = sqlite.flatMap((driver) => [`${driver} backend`, `${driver} store`])
  const refused = sqlite.includes('node:sqlite') ? [] : ['a path without node:sqlite']
  return [
    'memory backend',
    'memory store',
    'sealed cookies',
    ...refused,
    ...engines,
    'http',
    'require',
  ]
}
