// A lint rule with a wrong glob reports nothing, and nobody notices. This plants every violation of the floors
// in a copy of the sources, runs the linter on it with the project's own configuration, and asks for each by name.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Plant {
  readonly file: string
  readonly imports: string
  readonly reported: string
}

const IMPORTS = 'no-restricted-imports'
const root = fileURLToPath(new URL('..', import.meta.url))
const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')

const FORBIDDEN: Readonly<Record<string, Plant>> = {
  'core importing a backend': plant('core/a.ts', '../backends/memory.ts'),
  'core importing http': plant('core/b.ts', '../http/vary.ts'),
  'core importing the manager': plant('core/c.ts', '../manager.ts'),
  'core importing node:fs': plant('core/d.ts', 'node:fs'),
  'core importing a package': plant('core/e.ts', 'vitest'),
  'a room of core importing a backend': plant('core/room/a.ts', '../../backends/memory.ts'),
  'a room of core importing the manager': plant('core/room/b.ts', '../../manager.ts'),
  'a room of core importing node:fs': plant('core/room/c.ts', 'node:fs'),
  'http importing a backend': plant('http/a.ts', '../backends/memory.ts'),
  'http importing the manager': plant('http/b.ts', '../manager.ts'),
  'http importing node:crypto': plant('http/c.ts', 'node:crypto'),
  'http importing a package': plant('http/d.ts', 'vitest'),
  'the manager importing a backend': plant('manager/a.ts', '../backends/memory.ts'),
  'the manager importing an adapter': plant('manager/b.ts', '../adapters/node.ts'),
  'the manager importing testing': plant('manager/c.ts', '../testing/index.ts'),
  'the manager importing the request': plant('manager/d.ts', '../request.ts'),
  'the manager importing a package': plant('manager/e.ts', 'vitest'),
  'the request importing an adapter': plant('request/a.ts', '../adapters/node.ts'),
  'the request importing a backend': plant('request/b.ts', '../backends/memory.ts'),
  'a backend importing http': plant('backends/a.ts', '../http/vary.ts'),
  'a backend importing the manager': plant('backends/b.ts', '../manager.ts'),
  'a backend importing an adapter': plant('backends/c.ts', '../adapters/node.ts'),
  'a backend importing testing': plant('backends/d.ts', '../testing/index.ts'),
  'a backend importing the door': plant('backends/e.ts', '../index.ts'),
  'a backend importing another': plant('backends/f.ts', './memory.ts'),
  'a backend importing one that is yet to come': plant('backends/g.ts', './redis.ts'),
  'a backend importing a driver': plant('backends/h.ts', 'libsql'),
  'a room of a backend importing another backend': plant('backends/sqlite/a.ts', '../memory.ts'),
  'a room of a backend importing another room': plant('backends/sqlite/b.ts', '../redis/a.ts'),
  'a room of a backend importing http': plant('backends/sqlite/c.ts', '../../http/vary.ts'),
  'an adapter importing a backend': plant('adapters/a.ts', '../backends/memory.ts'),
  'an adapter importing another adapter': plant('adapters/b.ts', './node.ts'),
  'an adapter importing testing': plant('adapters/c.ts', '../testing/index.ts'),
  'an adapter importing the door': plant('adapters/d.ts', '../index.ts'),
  'an adapter importing a framework': plant('adapters/e.ts', 'vitest'),
  'a room of an adapter importing another adapter': plant('adapters/guard/a.ts', '../node.ts'),
  'a room of an adapter importing a backend': plant(
    'adapters/guard/b.ts',
    '../../backends/memory.ts',
  ),
  'the drop-in importing a backend': plant('express-session/a.ts', '../backends/memory.ts'),
  'the drop-in importing an adapter': plant('express-session/b.ts', '../adapters/node.ts'),
  'the drop-in importing express-session': plant('express-session/c.ts', 'express-session'),
  'testing importing a backend': plant('testing/a.ts', '../backends/memory.ts'),
  'testing importing the manager': plant('testing/b.ts', '../manager.ts'),
  'testing importing a runner': plant('testing/c.ts', 'vitest'),
  'a cycle': { ...plant('core/x.ts', './y.ts'), reported: 'no-cycle' },
}

