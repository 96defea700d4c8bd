import type { Awaitable, Missed, SetResult } from './backend.ts'
import { assertWellFormed } from './codec.ts'
import {
  backendFault,
  BackendError,
  guardBackend,
  InvalidValueError,
  SubjectLimitError,
} from './errors.ts'
import {
  generateKey,
  generateSuccessor,
  handleOf,
  isHandle,
  parseKey,
  secretHashOf,
} from './key.ts'
import type { Key } from './key.ts'
import { encodeLabels } from './labels.ts'
import { assertExpiry, assertPeriod, ONE_WEEK, periodLeft, THIRTY_DAYS } from './period.ts'
import type { Period } from './period.ts'
import { assertSubject } from './subject.ts'
import type {
  RotateOptions,
  RotateResult,
  SessionBackend,
  SessionFound,
  SessionGenerateOptions,
  SessionSetOptions,
} from './session-backend.ts'
import type { NewRecord, Store, SubjectLimit } from './store.ts'
import { foundOf, isAuthorised, summaryOf } from './stored-record.ts'
import { assertTimeLimit, createTimeLimit } from './time-limit.ts'

/** How long sessions live. */
export interface LifecyclePolicy {
  /** Idle timeout in seconds, moved by use. A function may vary it over time. Default: one week. */
  readonly period?: Period | (() => Period) | undefined
  /** Absolute lifetime in seconds, from creation or the last authentication. Default: 30 days. */
  readonly absolute?: Period | undefined
  /** How many live sessions a subject may have, at least 1. Default: no bound. */
  readonly maxPerSubject?: number | undefined
  /** Beyond that, refuse the login with `SubjectLimitError`, or end the subject's oldest session. Default: refuse. */
  readonly atLimit?: 'refuse' | 'evict_oldest' | undefined
  /**
   * Milliseconds that one call of the store may take; `clearAll`, which touches every record, has sixty times as long.
   * Beyond it, the operation rejects with `BackendError`; whether it was done is then unknown, as with any fault of
   * a store. Default: no limit; a backend on a server states its own.
   */
  readonly timeoutMs?: number | undefined
}

const NOT_FOUND: Missed = { ok: false, reason: 'not_found' }
const NOT_SET: Missed = { ok: false, reason: 'not_set' }
// Whoever loses this many races for one record in a row is told so.
const ROTATE_ATTEMPTS = 16
const SWEEP_LIMIT = 1000
const CLEAR_ALL_FACTOR = 60

/**
 * Makes a backend of a store: keys and their hashes, the shape gate, both timeouts, throttled touch,
 * rotation and subjects. A call makes one call of the store, except where its description says otherwise.
 *
 * @throws InvalidPeriodError when a period of the policy is out of range.
 * @throws TypeError or RangeError when one of its limits is not as described.
 */
