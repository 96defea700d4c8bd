/**
 * Sessions in the memory of one process: for tests, development and programs that may forget.
 *
 * @module `sojourn/backends/memory`
 */
import { createBackend } from '../core/lifecycle.ts'
import type { LifecyclePolicy } from '../core/lifecycle.ts'
import type { Handle, SecretHash } from '../core/key.ts'
import { assertOptions, POLICY_OPTIONS, SWEEPER_OPTIONS } from '../core/options.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import type {
  ListedRecord,
  SecurityPart,
  Store,
  StoredRecord,
  SubjectLimit,
} from '../core/store.ts'
import { changeSecurity, firstRecordOf, listedOf } from '../core/stored-record.ts'
import { startSweeper } from '../core/sweeper.ts'
import type { SweeperOptions } from '../core/sweeper.ts'

/** Options of `createMemoryBackend`. */
export interface MemoryBackendOptions extends LifecyclePolicy, SweeperOptions {
  /** The store's one clock: epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** A memory backend: a `SessionBackend` that can be closed. */
export interface MemoryBackend extends SessionBackend {
  /** Stops the sweeping timer. Sessions stay readable. */
  close(): void
}

const OPTIONS = [...POLICY_OPTIONS, ...SWEEPER_OPTIONS, 'now']

/**
 * Makes a backend that keeps sessions in this process, by its own clock. Expired ones are removed without
 * being read: some at each creation and some at each tick of a timer that keeps no process alive, so
 * that what is held stays in proportion to what is live.
 *
 * @throws InvalidPeriodError when a period is out of range.
 * @throws RangeError when a sweeping option is out of range.
 * @example
 * ```ts
 * import { createMemoryBackend } from 'sojourn/backends/memory'
 *
 * const backend = createMemoryBackend({ period: 1800 })
 * ```
 */
export function createMemoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  assertOptions('createMemoryBackend', options, OPTIONS)
  const store = createMemoryStore(options.now)
  const backend = createBackend(store, options)
  const close = startSweeper(store, options)
  // Not a spread: `defaultPeriod` is a getter.
  return Object.assign(backend, { close })
}

/** A record as kept: what is read of it, but for the clock's reading. */
interface Entry {
  readonly recordId: Handle
  value: string | null
  version: number
  idleMs: number
  readonly createdAtMs: number
  expiresAtMs: number
  deadlineMs: number
  security: SecurityPart
  securityVersion: number
}

// Two per creation outrun creation itself, so that a full round is always under way.
const SWEPT_PER_CREATION = 2

