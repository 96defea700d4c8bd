// The sources are developed on one runtime; users have others. Each of them comes from npm, at a version that the
// lock file in test/runtimes pins, and runs the packed package there.
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installPacked, packPackage, root, run } from '../package/pack.ts'
import type { Packed } from '../package/pack.ts'

interface Report {
  readonly runtime: string
  /** Passed cases by section. */
  readonly passed: Readonly<Record<string, number>>
  readonly skipped: readonly string[]
  readonly failed: readonly string[]
}

interface Runtime {
  readonly program: string
  readonly version: RegExp
  readonly sqlite: readonly string[]
}

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
}

let packed: Packed
let project: string

beforeAll(async () => {
  const programs = Object.values(RUNTIMES).map(({ program }) => program)
  if (!programs.every((program) => existsSync(program))) {
    await run('npm', ['ci', '--no-audit', '--no-fund', '--prefix', runtimes], { cwd: runtimes })
  }
  packed = await packPackage()
  project = await installPacked(packed, 'smoke', { type: 'module' })
  copyFileSync(join(runtimes, 'smoke.mjs'), join(project, 'smoke.mjs'))
}, 600_000)

afterAll(() => packed?.remove())

describe('the package', () => {
  it.each(Object.entries(RUNTIMES))(
    'keeps both contracts and answers requests on %s',
    async (_name, { program, version, sqlite }) => {
      const { stdout } = await run(program, ['smoke.mjs'], { cwd: project })
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
