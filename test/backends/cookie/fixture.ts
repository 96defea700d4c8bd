import { createCookieBackend } from '../../../src/backends/cookie.ts'
import type { CookieBackend, CookieBackendOptions } from '../../../src/backends/cookie.ts'
import type { Backend, Key } from '../../../src/index.ts'
import { createTestClock } from '../../../src/testing/index.ts'
import type { TestClock } from '../../../src/testing/index.ts'

export const SECRET = 'a secret for the tests, of more than 32 characters'
export const OLDER = 'an older secret for the tests, of more than 32 characters'
export const NOT_FOUND = { ok: false, reason: 'not_found' }
export const UNSUPPORTED = { code: 'ERR_SESSION_UNSUPPORTED_OPERATION' }

/** A backend, and the clock it goes by. */
export interface Made {
  readonly backend: CookieBackend
  readonly clock: TestClock
}

/** Makes a backend for an audience called `test`. */
export function make(
  options: Partial<CookieBackendOptions> = {},
  clock: TestClock = createTestClock(),
): Made {
  const defaults = { secrets: [SECRET], audience: 'test', now: clock.now }
  return { backend: createCookieBackend({ ...defaults, ...options }), clock }
}

/** The backend behind a browser with one cookie for each session: it holds the key of the latest answer. */
export function withJar(backend: CookieBackend): Backend {
  const jar = new Map<string, Key>()
  const current = (key: string): string => jar.get(key) ?? key
  return {
    get defaultPeriod() {
      return backend.defaultPeriod
    },
    async generate(options) {
      const key = await backend.generate(options)
      jar.set(key, key)
      return key
    },
    get: (key) => backend.get(current(key)),
    async set(key, value, options) {
      const done = await backend.set(current(key), value, options)
      if (done.ok && done.key !== undefined) jar.set(key, done.key)
      return done
    },
    async clear(key) {
      await backend.clear(current(key))
      if (jar.has(key)) jar.set(key, '' as Key)
    },
  }
}
