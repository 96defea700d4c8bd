// What users install is the tarball, and nothing in this repository imports it. These tests build it, look into
// it, install it and use it, so that a wrong `exports` entry, a missing file or a broken declaration is found here.
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installPacked, packPackage, root, run, toolPath } from '../package/pack.ts'
import type { Packed } from '../package/pack.ts'
import { reachOf } from '../package/reach.ts'
import { bundledSize } from '../package/bundle.ts'

interface Manifest {
  readonly exports: Readonly<Record<string, string | { types: string; default: string }>>
  readonly [field: string]: unknown
}

// For each subpath: which rooms of ours it loads, and which modules of Node.
const CORE = ['core']
const REQUEST = ['core', 'http', 'request', 'request.js']
const UP_TO_REQUEST = [...REQUEST, 'manager', 'manager.js']
const REACH: Readonly<Record<string, { rooms: readonly string[]; modules: readonly string[] }>> = {
  '.': {
    rooms: [...UP_TO_REQUEST, 'index.js'],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './backends/memory': {
    rooms: ['backends/memory', 'backends/memory.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './backends/sqlite': {
    rooms: ['backends/sqlite', 'backends/sqlite.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './backends/redis': {
    rooms: ['backends/redis', 'backends/redis.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel', 'node:timers/promises'],
  },
  './backends/postgres': {
    rooms: ['backends/postgres', 'backends/postgres.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './backends/mysql': {
    rooms: ['backends/mysql', 'backends/mysql.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './backends/cookie': {
    rooms: ['backends/cookie', 'backends/cookie.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './backends/unstorage': {
    rooms: ['backends/unstorage.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './backends/keyv': {
    rooms: ['backends/keyv.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './backends/express-store': {
    rooms: ['backends/express-store.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/node': {
    rooms: ['adapters/node.js', ...REQUEST],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/fetch': {
    rooms: ['adapters/fetch.js', ...REQUEST],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/express': {
    rooms: ['adapters/express.js', ...REQUEST],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/fastify': {
    rooms: ['adapters/fastify.js', ...REQUEST],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/koa': {
    rooms: ['adapters/koa.js', ...REQUEST],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/hono': {
    rooms: ['adapters/hono.js', ...REQUEST],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/h3': {
    rooms: ['adapters/h3.js', ...REQUEST],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/guard': {
    rooms: ['adapters/guard', 'adapters/guard.js', ...CORE],
    modules: ['node:crypto', 'node:diagnostics_channel'],
  },
  './adapters/opentelemetry': {
    rooms: ['adapters/opentelemetry.js', ...CORE],
    modules: ['node:diagnostics_channel'],
  },
  './express-session': {
    rooms: [...CORE, 'express-session', 'express-session.js', 'http'],
    modules: ['node:crypto', 'node:diagnostics_channel', 'node:events'],
  },
  './testing': {
    rooms: [...CORE, 'testing'],
    modules: ['node:assert/strict', 'node:crypto'],
  },
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json')
let packed: Packed

beforeAll(async () => {
  packed = await packPackage()
})

afterAll(() => packed?.remove())

describe('package.json', () => {
  it('names no runtime dependency of any kind', () => {
    const fields = [
      'dependencies',
      'optionalDependencies',
      'bundleDependencies',
      'peerDependencies',
    ]
    expect(fields.filter((field) => field in manifest)).toEqual([])
  })

  it('runs no script on the machine of whoever installs it', () => {
    const scripts = Object.keys(manifest['scripts'] as object)
    const onInstall = new Set(['preinstall', 'install', 'postinstall', 'prepare'])
    expect(scripts.filter((script) => onInstall.has(script))).toEqual([])
  })
})

describe('exports', () => {
  it.each(subpaths)(
    '%s is the file of that path, with its types, and says its own name',
    (subpath) => {
      const entry = manifest.exports[subpath]
      const source = sourceOf(subpath)
      const built = `./dist/${source.replace(/\.ts$/, '')}`
      expect(entry).toEqual({ types: `${built}.d.ts`, default: `${built}.js` })
      expect(packed.files).toContain(`${built.slice(2)}.d.ts`)
      expect(packed.files).toContain(`${built.slice(2)}.js`)
      expect(moduleLineOf(source)).toBe(`sojourn${subpath.slice(1)}`)
    },
  )

  it('has every module that a header comment names', () => {
    const named = sources()
      .map(moduleLineOf)
      .filter((name) => name !== undefined)
    expect(named.toSorted()).toEqual(
      subpaths.map((subpath) => `sojourn${subpath.slice(1)}`).toSorted(),
    )
  })

  it('has every leaf', () => {
    const leaves = sources().filter((path) => /^(backends|adapters)\/[^/]+\.ts$/.test(path))
    expect(
      leaves
        .map((path) => `./${path.replace(/\.ts$/, '')}`)
        .filter((leaf) => !subpaths.includes(leaf)),
    ).toEqual([])
  })
})

describe('the tarball', () => {
  it('holds the built files and four more', () => {
    const others = packed.files.filter((path) => !/^dist\/[a-z0-9/-]+(\.d\.ts|\.js)$/.test(path))
    expect(others).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  })

  it('holds one script and one declaration for each source', () => {
    const expected = sources().flatMap((path) => {
      const stem = `dist/${path.replace(/\.ts$/, '')}`
      return [`${stem}.d.ts`, `${stem}.js`]
    })
    expect(packed.files.filter((path) => path.startsWith('dist/'))).toEqual(expected.toSorted())
  })

  it('passes publint', async () => {
    const publint = toolPath('publint/src/cli.js')
    const { stdout } = await run(process.execPath, [publint, 'run', packed.tarball, '--strict'])
    expect(stdout).toContain('All good!')
  })

  it('has types that resolve for every kind of import', async () => {
    const attw = toolPath('@arethetypeswrong/cli/dist/index.js')
    const args = [attw, packed.tarball, '--profile', 'esm-only', '--format', 'json']
    // It ends with 1, and `run` rejects, for each problem that this profile counts.
    const { stdout } = await run(process.execPath, args)
    const { analysis } = JSON.parse(stdout) as {
      readonly analysis: { readonly entrypoints: object }
    }
    expect(Object.keys(analysis.entrypoints)).toEqual(Object.keys(manifest.exports))
  })
})

describe('reach', () => {
  it('is known for every subpath', () => {
    expect(Object.keys(REACH)).toEqual(subpaths)
  })

  it.each(Object.entries(REACH))(
    'of %s is what the floors allow',
    (subpath, { rooms, modules }) => {
      const dist = join(packed.folder, 'dist')
      const reach = reachOf(dist, sourceOf(subpath).replace(/\.ts$/, '.js'))
      expect(reach.rooms).toEqual([...rooms].toSorted())
      expect(reach.modules).toEqual(modules)
    },
  )
})

// Some servers start anew for each request: what they load, they wait for.
describe('a bundle', () => {
  const MEMORY = { 'backends/memory.js': ['createMemoryBackend'] }
  const FETCH = { 'adapters/fetch.js': ['createFetchAdapter'] }
  const MANAGER = { 'index.js': ['createSessionManager'] }
  const readme = readFileSync(join(root, 'README.md'), 'utf8')

  it.each([
    ['the memory backend and the fetch adapter', { ...MEMORY, ...FETCH }],
    ['the same and the manager', { ...MEMORY, ...FETCH, ...MANAGER }],
    ['an adapter for a framework', { 'adapters/h3.js': ['createH3Adapter'] }],
  ])('of %s is no larger than the README says', async (what, imports) => {
    const row = new RegExp(`^\\| ${what} \\| (\\d+) KiB \\| (\\d+) KiB \\|`, 'm')
    const [, first, all] = row.exec(readme) ?? []
    const { atFirst, whole } = await bundledSize(join(packed.folder, 'dist'), imports)
    expect(atFirst).toBeGreaterThan(1024)
    expect(atFirst).toBeLessThanOrEqual(Number(first) * 1024)
    expect(whole).toBeGreaterThanOrEqual(atFirst)
    expect(whole).toBeLessThanOrEqual(Number(all) * 1024)
  })
})

describe('a project that installed the tarball', () => {
  it.each([
    ['ES module', 'use-sojourn.mjs', { type: 'module' }],
    ['CommonJS', 'use-sojourn.cjs', { type: 'commonjs' }],
  ])('makes and reads sessions as %s', async (_kind, script, fields) => {
    const project = await installPacked(packed, script.replace('.', '-'), fields)
    copyFileSync(join(root, 'test/package', script), join(project, script))
    const { stdout, stderr } = await run(process.execPath, [script, 'sessions.db'], {
      cwd: project,
    })
    expect(JSON.parse(stdout)).toEqual({ memory: { visits: 2 }, sqlite: { visits: 2 } })
    expect(stderr.replaceAll(/^.*(ExperimentalWarning|--trace-warnings).*\n/gm, '')).toBe('')
  })

  it('cannot reach into the package', async () => {
    const project = await installPacked(packed, 'inside', { type: 'module' })
    const reach = "await import('sojourn/dist/core/session.js')"
    const reaching = run(process.execPath, ['--input-type=module', '--eval', reach], {
      cwd: project,
    })
    await expect(reaching).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it.each([
    ['Node', { module: 'nodenext', types: ['node'], lib: ['ES2023'] }],
    ['Node, by a bundler', { module: 'esnext', moduleResolution: 'bundler', types: ['node'] }],
    [
      'the web, without the types of Node',
      { module: 'nodenext', types: [], lib: ['ES2023', 'DOM'] },
    ],
  ])('compiles with strict settings for %s', async (kind, settings) => {
    const project = await installPacked(packed, `types-${kind.replaceAll(/\W/g, '')}`, {
      type: 'module',
    })
    const compilerOptions = { ...STRICT, ...settings }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    copyFileSync(join(root, 'test/package/consumer.ts'), join(project, 'consumer.ts'))
    mkdirSync(join(project, 'node_modules/@types'))
    symlinkSync(toolPath('@types/node'), join(project, 'node_modules/@types/node'))
    const tsc = toolPath('typescript/bin/tsc')
    await expect(run(process.execPath, [tsc, '-p', '.'], { cwd: project })).resolves.toBeDefined()
  })
})

const STRICT = {
  target: 'ES2022',
  strict: true,
  skipLibCheck: false,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  noEmit: true,
}

/** The sources, as paths below `src`. */
function sources(): readonly string[] {
  const src = join(root, 'src')
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(src, join(entry.parentPath, entry.name)))
}

// What you type is where it lives: a file, or the index of a folder.
function sourceOf(subpath: string): string {
  const path = subpath.slice(2)
  if (path === '') return 'index.ts'
  return sources().includes(`${path}.ts`) ? `${path}.ts` : `${path}/index.ts`
}

/** The specifier in the file's header comment, if it has one. */
function moduleLineOf(path: string): string | undefined {
  const text = readFileSync(join(root, 'src', path), 'utf8')
  const header = /^\/\*\*\n(?: \*.*\n)+? \* @module `(.+)`\n \*\/\n/.exec(text)
  return header?.[1]
}