export function createBackend(store: Store, policy: LifecyclePolicy = {}): SessionBackend {
  const { period = ONE_WEEK, absolute = THIRTY_DAYS, timeoutMs } = policy
  const limit = limitOf(policy)
  if (typeof period !== 'function') assertPeriod('period', period)
  assertPeriod('absolute', absolute)
  const limits = limitsOf(timeoutMs)

  /** Makes one call of the store, within the time it has. */
  function ask<T>(
    operation: string,
    run: () => Awaitable<T>,
    withinTime = limits?.call,
  ): Promise<T> {
    return guardBackend(operation, withinTime === undefined ? run : () => withinTime(run()))
  }

  function defaultPeriod(): Period {
    if (typeof period !== 'function') return period
    const now = period()
    assertPeriod('period', now)
    return now
  }

  async function create(options: SessionGenerateOptions): Promise<Key> {
    const { value, expiry = defaultPeriod(), subject, labels, onCreated } = options
    assertExpiry('expiry', expiry)
    if (value !== undefined) assertValue(value)
    if (subject !== undefined) assertSubject(subject)
    const key = generateKey()
    const record: NewRecord = {
      recordId: handleOf(key),
      value: value ?? null,
      idleMs: expiry * 1000,
      absoluteMs: absolute * 1000,
      secretHash: secretHashOf(key),
      subject: subject ?? null,
      authenticated: subject !== undefined,
      labels: encodeLabels(labels),
      extra: null,
    }
    const created = await ask('create a session', () => store.create(record, limit))
    if (!created.ok && created.reason === 'limit') throw subjectLimit()
    // Two equal draws of 128 random bits are a broken random source, not bad luck: never try again.
    if (!created.ok) throw new BackendError('the store already holds a record of a newly drawn id')
    onCreated?.({
      period: periodLeft(created.expiresAtMs, created.createdAtMs),
      createdAtMs: created.createdAtMs,
      subject,
      authenticatedAtMs: subject === undefined ? undefined : created.createdAtMs,
      labels: { ...labels },
      securityVersion: 1,
    })
    return key
  }

  async function rotate(
    key: string,
    securityVersion: number,
    options: RotateOptions = {},
  ): Promise<RotateResult> {
    const parsed = parseKey(key)
    if (parsed === undefined) return { ok: false, reason: 'not_found' }
    if (options.subject !== undefined) assertSubject(options.subject)
    const successor = generateSuccessor(parsed.handle)
    const change = {
      secretHash: secretHashOf(successor),
      previous: { hash: parsed.secretHash, graceMs: 0 },
      subject: options.subject,
      authenticated: options.authenticated === true ? { absoluteMs: absolute * 1000 } : undefined,
      labels: options.labels === undefined ? undefined : encodeLabels(options.labels),
    }
    let expected = securityVersion
    for (let attempt = 0; attempt < ROTATE_ATTEMPTS; attempt++) {
      const version = expected
      const done = await ask('rotate a session', () =>
        store.updateSecurity(parsed.handle, change, version, limit),
      )
      if (done.ok) {
        return {
          ok: true,
          key: successor,
          period: periodLeft(done.expiresAtMs, done.nowMs),
          securityVersion: done.securityVersion,
          authenticatedAtMs: done.authenticatedAtMs ?? undefined,
        }
      }
      if (done.reason === 'limit') throw subjectLimit()
      if (done.reason === 'gone') return { ok: false, reason: 'not_found' }
      // Something else of the security part has changed: go on only if this key is still good.
      const record = await ask('read a session', () => store.read(parsed.handle))
      if (record === undefined || !isAuthorised(record, parsed.secretHash)) {
        return { ok: false, reason: 'not_found' }
      }
      expected = record.securityVersion
    }
    return { ok: false, reason: 'conflict' }
  }

  return {
    get defaultPeriod() {
      return defaultPeriod()
    },

    absolutePeriod: absolute,

    generate: (options: SessionGenerateOptions = {}) => create(options),

    async get(key: string): Promise<SessionFound | Missed> {
      const parsed = parseKey(key)
      if (parsed === undefined) return NOT_FOUND
      let record
      try {
        // Not by `ask`: this is the way of every request, and each promise on it counts.
        const answer = store.read(parsed.handle)
        record = await (limits === undefined ? answer : limits.call(answer))
      } catch (cause) {
        throw backendFault('read a session', cause)
      }
      if (record === undefined || !isAuthorised(record, parsed.secretHash)) return NOT_FOUND
      return record.value === null ? NOT_SET : foundOf(record, record.value)
    },

    async set(key, value, options: SessionSetOptions = {}): Promise<SetResult> {
      const { expiry, version, keepPeriod = false } = options
      if (expiry !== undefined) assertExpiry('expiry', expiry)
      if (value !== undefined) assertValue(value)
      const parsed = parseKey(key)
      if (parsed === undefined) return { ok: false, reason: 'not_found' }
      const period = expiry ?? (keepPeriod ? undefined : defaultPeriod())
      const idleMs = period === undefined ? undefined : period * 1000
      const done = await ask('set a session', () =>
        store.update(parsed.handle, parsed.secretHash, { value, idleMs }, version),
      )
      if (done.ok) {
        return { ok: true, version: done.version, period: periodLeft(done.expiresAtMs, done.nowMs) }
      }
      return { ok: false, reason: done.reason === 'gone' ? 'not_found' : 'conflict' }
    },

    async clear(key, { verified = false } = {}) {
      const parsed = parseKey(key)
      if (parsed === undefined) return
      const { handle, secretHash } = parsed
      await ask('clear a session', () =>
        verified ? store.delete(handle) : store.delete(handle, secretHash),
      )
    },

    async touch(key, due) {
      const parsed = parseKey(key)
      if (parsed === undefined) return false
      return ask('touch a session', () =>
        store.touch(parsed.handle, parsed.secretHash, due.fromMs, due.toMs),
      )
    },

    rotate,

    async list(subject) {
      assertSubject(subject)
      const records = await ask('list sessions', () => store.list(subject))
      return records.map(summaryOf)
    },

    async clearHandle(handle) {
      if (!isHandle(handle)) return false
      return ask('clear a session', () => store.delete(handle))
    },

    async clearSubject(subject, except) {
      assertSubject(subject)
      return ask("clear a subject's sessions", () => store.deleteSubject(subject, except))
    },

    async clearAll() {
      return ask('clear all sessions', () => store.deleteAll(), limits?.clearAll)
    },

    async sweep(limit = SWEEP_LIMIT) {
      return ask('sweep', () => store.sweep(limit))
    },
  }
}

function limitOf({ maxPerSubject, atLimit = 'refuse' }: LifecyclePolicy): SubjectLimit | undefined {
  if (atLimit !== 'refuse' && atLimit !== 'evict_oldest') {
    throw new TypeError('"atLimit" must be "refuse" or "evict_oldest"')
  }
  if (maxPerSubject === undefined) return undefined
  if (!Number.isSafeInteger(maxPerSubject) || maxPerSubject < 1) {
    throw new RangeError('"maxPerSubject" must be a whole number of at least 1')
  }
  return { maxPerSubject, atLimit }
}

/** The time that calls of the store have, or `undefined` for all the time there is. */
function limitsOf(timeoutMs: number | undefined) {
  if (timeoutMs === undefined) return undefined
  assertTimeLimit('timeoutMs', timeoutMs)
  return {
    call: createTimeLimit(timeoutMs),
    clearAll: createTimeLimit(timeoutMs * CLEAR_ALL_FACTOR),
  }
}

function subjectLimit(): SubjectLimitError {
  return new SubjectLimitError('the subject has as many sessions as it may')
}

function assertValue(value: unknown): void {
  if (typeof value !== 'string') throw new InvalidValueError('"value" must be a string')
  assertWellFormed(value)
}
