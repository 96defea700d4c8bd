import { createBridgeDocuments, recordKey, subjectKey } from './bridge-engine.ts'
import type { BridgeEngine } from './bridge-engine.ts'
import { createBridgeQueue, inBatches } from './bridge-queue.ts'
import { changedBridgeRecord, mayEnd, securedBridgeRecord } from './bridge-record.ts'
import type { BridgeIndex, BridgeRecord } from './bridge-record.ts'
import { createBridgeSweep } from './bridge-sweep.ts'
import { BackendError } from './errors.ts'
import type { Handle, SecretHash } from './key.ts'
import type { Store, SubjectLimit, UpdateResult, UpdateSecurityResult } from './store.ts'
import { firstRecordOf, isAuthorised, listedOf } from './stored-record.ts'
import { assertTimeLimit } from './time-limit.ts'

/** Options of `createBridgeStore`. */
export interface BridgeStoreOptions {
  /** The store's one clock: epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined
  /** Milliseconds that a call of the engine may take, and a step may wait for its turn. Default: 5,000. */
  readonly timeoutMs?: number | undefined
}

/** How long a bridge waits for its engine. */
export const BRIDGE_TIMEOUT_MS = 5000

/**
 * Makes a `Store` over an engine that can only get, set and delete texts. Its steps are atomic **within this
 * process**: those on one record queue, and so do those on one subject. Another process on the same engine can
 * overwrite them, and bring back what was deleted.
 *
 * A subject's queue is entered before those of its records, and those of several records all at once, so that no
 * two steps wait for each other. Reads queue too: an engine may show half of what it is writing.
 */