// What the floors allow must not be reported by the same globs.
const ALLOWED: Readonly<Record<string, Plant>> = {
  'core importing core': plant('core/p.ts', './errors.ts'),
  'core importing node:crypto': plant('core/q.ts', 'node:crypto'),
  'core importing node:diagnostics_channel': plant('core/r.ts', 'node:diagnostics_channel'),
  'a room of core importing core': plant('core/room/p.ts', '../errors.ts'),
  'a room of core importing itself': plant('core/room/q.ts', './p.ts'),
  'http importing core': plant('http/p.ts', '../core/errors.ts'),
  'the manager importing http': plant('manager/p.ts', '../http/vary.ts'),
  'a backend importing core': plant('backends/p.ts', '../core/errors.ts'),
  'a backend importing its own room': plant('backends/q.ts', './q/part.ts'),
  'a room of a backend importing core': plant('backends/q/part.ts', '../../core/errors.ts'),
  'a room of a backend importing itself': plant('backends/q/whole.ts', './part.ts'),
  'an adapter importing the request': plant('adapters/p.ts', '../request.ts'),
  'an adapter importing a room of the request': plant('adapters/r.ts', '../request/node-head.ts'),
  'a room of the request importing it': plant('request/p.ts', '../request.ts'),
  'an adapter importing the manager': plant('adapters/q.ts', '../manager.ts'),
  'a room of an adapter importing core': plant('adapters/guard/p.ts', '../../core/errors.ts'),
  'a room of an adapter importing itself': plant('adapters/guard/q.ts', './token.ts'),
  'testing importing node:assert': plant('testing/p.ts', 'node:assert'),
}

let folder = ''
let planted: ReadonlyMap<string, readonly string[]>
let untouched: ReadonlyMap<string, readonly string[]>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-lint-'))
  for (const name of ['src', '.oxlintrc.json', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  untouched = await lint()
  for (const { file, imports } of [...Object.values(FORBIDDEN), ...Object.values(ALLOWED)]) {
    write(file, imports)
  }
  write('src/core/y.ts', './x.ts')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('.oxlintrc.json', () => {
  beforeAll(async () => {
    planted = await lint()
  })

  it('finds nothing in the sources as they are', () => {
    expect([...untouched]).toEqual([])
  })

  it.each(Object.entries(FORBIDDEN))('reports %s', (_name, { file, reported }) => {
    expect(planted.get(file)).toContain(reported)
  })

  it.each(Object.entries(ALLOWED))('allows %s', (_name, { file }) => {
    expect(planted.get(file) ?? []).toEqual([])
  })
})

function plant(file: string, imports: string): Plant {
  return { file: `src/${file}`, imports, reported: IMPORTS }
}

function write(file: string, imports: string): void {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `export * from '${imports}'\n`)
}

/** The rules that each file breaks, among the two that keep the floors. */
async function lint(): Promise<ReadonlyMap<string, readonly string[]>> {
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [oxlint, '--format=json', 'src'],
      { cwd: folder, maxBuffer: 1 << 26 },
      (_error, stdout) => resolve(stdout),
    )
  })
  const { diagnostics } = JSON.parse(output) as {
    readonly diagnostics: readonly { readonly code: string; readonly filename: string }[]
  }
  const byFile = new Map<string, string[]>()
  for (const { code, filename } of diagnostics) {
    const rule = /\((.+)\)$/.exec(code)?.[1] ?? code
    if (rule !== IMPORTS && rule !== 'no-cycle') continue
    byFile.set(filename, [...(byFile.get(filename) ?? []), rule])
  }
  return byFile
}
