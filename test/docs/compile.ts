import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from './pages.ts'
import type { Snippet } from './pages.ts'

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

async function inFolder<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'snippets-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function runNode(...parameters: readonly string[]): Promise<{ code: number | null; text: string }> {
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn(process.execPath, parameters, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, text }))
  })
}

// Each of these tells a framework what a session is.
const TELLING = [
  'sojourn/express-session',
  '@fastify/session',
  'koa-session',
  'cookie-session',
] as const

/** What tells a framework of its session would tell all others too. */
function groupOf({ code }: Snippet): string {
  const told = TELLING.find((name) => code.includes(`'${name}'`))
  return told ?? String(/^declare (global|module) /m.test(code))
}

/** What tsc says of each snippet as a module of its own, against the sources under the package's name. */
export async function compile(snippets: readonly Snippet[]): Promise<string> {
  const groups = [...new Set(snippets.map(groupOf))]
  const compiled = groups.map((group) =>
    compileTogether(snippets.filter((snippet) => groupOf(snippet) === group)),
  )
  return (await Promise.all(compiled)).join('')
}

function compileTogether(snippets: readonly Snippet[]): Promise<string> {
  return inFolder(join(ROOT, 'node_modules/.cache'), async (folder) => {
    snippets.forEach(({ place, code }, index) => {
      writeFileSync(join(folder, `${index}.ts`), `// ${place}\n${code}\nexport {}\n`)
    })
    const source = relative(folder, join(ROOT, 'src'))
    const paths = {
      sojourn: [`${source}/index.ts`],
      'sojourn/testing': [`${source}/testing/index.ts`],
      'sojourn/*': [`${source}/*.ts`],
    }
    const compilerOptions = { noEmit: true, paths, noUnusedLocals: false }
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, exclude: [] }))
    const { code, text } = await runNode(TSC, '-p', folder)
    const placed = text.replaceAll(
      /^\S*?(\d+)\.ts/gm,
      (_name, index: string) => snippets[Number(index)]?.place ?? '',
    )
    return code === 0 ? '' : placed || `tsc ended with ${code}`
  })
}

function sourceOf(specifier: string): string {
  const subpath = specifier.slice('sojourn/'.length)
  if (subpath === '') return 'src/index.ts'
  return subpath === 'testing' ? 'src/testing/index.ts' : `src/${subpath}.ts`
}

/**
 * Runs each snippet in a process of its own, on the sources; gives what those that fail have to say. They
 * stand outside the project, so their imports are rewritten: no build is needed.
 */
export function runAll(snippets: readonly Snippet[]): Promise<string[]> {
  return inFolder(tmpdir(), async (folder) => {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const runs = snippets.map(async ({ place, code }, index) => {
      const file = join(folder, `${index}.mts`)
      const rewritten = code.replaceAll(
        /from '(sojourn[^']*)'/g,
        (_from, name: string) => `from '${pathToFileURL(join(ROOT, sourceOf(name))).href}'`,
      )
      writeFileSync(file, rewritten)
      const ended = await runNode(file)
      return ended.code === 0 ? [] : [`${place} ended with ${ended.code}: ${ended.text}`]
    })
    return (await Promise.all(runs)).flat()
  })
}
