import type { Handle, SecretHash } from '../../core/key.ts'
import type {
  ListedRecord,
  SecurityPart,
  Store,
  StoredRecord,
  SubjectLimit,
} from '../../core/store.ts'
import { changeSecurity, firstRecordOf, listedOf } from '../../core/stored-record.ts'
import type { Cells } from './cells.ts'

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
// A collection passes over so many in two milliseconds. Cells are slower, and a module more to load.
const MOST_ON_HEAP = 16_384

/**
 * Makes a store of records on the heap. Beyond `most` of them they go to cells outside it, where the garbage collector
 * does not look: new ones at once, the others as a sweep passes. When the last is gone, the heap has its turn again.
 */
export function createTieredStore(now: () => number, most: number = MOST_ON_HEAP): Store {
  const records = new Map<Handle, Entry>()
  const subjects = new Map<string, Set<Entry>>()
  let cursor = records.values()
  let cells: Cells | undefined
  let bound = most

  /** Opens the cells if, once their code has come, they are still needed. Where it does not come, the heap serves on. */
  function openCells(): void {
    bound = Infinity
    import('./cells.ts').then(
      ({ createCells }) => {
        if (records.size > most) cells = createCells()
        bound = most
      },
      () => {},
    )
  }

  /** Puts a record, new or changed, where it belongs. What comes from a cell is a copy until then. */
  function keep(entry: Entry): void {
    if (cells !== undefined && !records.has(entry.recordId) && cells.put(entry)) return
    records.set(entry.recordId, entry)
    index(entry)
    if (cells === undefined && records.size > bound) openCells()
  }

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
    if (records.delete(entry.recordId)) unindex(entry)
    else cells?.delete(entry.recordId)
  }

  function find(recordId: Handle): Entry | undefined {
    return records.get(recordId) ?? cells?.get(recordId)
  }

  function live(recordId: Handle, nowMs: number): Entry | undefined {
    const entry = find(recordId)
    return entry !== undefined && nowMs < entry.expiresAtMs ? entry : undefined
  }

  function writable(recordId: Handle, secretHash: SecretHash, nowMs: number): Entry | undefined {
    const entry = live(recordId, nowMs)
    return entry && mayWrite(entry.security, secretHash, nowMs) ? entry : undefined
  }

  function allOf(subject: string): Entry[] {
    return [...(cells?.of(subject) ?? []), ...(subjects.get(subject) ?? [])]
  }

  function liveOf(subject: string, nowMs: number): Entry[] {
    const own = allOf(subject).filter(({ expiresAtMs }) => nowMs < expiresAtMs)
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
    const others = liveOf(subject, nowMs).filter(({ recordId }) => recordId !== self?.recordId)
    const surplus = others.length + 1 - maxPerSubject
    if (surplus <= 0) return true
    if (atLimit === 'refuse') return self?.security.subject === subject
    others.slice(0, surplus).forEach(remove)
    return true
  }

  function sweep(limit: number): number {
    const nowMs = now()
    let removed = 0
    let looked = 0
    for (; looked < limit; looked++) {
      let next = cursor.next()
      if (next.done === true) {
        cursor = records.values()
        if (looked > 0) break
        next = cursor.next()
        if (next.done === true) break
      }
      const expired = nowMs >= next.value.expiresAtMs
      if (expired || cells?.put(next.value) === true) remove(next.value)
      if (expired) removed++
    }
    if (cells === undefined) return removed
    removed += cells.sweep(limit - looked, nowMs)
    if (cells.size === 0 && records.size <= most) cells = undefined
    return removed
  }

  return {
    create(record, limit) {
      sweep(SWEPT_PER_CREATION)
      if (find(record.recordId) !== undefined) return { ok: false, reason: 'exists' }
      const nowMs = now()
      if (!admit(record.subject, limit, nowMs)) return { ok: false, reason: 'limit' }
      const entry: Entry = firstRecordOf(record, nowMs)
      keep(entry)
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
      const entry = writable(recordId, secretHash, nowMs)
      if (entry === undefined) return { ok: false, reason: 'gone' }
      if (version !== undefined && version !== entry.version)
        return { ok: false, reason: 'conflict' }
      if (value !== undefined) {
        entry.value = value
        entry.version++
      }
      if (idleMs !== undefined) entry.idleMs = idleMs
      entry.expiresAtMs = Math.min(nowMs + entry.idleMs, entry.deadlineMs)
      if (cells !== undefined) keep(entry)
      return { ok: true, version: entry.version, expiresAtMs: entry.expiresAtMs, nowMs }
    },

    touch(recordId, secretHash, fromMs, toMs) {
      const nowMs = now()
      const entry = writable(recordId, secretHash, nowMs)
      if (entry === undefined || entry.expiresAtMs !== fromMs) return false
      entry.expiresAtMs = Math.min(toMs, entry.deadlineMs)
      if (cells !== undefined) keep(entry)
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
      entry.securityVersion++
      if (change.authenticated !== undefined) {
        entry.deadlineMs = nowMs + change.authenticated.absoluteMs
        entry.expiresAtMs = Math.min(nowMs + entry.idleMs, entry.deadlineMs)
      }
      keep(entry)
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
      const entry = find(recordId)
      if (entry === undefined) return false
      const { secretHash: current, previousHash } = entry.security
      if (secretHash !== undefined && secretHash !== current && secretHash !== previousHash)
        return false
      remove(entry)
      return now() < entry.expiresAtMs
    },

    list: (subject): ListedRecord[] => liveOf(subject, now()).map(listedOf),

    deleteSubject(subject, except) {
      const own = allOf(subject).filter(({ recordId }) => recordId !== except)
      own.forEach(remove)
      const nowMs = now()
      return own.filter(({ expiresAtMs }) => nowMs < expiresAtMs).length
    },

    deleteAll() {
      const nowMs = now()
      const onHeap = [...records.values()].filter(({ expiresAtMs }) => nowMs < expiresAtMs).length
      const count = onHeap + (cells?.count(nowMs) ?? 0)
      records.clear()
      subjects.clear()
      cells = undefined
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
  const { previousHash, previousUntilMs } = security
  if (secretHash === security.secretHash) return true
  return secretHash === previousHash && (previousUntilMs === null || nowMs < previousUntilMs)
}
