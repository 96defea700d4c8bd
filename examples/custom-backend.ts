// A backend by hand: the five operations over a Map, with versions. An application imports 'sojourn' and its subpaths.
import { createServer } from 'node:http'
import { hash } from 'node:crypto'
import { createNodeAdapter } from '../src/adapters/node.ts'
import { createSessionManager, generateKey } from '../src/index.ts'
import type { Backend, SetResult } from '../src/index.ts'

const HOUR = 3600
const NOT_FOUND = { ok: false, reason: 'not_found' } as const

interface Entry {
  value: string | undefined
  version: number
  expiresAtMs: number
}

// Whoever reads the store must not be able to use what stands there as a cookie.
function nameOf(key: string): string {
  return hash('sha256', key, 'base64url')
}

export function createMapBackend(now: () => number = Date.now): Backend {
  const entries = new Map<string, Entry>()

  // Expired is gone, whether or not anybody has removed it. Each operation reads the clock once: at a second
  // reading the session that the first one found live may have ended.
  function live(key: string, nowMs: number): Entry | undefined {
    const entry = entries.get(nameOf(key))
    if (entry === undefined || nowMs < entry.expiresAtMs) return entry
    entries.delete(nameOf(key))
    return undefined
  }

  return {
    defaultPeriod: HOUR,

    generate({ value, expiry = HOUR } = {}) {
      const key = generateKey()
      entries.set(nameOf(key), { value, version: 1, expiresAtMs: now() + expiry * 1000 })
      return key
    },

    get(key) {
      const nowMs = now()
      const entry = live(key, nowMs)
      if (entry === undefined) return NOT_FOUND
      const { value, version, expiresAtMs } = entry
      if (value === undefined) return { ok: false, reason: 'not_set' }
      return { ok: true, value, version, period: Math.ceil((expiresAtMs - nowMs) / 1000) }
    },

    // Nothing is awaited between the checks and the write, so the three are one step.
    set(key, value, { expiry = HOUR, version } = {}): SetResult {
      const nowMs = now()
      const entry = live(key, nowMs)
      if (entry === undefined) return NOT_FOUND
      if (version !== undefined && version !== entry.version) {
        return { ok: false, reason: 'conflict' }
      }
      if (value !== undefined) {
        entry.value = value
        entry.version++
      }
      entry.expiresAtMs = nowMs + expiry * 1000
      return { ok: true, version: entry.version }
    },

    clear(key) {
      entries.delete(nameOf(key))
    },
  }
}

if (import.meta.main) {
  const sessions = createSessionManager<number>({ backend: createMapBackend() })
  const session = createNodeAdapter(sessions)
  const server = createServer((request, response) => {
    session(request, response)
      .update((visits = 0) => visits + 1)
      .then(
        (visits) => response.end(`visit ${visits}\n`),
        () => response.writeHead(503).end('closed for a moment\n'),
      )
  })
  server.listen(Number(process.env['PORT'] ?? 3000), () => console.log(server.address()))
}
