import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** What a built file loads, itself included. */
export interface Reach {
  /** Folders below `dist` (of leaves, each one by itself) and files on its top level, sorted. */
  readonly rooms: readonly string[]
  /** Everything that is not ours, sorted. */
  readonly modules: readonly string[]
}

// Static imports and re-exports as the compiler prints them (`import type` is gone by then), and dynamic ones.
const SPECIFIER =
  /^(?:import|export)\s+(?:[\w$*{},\s]+?\s+from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

/** Follows the imports of `entry`, a path below `dist`. */
export function reachOf(dist: string, entry: string): Reach {
  const files = new Set<string>()
  const modules = new Set<string>()
  const waiting = [entry]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue
    files.add(file)
    for (const match of readFileSync(join(dist, file), 'utf8').matchAll(SPECIFIER)) {
      const specifier = match[1] ?? match[2] ?? ''
      if (specifier.startsWith('.')) waiting.push(join(dirname(file), specifier))
      else modules.add(specifier)
    }
  }
  const rooms = new Set([...files].map((file) => roomOf(relative('.', file))))
  return { rooms: [...rooms].toSorted(), modules: [...modules].toSorted() }
}

function roomOf(file: string): string {
  const parts = file.split('/')
  const depth = parts[0] === 'backends' || parts[0] === 'adapters' ? 2 : 1
  return parts.slice(0, depth).join('/')
}
