import type { Extra } from '../../core/extra.ts'
import type { KeyRing } from './key-ring.ts'
import type { SealedSession } from './sealed-session.ts'

/** A session as it was sealed. */
export interface Opened {
  readonly key: string
  /** What opened it: to another backend, with other secrets or for another audience, it stays closed. */
  readonly ring: KeyRing
  readonly sealed: SealedSession
  /** Sealed with the newest secret. */
  readonly newest: boolean
}

/**
 * The parts of what was read, and within them the session as it was opened: they come back with a write, and the same
 * request need not open it twice. (Of a WeakMap, each entry costs a read a quarter of its time.)
 */
export class ReadExtra {
  readonly #opened: Opened

  private constructor(extra: Extra, opened: Opened) {
    Object.assign(this, extra)
    this.#opened = opened
  }

  static of(extra: Extra, opened: Opened): Extra {
    return new ReadExtra(extra, opened) as Extra
  }

  /** What `ring` opened `key` as, where that is within `extra`. */
  static openedOf(extra: Extra | undefined, ring: KeyRing, key: string): Opened | undefined {
    if (extra === undefined || !(#opened in extra)) return undefined
    const opened = extra.#opened
    return opened.ring === ring && opened.key === key ? opened : undefined
  }
}