export function createBridgeStore(engine: BridgeEngine, options: BridgeStoreOptions = {}): Store {
  const { now = Date.now, timeoutMs = BRIDGE_TIMEOUT_MS } = options
  assertTimeLimit('timeoutMs', timeoutMs)
  const queue = createBridgeQueue()
  const documents = createBridgeDocuments(engine, timeoutMs)
  const clock = (): number => Math.floor(now())

  /** Runs a step in its turn, unless that comes so late that whoever asked for it has given up. */
  function inTurn<T>(keys: readonly string[], step: () => Promise<T>): Promise<T> {
    const sinceMs = performance.now()
    return queue.exclusive(keys, async () => {
      if (performance.now() - sinceMs > timeoutMs) {
        throw new BackendError(`the steps before this one took more than ${timeoutMs} ms`)
      }
      return step()
    })
  }

  function load(recordId: Handle): Promise<BridgeRecord | undefined> {
    return documents.record(recordKey(recordId), recordId)
  }

  function readInTurn(recordId: Handle): Promise<BridgeRecord | undefined> {
    return queue.shared(recordKey(recordId), () => load(recordId))
  }

  /** Runs a change of a live record, which `secretHash` must authorise if it is given. */
  function change<T>(
    recordId: Handle,
    secretHash: SecretHash,
    missed: T,
    apply: (record: BridgeRecord, nowMs: number) => Promise<T>,
  ): Promise<T> {
    return inTurn([recordKey(recordId)], async () => {
      const record = await load(recordId)
      const nowMs = clock()
      if (record === undefined || !isLive(record, nowMs)) return missed
      return isAuthorised({ ...record, nowMs }, secretHash) ? apply(record, nowMs) : missed
    })
  }

  /**
   * Runs a step that gives `self` to `subject`, with the subject's index; and, where a limit has to be kept, alone
   * with all of its records.
   */
  function joining<T>(
    subject: string | null,
    self: Handle,
    limit: SubjectLimit | undefined,
    step: (index: BridgeIndex | undefined) => Promise<T>,
  ): Promise<T> {
    if (subject === null) return inTurn([recordKey(self)], () => step(undefined))
    return inTurn([subjectKey(subject)], async () => {
      const index = await documents.index(subject)
      const others = limit?.maxPerSubject === undefined ? [] : index.entries
      const keys = [self, ...others.map(([recordId]) => recordId)].map(recordKey)
      return inTurn(keys, () => step(index))
    })
  }

  /** The records of an index that are the subject's and live, oldest first. */
  async function liveOf(
    { subject, entries }: BridgeIndex,
    read: (recordId: Handle) => Promise<BridgeRecord | undefined>,
  ): Promise<{ live: BridgeRecord[]; kept: BridgeIndex; nowMs: number }> {
    const found = await inBatches(entries, async ([recordId]) => read(recordId))
    const nowMs = clock()
    const own = found.map((record) => record?.security.subject === subject)
    const live = found.filter(
      (record, at): record is BridgeRecord => own[at] === true && isLive(record!, nowMs),
    )
    // What has expired stays listed until its deadline: a clock that is set back shows it again.
    const kept = { subject, entries: entries.filter((_, at) => own[at] === true) }
    return { live: live.sort((a, b) => a.createdAtMs - b.createdAtMs), kept, nowMs }
  }

  /** The index with room for `self`, after evictions; `undefined` when there is none. */
  async function admit(
    index: BridgeIndex,
    { maxPerSubject, atLimit = 'refuse' }: SubjectLimit,
    self: Handle,
    isOwn: boolean,
  ): Promise<BridgeIndex | undefined> {
    if (maxPerSubject === undefined) return index
    const { live, kept } = await liveOf(index, load)
    const others = live.filter(({ recordId }) => recordId !== self)
    const surplus = others.length + 1 - maxPerSubject
    if (surplus <= 0) return kept
    if (atLimit === 'refuse') return isOwn ? kept : undefined
    const evicted = others.slice(0, surplus).map(({ recordId }) => recordId)
    await inBatches(evicted, async (recordId) => documents.remove(recordKey(recordId)))
    return without(kept, new Set(evicted))
  }

  /** The entry before the record: a record that is there can be found through its subject. */
  async function save(record: BridgeRecord, index: BridgeIndex | undefined, nowMs: number) {
    if (index !== undefined && isLive(record, nowMs)) {
      await documents.putIndex(withEntry(index, record), nowMs)
    }
    await documents.putRecord(record, nowMs)
  }

  const steps: Omit<Store, 'deleteAll' | 'sweep'> = {
    create: async (draft, limit = {}) =>
      joining(draft.subject, draft.recordId, limit, async (index) => {
        if ((await load(draft.recordId)) !== undefined) return { ok: false, reason: 'exists' }
        const admitted = index && (await admit(index, limit, draft.recordId, false))
        if (index !== undefined && admitted === undefined) return { ok: false, reason: 'limit' }
        const record = firstRecordOf(draft, clock())
        await save(record, admitted, record.createdAtMs)
        const { createdAtMs, expiresAtMs } = record
        return { ok: true, createdAtMs, expiresAtMs }
      }),

    async read(recordId) {
      const record = await readInTurn(recordId)
      const nowMs = clock()
      return record !== undefined && isLive(record, nowMs) ? { ...record, nowMs } : undefined
    },

    update: async (recordId, secretHash, changes, version) =>
      change<UpdateResult>(recordId, secretHash, GONE, async (record, nowMs) => {
        if (version !== undefined && version !== record.version) return CONFLICT
        const changed = changedBridgeRecord(record, changes, nowMs)
        await documents.putRecord(changed, nowMs)
        return { ok: true, version: changed.version, expiresAtMs: changed.expiresAtMs, nowMs }
      }),

    touch: async (recordId, secretHash, fromMs, toMs) =>
      change(recordId, secretHash, false, async (record, nowMs) => {
        if (record.expiresAtMs !== fromMs) return false
        const expiresAtMs = Math.min(toMs, record.deadlineMs)
        await documents.putRecord({ ...record, expiresAtMs }, nowMs)
        return true
      }),

    async updateSecurity(recordId, changes, securityVersion, limit = {}) {
      let { subject } = changes
      if (subject === undefined && changes.authenticated !== undefined) {
        // It moves the deadline, which the index must know. The subject stays as long as the securityVersion does.
        const record = await readInTurn(recordId)
        if (record === undefined || !isLive(record, clock())) return GONE
        if (record.securityVersion !== securityVersion) return CONFLICT
        subject = record.security.subject
      }
      const bound = changes.subject === undefined ? {} : limit
      return joining(
        subject ?? null,
        recordId,
        bound,
        async (index): Promise<UpdateSecurityResult> => {
          const record = await load(recordId)
          const foundMs = clock()
          if (record === undefined || !isLive(record, foundMs)) return GONE
          if (record.securityVersion !== securityVersion) return CONFLICT
          const isOwn = record.security.subject === subject
          const admitted = index && (await admit(index, bound, recordId, isOwn))
          if (index !== undefined && admitted === undefined) return { ok: false, reason: 'limit' }
          const changed = securedBridgeRecord(record, changes, foundMs)
          await save(changed, admitted, foundMs)
          const { expiresAtMs, security } = changed
          const { authenticatedAtMs } = security
          const at = { expiresAtMs, authenticatedAtMs, nowMs: foundMs }
          return { ok: true, securityVersion: changed.securityVersion, ...at }
        },
      )
    },

    async delete(recordId, secretHash) {
      const record = await inTurn([recordKey(recordId)], async () => {
        const found = await load(recordId)
        if (found === undefined) return undefined
        if (secretHash !== undefined && !mayEnd(found, secretHash)) return undefined
        await documents.remove(recordKey(recordId))
        return found
      })
      if (record === undefined) return false
      const live = isLive(record, clock())
      const { subject } = record.security
      if (subject !== null) await unlist(subject, recordId)
      return live
    },

    list: async (subject) =>
      inTurn([subjectKey(subject)], async () => {
        const index = await documents.index(subject)
        const { live, kept, nowMs } = await liveOf(index, readInTurn)
        if (kept.entries.length < index.entries.length) await documents.putIndex(kept, nowMs)
        return live.map(listedOf)
      }),

    deleteSubject: async (subject, except) =>
      inTurn([subjectKey(subject)], async () => {
        const index = await documents.index(subject)
        const keys = index.entries.map(([recordId]) => recordKey(recordId))
        return inTurn(keys, async () => {
          const { live, kept, nowMs } = await liveOf(index, load)
          const ended = new Set(kept.entries.map(([recordId]) => recordId))
          if (except !== undefined) ended.delete(except)
          await inBatches([...ended], async (recordId) => documents.remove(recordKey(recordId)))
          if (index.entries.length > 0) await documents.putIndex(without(kept, ended), nowMs)
          return live.filter(({ recordId }) => ended.has(recordId)).length
        })
      }),
  }

  /** Takes a deleted record off its subject's list. The list does without: it checks what it lists. */
  async function unlist(subject: string, recordId: Handle): Promise<void> {
    const unlisting = inTurn([subjectKey(subject)], async () => {
      const index = await documents.index(subject)
      const kept = without(index, new Set([recordId]))
      if (kept.entries.length < index.entries.length) await documents.putIndex(kept, clock())
    })
    // The session has ended; a fault here takes nothing of that back.
    await unlisting.catch(() => {})
  }

  return {
    ...steps,
    ...createBridgeSweep(engine, documents, { clock, inTurn, timeoutMs, list: steps.list }),
  }
}

const GONE = { ok: false, reason: 'gone' } as const
const CONFLICT = { ok: false, reason: 'conflict' } as const

function isLive(record: BridgeRecord, nowMs: number): boolean {
  return nowMs < record.expiresAtMs
}

function without({ subject, entries }: BridgeIndex, ids: ReadonlySet<Handle>): BridgeIndex {
  return { subject, entries: entries.filter(([recordId]) => !ids.has(recordId)) }
}

function withEntry(index: BridgeIndex, { recordId, deadlineMs }: BridgeRecord): BridgeIndex {
  const { subject, entries } = without(index, new Set([recordId]))
  return { subject, entries: [...entries, [recordId, deadlineMs]] }
}
