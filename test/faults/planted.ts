import { BackendError } from '../../src/index.ts'
import type { SessionBackend } from '../../src/index.ts'

/** A fault planted in a backend, as real ones have had it: the run must find it out. */
export type Planted = keyof typeof PLANTED

/** The planted faults, each with what it does to a backend. */
export const PLANTED = {
  /** Acknowledges a write before it is made. */
  'early-ack': (backend: SessionBackend) =>
    changed(backend, {
      async set(key, value, options) {
        const version = options?.version
        const made = backend.set(key, value, options)
        if (version === undefined) return made
        made.catch(() => {})
        return { ok: true, version: version + 1 }
      },
    }),
  /** Says that a session is cleared when the engine has failed to do so. */
  revive: (backend: SessionBackend) =>
    changed(backend, {
      clear: (key, options) => backend.clear(key, options).catch(ignoreFault),
    }),
  /** Takes an engine that fails for one that knows no such session. */
  anonymous: (backend: SessionBackend) =>
    changed(backend, {
      async get(key) {
        try {
          return await backend.get(key)
        } catch (error) {
          ignoreFault(error)
          return { ok: false, reason: 'not_found' }
        }
      },
    }),
  /** Sends a write again whose answer was lost. */
  resend: (backend: SessionBackend) =>
    changed(backend, {
      async set(key, value, options) {
        for (let tries = 0; ; tries++) {
          try {
            return await backend.set(key, value, options)
          } catch (error) {
            if (tries >= 3) throw error
          }
        }
      },
    }),
  /** Gives up later than it says. */
  late: (backend: SessionBackend) =>
    changed(backend, {
      async get(key) {
        try {
          return await backend.get(key)
        } catch (error) {
          await new Promise((resolve) => setTimeout(resolve, 4000))
          throw error
        }
      },
    }),
  /** Lets the driver's own error through. */
  untyped: (backend: SessionBackend) =>
    changed(backend, {
      async get(key) {
        try {
          return await backend.get(key)
        } catch (error) {
          throw error instanceof BackendError ? new Error('driver', { cause: error }) : error
        }
      },
    }),
  /** Says that the replicas have what they do not have. */
  confirm: (backend: SessionBackend) => backend,
} as const

function changed(backend: SessionBackend, methods: Partial<SessionBackend>): SessionBackend {
  // Not a spread: `defaultPeriod` is a getter.
  return Object.assign(Object.create(backend) as SessionBackend, methods)
}

function ignoreFault(error: unknown): void {
  if (!(error instanceof BackendError)) throw error
}