/** Makes the `Store` under `createMemoryBackend`. Every operation is one synchronous step. */
export function createMemoryStore(now: () => number = Date.now): Store {
  const records = new Map<Handle, Entry>()
  const subjects = new Map<string, Set<Entry>>()
  let cursor = records.values()

  function index(entry: Entry): void {
    const { subject } = entry.security
    if (subject === null) return
    const own = subjects.get(subject)
    if (own === undefined) subjects.set(subject, new Set([entry]))
    else own.add(entry)
  }

  function unindex(entry: Entry): void {
    const { subject } = entry.security
    if (subject === null) return
    const own = subjects.get(subject)
    own?.delete(entry)
    if (own?.size === 0) subjects.delete(subject)
  }

  function remove(entry: Entry): void {
    records.delete(entry.recordId)
    unindex(entry)
  }

  function live(recordId: Handle, nowMs: number): Entry | undefined {
    const entry = records.get(recordId)
    return entry !== undefined && nowMs < entry.expiresAtMs ? entry : undefined
  }

  function liveOf(subject: string, nowMs: number): Entry[] {
    const own = [...(subjects.get(subject) ?? [])].filter(({ expiresAtMs }) => nowMs < expiresAtMs)
    return own.toSorted((a, b) => a.createdAtMs - b.createdAtMs)
  }

  /** Makes room for a session of `subject`, `self` if it exists; false when there is none. */
  function admit(
    subject: string | null,
    limit: SubjectLimit | undefined,
    nowMs: number,
    self?: Entry,
  ): boolean {
    const { maxPerSubject, atLimit = 'refuse' } = limit ?? {}
    if (subject === null || maxPerSubject === undefined) return true
    const others = liveOf(subject, nowMs).filter((entry) => entry !== self)
    const surplus = others.length + 1 - maxPerSubject
    if (surplus <= 0) return true
    if (atLimit === 'refuse') return self?.security.subject === subject
    others.slice(0, surplus).forEach(remove)
    return true
  }

  function sweep(limit: number): number {
    const nowMs = now()
    let removed = 0
    for (let looked = 0; looked < limit; looked++) {
      let next = cursor.next()
      if (next.done === true) {
        cursor = records.values()
        if (looked > 0) break
        next = cursor.next()
        if (next.done === true) break
      }
      if (nowMs < next.value.expiresAtMs) continue
      remove(next.value)
      removed++
    }
    return removed
  }

  return {
    create(record, limit) {
      sweep(SWEPT_PER_CREATION)
      if (records.has(record.recordId)) return { ok: false, reason: 'exists' }
      const nowMs = now()
      if (!admit(record.subject, limit, nowMs)) return { ok: false, reason: 'limit' }
      const entry: Entry = firstRecordOf(record, nowMs)
      records.set(entry.recordId, entry)
      index(entry)
      return { ok: true, createdAtMs: entry.createdAtMs, expiresAtMs: entry.expiresAtMs }
    },

    read(recordId): StoredRecord | undefined {
      // Read once: a second reading might be past the expiry that the first one allowed.
      const nowMs = now()
      const entry = live(recordId, nowMs)
      return entry && asRead(entry, nowMs)
    },

    update(recordId, secretHash, { value, idleMs }, version) {
      const nowMs = now()
      const entry = live(recordId, nowMs)
      if (entry === undefined || !mayWrite(entry.security, secretHash, nowMs)) {
        return { ok: false, reason: 'gone' }
      }
      if (version !== undefined && version !== entry.version)
        return { ok: false, reason: 'conflict' }
      if (value !== undefined) {
        entry.value = value
        entry.version++
      }
      if (idleMs !== undefined) entry.idleMs = idleMs
      entry.expiresAtMs = Math.min(nowMs + entry.idleMs, entry.deadlineMs)
      return { ok: true, version: entry.version, expiresAtMs: entry.expiresAtMs, nowMs }
    },

    touch(recordId, secretHash, fromMs, toMs) {
      const nowMs = now()
      const entry = live(recordId, nowMs)
      if (entry === undefined || !mayWrite(entry.security, secretHash, nowMs)) return false
      if (entry.expiresAtMs !== fromMs) return false
      entry.expiresAtMs = Math.min(toMs, entry.deadlineMs)
      return true
    },

    updateSecurity(recordId, change, securityVersion, limit) {
      const nowMs = now()
      const entry = live(recordId, nowMs)
      if (entry === undefined) return { ok: false, reason: 'gone' }
      if (entry.securityVersion !== securityVersion) return { ok: false, reason: 'conflict' }
      if (!admit(change.subject ?? null, limit, nowMs, entry)) return { ok: false, reason: 'limit' }
      const security = changeSecurity(entry.security, change, nowMs)
      unindex(entry)
      entry.security = security
      index(entry)
      entry.securityVersion++
      if (change.authenticated !== undefined) {
        entry.deadlineMs = nowMs + change.authenticated.absoluteMs
        entry.expiresAtMs = Math.min(nowMs + entry.idleMs, entry.deadlineMs)
      }
      const { expiresAtMs } = entry
      const { authenticatedAtMs } = security
      return {
        ok: true,
        securityVersion: entry.securityVersion,
        expiresAtMs,
        authenticatedAtMs,
        nowMs,
      }
    },

    delete(recordId, secretHash) {
      const entry = records.get(recordId)
      if (entry === undefined) return false
      const { secretHash: current, previousHash } = entry.security
      if (secretHash !== undefined && secretHash !== current && secretHash !== previousHash)
        return false
      remove(entry)
      return now() < entry.expiresAtMs
    },

    list: (subject): ListedRecord[] => liveOf(subject, now()).map(listedOf),

    deleteSubject(subject, except) {
      const own = [...(subjects.get(subject) ?? [])].filter(({ recordId }) => recordId !== except)
      own.forEach(remove)
      const nowMs = now()
      return own.filter(({ expiresAtMs }) => nowMs < expiresAtMs).length
    },

    deleteAll() {
      const nowMs = now()
      const count = [...records.values()].filter(({ expiresAtMs }) => nowMs < expiresAtMs).length
      records.clear()
      subjects.clear()
      return count
    },

    sweep,
  }
}

/** Spelt out: a spread costs a read a third of its time. */
function asRead(entry: Entry, nowMs: number): StoredRecord {
  return {
    recordId: entry.recordId,
    value: entry.value,
    version: entry.version,
    idleMs: entry.idleMs,
    createdAtMs: entry.createdAtMs,
    expiresAtMs: entry.expiresAtMs,
    deadlineMs: entry.deadlineMs,
    security: entry.security,
    securityVersion: entry.securityVersion,
    nowMs,
  }
}

function mayWrite(security: SecurityPart, secretHash: SecretHash, nowMs: number): boolean {
  if (secretHash === security.secretHash) return true
  if (secretHash !== security.previousHash) return false
  return security.previousUntilMs === null || nowMs < security.previousUntilMs
}
