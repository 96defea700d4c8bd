import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What one module of a bundle takes from the package. */
export type Imports = Readonly<Record<string, readonly string[]>>

/**
 * The size in bytes of a bundle of the built package, minified and compressed as servers send it. `imports` are names by
 * the file below `dist` that exports them; what else those files export is left out, as bundlers do.
 */
export async function bundledSize(dist: string, imports: Imports): Promise<number> {
  const lines = Object.entries(imports).map(
    ([file, names]) => `export { ${names.join()} } from ${JSON.stringify(join(dist, file))}`,
  )
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
    const { output } = await bundle.generate({ format: 'esm', minify: true })
    const code = output.map((part) => (part.type === 'chunk' ? part.code : '')).join('')
    return gzipSync(code, { level: 9 }).length
  } finally {
    await bundle.close()
  }
}

/** Bundles `entry`, which imports the package by its name, into one file. */
export async function bundle(entry: string, file: string, dist: string): Promise<void> {
  const made = await rolldown({
    input: entry,
    external: /^node:/,
    platform: 'neutral',
    plugins: [
      {
        name: 'package',
        resolveId: (id) => (/^sojourn(\/|$)/.test(id) ? fileOf(dist, id) : null),
      },
    ],
  })
  await made.write({ file, format: 'esm' })
  await made.close()
}

function fileOf(dist: string, specifier: string): string {
  const subpath = specifier.slice('sojourn/'.length)
  if (subpath === '') return join(dist, 'index.js')
  return join(dist, subpath === 'testing' ? 'testing/index.js' : `${subpath}.js`)
}
