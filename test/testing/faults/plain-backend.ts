import { randomBytes } from 'node:crypto'
import type { Backend, SetResult } from '../../../src/core/backend.ts'
import type { Key } from '../../../src/core/key.ts'

/** A session of the plain backend. */
export interface Entry {
  value: string | undefined
  version: number
  expiresAtMs: number
}

/** What a faulty backend does otherwise: it gets the right one, its entries and its clock. */
export type BackendChange = (
  right: Backend,
  entries: Map<string, Entry>,
  now: () => number,
) => Partial<Backend>

/** What is said of a key that opens nothing. */
export const NOT_FOUND = { ok: false, reason: 'not_found' } as const
const HOUR = 3600

/** A plain backend over a Map, written by hand as a user would, and right unless `change` says otherwise. */
export function createPlainBackend(now: () => number, change?: BackendChange): Backend {
  const entries = new Map<string, Entry>()

  function live(key: string): Entry | undefined {
    const entry = entries.get(key)
    return entry !== undefined && now() < entry.expiresAtMs ? entry : undefined
  }

  const right: Backend = {
    defaultPeriod: HOUR,

    generate({ value, expiry = HOUR } = {}) {
      const key = randomBytes(32).toString('base64url') as Key
      entries.set(key, { value, version: 1, expiresAtMs: now() + expiry * 1000 })
      return key
    },

    get(key) {
      const entry = live(key)
      if (entry === undefined) return NOT_FOUND
      if (entry.value === undefined) return { ok: false, reason: 'not_set' }
      const period = Math.ceil((entry.expiresAtMs - now()) / 1000)
      return { ok: true, value: entry.value, period, version: entry.version }
    },

    set(key, value, { expiry = HOUR, version } = {}): SetResult {
      const entry = live(key)
      if (entry === undefined) return NOT_FOUND
      if (version !== undefined && version !== entry.version)
        return { ok: false, reason: 'conflict' }
      if (value !== undefined) {
        entry.value = value
        entry.version++
      }
      entry.expiresAtMs = now() + expiry * 1000
      return { ok: true, version: entry.version }
    },

    clear(key) {
      entries.delete(key)
    },
  }
  return change === undefined ? right : { ...right, ...change(right, entries, now) }
}
