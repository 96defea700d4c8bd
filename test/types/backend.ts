import { createSessionManager, generateKey, isSessionBackend } from '../../src/index.ts'
import type {
  Backend,
  Found,
  Missed,
  SessionBackend,
  SessionFound,
  SetResult,
} from '../../src/index.ts'
import { createCookieBackend } from '../../src/backends/cookie.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'

const values = new Map<string, string>()

// Five members are a backend, written without a word about types.
createSessionManager({
  backend: {
    defaultPeriod: 60,
    generate({ value = '' } = {}) {
      const key = generateKey()
      values.set(key, value)
      return key
    },
    get(key) {
      const value = values.get(key)
      return value === undefined
        ? { ok: false, reason: 'not_found' }
        : { ok: true, value, period: 60 }
    },
    set(key, value) {
      if (!values.has(key)) return { ok: false, reason: 'not_found' }
      if (value !== undefined) values.set(key, value)
      return { ok: true }
    },
    clear(key) {
      values.delete(key)
    },
  },
})

// The period may be a getter, the methods may be async.
class HandWritten implements Backend {
  get defaultPeriod(): number {
    return new Date().getHours() < 6 ? 60 : 3600
  }
  async generate() {
    return generateKey()
  }
  async get(): Promise<Found | Missed> {
    return { ok: false, reason: 'not_set' }
  }
  async set(): Promise<SetResult> {
    return { ok: false, reason: 'conflict' }
  }
  async clear(): Promise<void> {}
}
createSessionManager({ backend: new HandWritten() })

declare const whole: Backend
const { generate, get, set, clear } = {
  generate: () => generateKey(),
  get: (): Missed => ({ ok: false, reason: 'not_found' }),
  set: (): SetResult => ({ ok: true }),
  clear: () => {},
}
export const complete: Backend = { defaultPeriod: 60, generate, get, set, clear }
// @ts-expect-error
export const withoutClear: Backend = { defaultPeriod: 60, generate, get, set }
// @ts-expect-error
export const withoutPeriod: Backend = { generate, get, set, clear }
// @ts-expect-error
export const madeUpKey: Backend = { ...whole, generate: () => 'session-1' }
// @ts-expect-error
export const madeUpReason: Backend = { ...whole, get: () => ({ ok: false, reason: 'expired' }) }
// @ts-expect-error
export const silentSet: Backend = { ...whole, set: () => {} }
// @ts-expect-error
export const foundNothing: Backend = { ...whole, get: () => ({ ok: true, period: 60 }) }

// The lifecycle is there only where it is promised.
// @ts-expect-error
void whole.rotate
if (isSessionBackend(whole)) void whole.rotate
createSessionManager({ backend: createMemoryBackend() })

// Sealing is asked for by a word, on every backend with a store, and on no other.
createMemoryBackend({ sealed: true })
createMemoryBackend({ sealed: undefined })
// @ts-expect-error
createMemoryBackend({ sealed: 'migrate' })
// @ts-expect-error
createCookieBackend({ secrets: ['a'], audience: 'a', sealed: true })
// What a write of a sealed value needs is what a read has told, and nothing made up.
declare const lifecycle: SessionBackend
declare const found: SessionFound
void lifecycle.set('key', 'a', { version: found.version, extra: found.facts.extra })
// @ts-expect-error
void lifecycle.set('key', 'a', { extra: 'wrapped' })
// @ts-expect-error
void whole.set('key', 'a', { extra: found.facts.extra })
