import type { Awaitable } from '../../core/backend.ts'
import { BackendError, guardBackend } from '../../core/errors.ts'
import type { Handle } from '../../core/key.ts'
import { createTimeLimit } from '../../core/time-limit.ts'
import type { SealedSession } from './sealed-session.ts'

/**
 * Where ended sessions are remembered: a moment for each name that something was revoked for, and nothing for the
 * rest. Names are `subject:` and a subject, or `session:` and a handle.
 */
export interface RevocationStore {
  /**
   * The moment of `name` in epoch milliseconds, or `undefined`. It sees every `setNotBefore` that has resolved, in
   * whatever process. A fault is thrown or rejected.
   */
  notBefore(name: string): Awaitable<number | undefined>

  /**
   * Sets the moment of `name` in one atomic step, unless it is as late already: then nothing is changed, and the
   * result is false. It has to be kept for `keepMs` milliseconds from now at the least, and may then be forgotten.
   */
  setNotBefore(name: string, ms: number, keepMs: number): Awaitable<boolean>
}

/**
 * Makes a `RevocationStore` in the memory of this process: for tests, and for servers of one process that may
 * forget at a restart who was logged out. `now` gives epoch milliseconds. Default: `Date.now`.
 */
export function createMemoryRevocations(now: () => number = Date.now): RevocationStore {
  const moments = new Map<string, { readonly ms: number; readonly untilMs: number }>()

  /** All are kept for about as long, so the oldest come first. */
  function forget(nowMs: number): void {
    for (const [name, { untilMs }] of moments) {
      if (nowMs < untilMs) return
      moments.delete(name)
    }
  }

  return {
    notBefore: (name) => moments.get(name)?.ms,

    setNotBefore(name, ms, keepMs) {
      const nowMs = now()
      forget(nowMs)
      const before = moments.get(name)
      if (before !== undefined && before.ms >= ms) return false
      moments.delete(name)
      moments.set(name, { ms, untilMs: nowMs + keepMs })
      return true
    },
  }
}

/** How far the clocks of two servers may differ. */
export const MAX_SKEW_MS = 300_000

// Later than any clock: nothing of the session is good again.
const NEVER = Number.MAX_SAFE_INTEGER
// For requests that were under way, and for clocks that differ.
const KEEP_MARGIN_MS = 3_600_000

/** What a backend asks of its revocations. */
export interface Revocations {
  readonly isRevoked: (session: SealedSession) => Promise<boolean>
  /** The earliest moment that a binding to `subject` may have. */
  readonly bindingAt: (subject: string, nowMs: number) => Promise<number>
  /** Ends all keys of the session before `rotatedAtMs`; false when another call was first. */
  readonly rotate: (handle: Handle, rotatedAtMs: number) => Promise<boolean>
  /** Ends the session; false when that was done before. */
  readonly end: (handle: Handle) => Promise<boolean>
  readonly endSubject: (subject: string, nowMs: number) => Promise<void>
}

/** Makes the revocations of a backend whose sessions live for `absoluteMs` at the most. */
export function createRevocations(
  store: RevocationStore,
  absoluteMs: number,
  timeoutMs: number,
): Revocations {
  const limit = createTimeLimit(timeoutMs)
  const keepMs = absoluteMs + KEEP_MARGIN_MS

  async function notBefore(name: string): Promise<number> {
    const ms = await guardBackend('get', () => limit(store.notBefore(name)), 'read a revocation')
    if (ms === undefined) return 0
    if (typeof ms === 'number' && !Number.isNaN(ms)) return ms
    throw new BackendError('the revocations gave no usable answer to notBefore')
  }

  async function raise(name: string, ms: number): Promise<boolean> {
    const done = await guardBackend(
      'clear',
      () => limit(store.setNotBefore(name, ms, keepMs)),
      'write a revocation',
    )
    if (typeof done === 'boolean') return done
    throw new BackendError('the revocations gave no usable answer to setNotBefore')
  }

  return {
    async isRevoked({ handle, subject, boundAtMs, rotatedAtMs }) {
      const session = notBefore(`session:${handle}`)
      if (subject === null) return rotatedAtMs < (await session)
      const both = await Promise.all([session, notBefore(`subject:${subject}`)])
      return rotatedAtMs < both[0] || boundAtMs < both[1]
    },

    bindingAt: async (subject, nowMs) => Math.max(nowMs, await notBefore(`subject:${subject}`)),

    rotate: (handle, rotatedAtMs) => raise(`session:${handle}`, rotatedAtMs),

    end: (handle) => raise(`session:${handle}`, NEVER),

    async endSubject(subject, nowMs) {
      // Later than what a server whose clock is ahead may have written for a login before this moment. A login after
      // it reads the moment first, and is never before it.
      const last = await notBefore(`subject:${subject}`)
      await raise(`subject:${subject}`, Math.max(last + 1, nowMs + MAX_SKEW_MS))
    },
  }
}
