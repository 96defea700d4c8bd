import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

const BUILD_NEEDS = ['package.json', 'scripts', 'src', 'tsconfig.json', 'tsconfig.build.json']
const PUBLISHED_BESIDE = ['README.md', 'LICENSE', 'CHANGELOG.md']

/** The package as it would be published. */
export interface Packed {
  /** A copy of the repository, built: `dist` is in it. */
  readonly folder: string
  readonly tarball: string
  /** Paths of the files in the tarball. */
  readonly files: readonly string[]
  readonly remove: () => void
}

/** What a program printed. */
export interface Output {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program. Rejects, with what it printed in the message, unless it exits with 0. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Output> {
  try {
    return await promisify(execFile)(program, args, { ...options, maxBuffer: 1 << 26 })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as Partial<Output>
    throw new Error(`${program} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** The script of a development tool, to be run by the Node that runs this. */
export function toolPath(path: string): string {
  return join(root, 'node_modules', path)
}

/**
 * Builds and packs the package by its own scripts, in a copy: tests run beside each other, and the build
 * empties `dist` first.
 */
export async function packPackage(): Promise<Packed> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-pack-'))
  for (const name of [...BUILD_NEEDS, ...PUBLISHED_BESIDE]) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  await run('npm', ['run', 'build'], { cwd: folder })
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json'], { cwd: folder })
  const { filename, files } = packedOf(JSON.parse(packed.stdout))
  return {
    folder,
    tarball: join(folder, filename),
    files: files.map(({ path }) => path).toSorted(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

interface PackReport {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

// npm up to 11 prints a list, npm 12 an object by package name.
function packedOf(report: unknown): PackReport {
  const [only] = Object.values(report as object) as readonly PackReport[]
  if (only === undefined) throw new Error('npm pack reported no package')
  return only
}

/** Makes a project that has installed the tarball, with `fields` in its package.json. */
export async function installPacked(
  { folder, tarball }: Packed,
  name: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const project = join(folder, 'projects', name)
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name, private: true, ...fields }))
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: project })
  return project
}
