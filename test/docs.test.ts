import { describe, expect, it } from 'vitest'
import { compile, runAll } from './docs/compile.ts'
import { brokenLinks, missingFiles, missingTests } from './docs/links.ts'
import { commentsOf, PAGES, read, snippetsIn, SOURCES } from './docs/pages.ts'
import type { Snippet } from './docs/pages.ts'

const COMPILED = ['ts', 'ts run', 'js', 'js run']
const RUN = ['ts run', 'js run']

function onPages(...infos: readonly string[]): Snippet[] {
  return PAGES.flatMap((path) => snippetsIn(path, read(path), ...infos))
}

/** SQL without its layout. */
function squeezed(sql: string): string {
  return sql.replaceAll(/\s+/g, ' ').trim()
}

describe('snippets', () => {
  it('of all pages compile', async () => {
    const snippets = onPages(...COMPILED)
    expect(snippets.length).toBeGreaterThan(15)
    expect(await compile(snippets)).toBe('')
  })

  it('of all doc comments compile', async () => {
    const snippets = SOURCES.flatMap((path) => snippetsIn(path, commentsOf(read(path)), 'ts'))
    expect(snippets.length).toBeGreaterThan(5)
    expect(await compile(snippets)).toBe('')
  })

  it('marked to be run end well', async () => {
    const snippets = onPages(...RUN)
    expect(snippets.length).toBeGreaterThan(5)
    expect(await runAll(snippets)).toEqual([])
  })

  it('in no other language than these are in the pages', () => {
    const fences = PAGES.flatMap((path) => read(path).match(/^```.+$/gm) ?? [])
    const known = new Set([...COMPILED, 'sh', 'sql', 'http'].map((info) => `\`\`\`${info}`))
    expect(fences.filter((fence) => !known.has(fence))).toEqual([])
  })

  it('of SQL stand in the example that the contract proves', () => {
    const statements = onPages('sql').flatMap(({ code }) => code.split(/\n\n+/))
    const source = read('examples/custom-store.ts')
    const [, authorised = ''] = /const AUTHORISED = `([^`]+)`/.exec(source) ?? []
    const example = squeezed(source.replaceAll('${AUTHORISED}', authorised))
    expect(statements.length).toBeGreaterThan(5)
    expect(statements.filter((sql) => !example.includes(squeezed(sql)))).toEqual([])
  })

  it('that are wrong are reported with their place', async () => {
    const code = `import { createSessionManager } from 'sojourn'\ncreateSessionManager({ backnd: 1 })\n`
    expect(await compile([{ place: 'page.md:7', code }])).toContain('page.md:7')
  })

  it('that fail are reported with their place', async () => {
    const code = `import { generateKey } from 'sojourn'\nif (generateKey() !== '') throw new Error('no')\n`
    expect(await runAll([{ place: 'page.md:7', code }])).toEqual([
      expect.stringMatching(/^page\.md:7 ended with 1: [^]*Error: no/),
    ])
  })
})

describe('the README’s counter', () => {
  const [counter = { code: '' }] = snippetsIn('README.md', read('README.md'), 'ts')

  it('is the example that is run', () => {
    const code = counter.code
    const body = code.slice(code.indexOf('  session(request')).split('}).listen')[0]
    expect(body).toContain('.update((visits = 0) => visits + 1)')
    expect(read('examples/node-counter.ts')).toContain(body)
  })

  it('has fifteen lines', () => {
    const lines = counter.code.split('\n').filter((line) => line.trim() !== '')
    expect(lines.length).toBeLessThanOrEqual(15)
  })
})

describe('links', () => {
  it('to files and headings lead somewhere', () => {
    expect(PAGES.flatMap((path) => brokenLinks(path, read(path)))).toEqual([])
  })

  it('that are broken are reported', () => {
    expect(brokenLinks('README.md', '[a](docs/nothing.md) [b](#nowhere)')).toEqual([
      'README.md: docs/nothing.md',
      'README.md: #nowhere',
    ])
  })

  it('to tests name tests that are there', () => {
    expect(PAGES.flatMap((path) => missingTests(path, read(path)))).toEqual([])
  })

  it('to tests that are gone are reported', () => {
    const text = '[has fifteen lines](docs.test.ts) [has none](docs.test.ts) [x](gone.test.ts)'
    expect(missingTests('test/page.md', text)).toEqual([
      'test/page.md: has none (docs.test.ts)',
      'test/page.md: x (gone.test.ts)',
    ])
  })
})

describe('files named in code', () => {
  it('exist', () => {
    expect(PAGES.flatMap((path) => missingFiles(path, read(path)))).toEqual([])
  })

  it('that are gone are reported', () => {
    const text = '`src/index.ts`, `src/nothing.ts` and `createBackend`'
    expect(missingFiles('page.md', text)).toEqual(['page.md: src/nothing.ts'])
  })
})

describe('doc comments', () => {
  it('stand above everything that is exported', () => {
    expect(SOURCES.flatMap((path) => undocumented(path, read(path)))).toEqual([])
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
    const before = lines[index - 1] ?? ''
    // Of the overloads of a function, the first has the comment.
    const documented = before.endsWith('*/') || exported.exec(before)?.[1] === name
    return name === undefined || documented ? [] : [`${path}: ${name}`]
  })
}
