import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What one module of a bundle takes from the package. */
export type Imports = Readonly<Record<string, readonly string[]>>

/** Sizes in bytes, minified and compressed as servers send them. */
export interface BundledSize {
  /** What is loaded at first, where the bundler keeps apart what is loaded on demand. */
  readonly atFirst: number
  /** All of it in one file. */
  readonly whole: number
}

/**
 * The size that an application has by the built package, when it does nothing else. `imports` are names by the file
 * below `dist` that exports them; what else those files export is left out, as bundlers do.
 */
export async function bundledSize(dist: string, imports: Imports): Promise<BundledSize> {
  const lines = Object.entries(imports).map(
    ([file, names]) => `import { ${names.join()} } from ${JSON.stringify(join(dist, file))}`,
  )
  lines.push(`globalThis.application = [${Object.values(imports).flat().join()}]`)
  const entry = 'virtual:entry'
  const bundle = await rolldown({
    input: entry,
    external: /^node:/,
    platform: 'neutral',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? lines.join('\n') : null),
      },
    ],
  })
  try {
    const inOne = { format: 'esm', minify: true, codeSplitting: false } as const
    const { output: whole } = await bundle.generate(inOne)
    if (whole.length !== 1) throw new Error('the bundle is not in one file')
    const { output } = await bundle.generate({ format: 'esm', minify: true })
    const chunks = output.filter((part) => part.type === 'chunk')
    const atFirst = new Set(chunks.filter(({ isEntry }) => isEntry))
    // A set goes through what is added meanwhile too.
    for (const { imports: files } of atFirst) {
      chunks.filter(({ fileName }) => files.includes(fileName)).forEach((part) => atFirst.add(part))
    }
    return { atFirst: compressed([...atFirst]), whole: compressed([whole[0]]) }
  } finally {
    await bundle.close()
  }
}

function compressed(chunks: readonly { readonly code: string }[]): number {
  return gzipSync(chunks.map(({ code }) => code).join(''), { level: 9 }).length
}

/**
 * Bundles `entry`, which imports the package by its name, into one file. In tests that are bundled, the built package
 * takes the place of the sources, and `stead` that of Vitest.
 */
export async function bundle(
  entry: string,
  file: string,
  dist: string,
  stead?: string,
): Promise<void> {
  const fileOf = (id: string): string | undefined => {
    if (id === 'vitest') return stead
    const source = /^(?:\.\.\/)+src\/(.*)\.ts$/.exec(id)
    if (source !== null) return join(dist, `${source[1]}.js`)
    return /^sojourn(\/|$)/.test(id) ? fileOfSubpath(dist, id) : undefined
  }
  const made = await rolldown({
    input: entry,
    external: /^node:/,
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'] },
    plugins: [{ name: 'package', resolveId: (id) => fileOf(id) ?? null }],
  })
  await made.write({ file, format: 'esm', codeSplitting: false })
  await made.close()
}

function fileOfSubpath(dist: string, specifier: string): string {
  const subpath = specifier.slice('sojourn/'.length)
  if (subpath === '') return join(dist, 'index.js')
  return join(dist, subpath === 'testing' ? 'testing/index.js' : `${subpath}.js`)
}
