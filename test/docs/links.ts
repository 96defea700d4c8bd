import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { proseOf, read, ROOT } from './pages.ts'

interface Link {
  readonly text: string
  readonly target: string
}

function linksIn(text: string): Link[] {
  const found = [...proseOf(text).matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)]
  const links = found.map(([, label = '', target = '']) => ({ text: label, target }))
  return links.filter(({ target }) => !/^(?:https?|mailto):/.test(target))
}

/** The links of a page that lead to no file or no heading. */
export function brokenLinks(page: string, text: string): string[] {
  return linksIn(text)
    .filter(({ target }) => !leadsSomewhere(page, text, target))
    .map(({ target }) => `${page}: ${target}`)
}

function pathOf(page: string, target: string): string {
  return relative(ROOT, resolve(ROOT, dirname(page), target))
}

function leadsSomewhere(page: string, text: string, target: string): boolean {
  const [file = '', heading] = target.split('#')
  const path = file === '' ? page : pathOf(page, file)
  if (!existsSync(join(ROOT, path))) return false
  return heading === undefined || headingsOf(file === '' ? text : read(path)).has(heading)
}

/** The anchors of a page's headings, as code hosts make them. */
function headingsOf(text: string): Set<string> {
  const headings = [...proseOf(text).matchAll(/^#+ (.+)$/gm)]
  const titles = headings.map((match) => (match[1] ?? '').toLowerCase())
  return new Set(
    titles.map((title) => title.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')),
  )
}

/**
 * The tests that a page cites – links to a test file, with the test's title as their text – and that are
 * not there. A citation outlives the test it names only until the next run.
 */
export function missingTests(page: string, text: string): string[] {
  const cited = linksIn(text).filter(({ target }) => /\.test\.ts$|-cases\.ts$/.test(target))
  return cited
    .filter(({ text: title, target }) => {
      const path = pathOf(page, target)
      return !existsSync(join(ROOT, path)) || !hasTitle(read(path), title)
    })
    .map(({ text: title, target }) => `${page}: ${title} (${target})`)
}

function hasTitle(source: string, title: string): boolean {
  const plain = source.replaceAll('\\', '')
  return ["'", '"', '`'].some((quote) => plain.includes(`${quote}${title}${quote}`))
}

/** The files that a page names in code spans and that do not exist. */
export function missingFiles(page: string, text: string): string[] {
  const spans = [...proseOf(text).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
  const paths = spans.filter((span) =>
    /^(?:src|test|docs|examples|bench|demo|scripts)\/[\w./-]+\.\w+$/.test(span),
  )
  return paths.filter((path) => !existsSync(join(ROOT, path))).map((path) => `${page}: ${path}`)
}
