import type { Extra } from './extra.ts'
import type { Key, ParsedKey } from './key.ts'

/**
 * The parts of what was read under a key, and within them the halves of that key: they come back with a write of the
 * same request, which need not hash the secret once more. Private, so that nothing which shows what was read shows them.
 */
export class ReadExtra {
  readonly #key: Key
  readonly #halves: ParsedKey

  constructor(extra: Extra, key: Key, halves: ParsedKey) {
    Object.assign(this, extra)
    this.#key = key
    this.#halves = halves
  }

  /** The halves of `key`, where they are within `extra`. */
  static halvesOf(extra: Extra | undefined, key: string): ParsedKey | undefined {
    return extra && #key in extra && extra.#key === key ? extra.#halves : undefined
  }
}
