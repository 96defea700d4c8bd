import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...filesBelow('docs').filter((path) => path.endsWith('.md')),
]
const SOURCES = filesBelow('src').filter((path) => path.endsWith('.ts'))

/** A piece of TypeScript that a reader may copy, and where it stands. */
interface Snippet {
  readonly place: string
  readonly code: string
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map(({ parentPath, name }) => relative(ROOT, join(parentPath, name))).toSorted()
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function snippetsIn(path: string, text: string): Snippet[] {
  return [...text.matchAll(/^```(?:ts|typescript)\n([^]*?)^```$/gm)].map((match) => ({
    place: `${path}:${text.slice(0, match.index).split('\n').length}`,
    code: match[1] ?? '',
  }))
}

/** The text of the doc comments of a source file, without their stars. */
function commentsOf(source: string): string {
  const comments = [...source.matchAll(/\/\*\*([^]*?)\*\//g)]
  return comments.map((match) => (match[1] ?? '').replaceAll(/^ *\* ?/gm, '')).join('\n')
}

/** What tsc says of each snippet as a module of its own, against the sources under the package's name. */
function compile(snippets: readonly Snippet[]): string {
  const cache = join(ROOT, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'snippets-'))
  try {
    snippets.forEach(({ place, code }, index) => {
      writeFileSync(join(folder, `${index}.ts`), `// ${place}\n${code}\nexport {}\n`)
    })
    const source = relative(folder, join(ROOT, 'src'))
    const paths = {
      sojourn: [`${source}/index.ts`],
      'sojourn/testing': [`${source}/testing/index.ts`],
      'sojourn/*': [`${source}/*.ts`],
    }
    const options = { noEmit: true, paths, noUnusedLocals: false }
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: options,
      include: ['*.ts'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, exclude: [] }))
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], {
      encoding: 'utf8',
      cwd: folder,
    })
    return stdout.replaceAll(
      /^(\d+)\.ts/gm,
      (_name, index: string) => snippets[Number(index)]?.place ?? '',
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('snippets', () => {
  it('of all pages compile', () => {
    const snippets = PAGES.flatMap((path) => snippetsIn(path, read(path)))
    expect(snippets.length).toBeGreaterThan(5)
    expect(compile(snippets)).toBe('')
  })

  it('of all doc comments compile', () => {
    const snippets = SOURCES.flatMap((path) => snippetsIn(path, commentsOf(read(path))))
    expect(snippets.length).toBeGreaterThan(5)
    expect(compile(snippets)).toBe('')
  })

  it('that are wrong are reported with their place', () => {
    const code = `import { createSessionManager } from 'sojourn'\ncreateSessionManager({ backnd: 1 })\n`
    expect(compile([{ place: 'page.md:7', code }])).toContain('page.md:7')
  })
})

describe('the README’s counter', () => {
  it('is the example that is run', () => {
    const [counter] = snippetsIn('README.md', read('README.md'))
    const example = read('examples/node-counter.ts')
    const body = counter?.code
      .slice(counter.code.indexOf('  session(request'))
      .split('}).listen')[0]
    expect(body).toContain('.update((visits = 0) => visits + 1)')
    expect(example).toContain(body)
    expect(
      counter?.code
        .trim()
        .split('\n')
        .filter((line) => line !== '').length,
    ).toBeLessThanOrEqual(15)
  })
})

describe('links', () => {
  it('to files and headings lead somewhere', () => {
    const broken = PAGES.flatMap((path) => brokenLinks(path, read(path)))
    expect(broken).toEqual([])
  })

  it('that are broken are reported', () => {
    expect(brokenLinks('README.md', '[a](docs/nothing.md) [b](#nowhere)')).toEqual([
      'README.md: docs/nothing.md',
      'README.md: #nowhere',
    ])
  })
})

function brokenLinks(page: string, text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
  const local = targets.filter((target) => !/^(?:https?|mailto):/.test(target))
  return local
    .filter((target) => !leadsSomewhere(page, text, target))
    .map((target) => `${page}: ${target}`)
}

function leadsSomewhere(page: string, text: string, target: string): boolean {
  const [file = '', heading] = target.split('#')
  const path = file === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), file))
  if (!existsSync(join(ROOT, path))) return false
  return heading === undefined || headingsOf(file === '' ? text : read(path)).has(heading)
}

/** The anchors of a page's headings, as code hosts make them. */
function headingsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map((match) => (match[1] ?? '').toLowerCase())
  return new Set(
    headings.map((title) => title.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')),
  )
}

describe('doc comments', () => {
  it('stand above everything that is exported', () => {
    const bare = SOURCES.flatMap((path) => undocumented(path, read(path)))
    expect(bare).toEqual([])
  })

  it('that are missing are reported', () => {
    expect(undocumented('x.ts', '\nexport const y = 1\n')).toEqual(['x.ts: y'])
  })
})

function undocumented(path: string, source: string): string[] {
  const exported = /^export (?:abstract |async )?(?:function|const|class|interface|type) (\w+)/
  const lines = source.split('\n')
  return lines.flatMap((line, index) => {
    const name = exported.exec(line)?.[1]
    return name === undefined || lines[index - 1]?.endsWith('*/') === true
      ? []
      : [`${path}: ${name}`]
  })
}
