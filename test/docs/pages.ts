import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the whole project. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Everything that readers are sent to, by its path from there. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...filesBelow('docs').filter((path) => path.endsWith('.md')),
]

/** The sources, whose doc comments are documentation too. */
export const SOURCES: readonly string[] = filesBelow('src').filter((path) => path.endsWith('.ts'))

function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map(({ parentPath, name }) => relative(ROOT, join(parentPath, name))).toSorted()
}

/** The text of a file of the project. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** A piece of code that a reader may copy, and where it stands. */
export interface Snippet {
  readonly place: string
  readonly code: string
}

/** The fenced blocks of a page whose info string is one of `infos`. */
export function snippetsIn(path: string, text: string, ...infos: readonly string[]): Snippet[] {
  const blocks = [...text.matchAll(/^```([^\n]*)\n([^]*?)^```$/gm)]
  const wanted = blocks.filter(([, info = '']) => infos.includes(info))
  return wanted.map((match) => ({
    place: `${path}:${text.slice(0, match.index).split('\n').length}`,
    code: match[2] ?? '',
  }))
}

/** A page without its fenced blocks. */
export function proseOf(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '')
}

/** The text of the doc comments of a source file, without their stars. */
export function commentsOf(source: string): string {
  const comments = [...source.matchAll(/\/\*\*([^]*?)\*\//g)]
  return comments.map((match) => (match[1] ?? '').replaceAll(/^ *\* ?/gm, '')).join('\n')
}
