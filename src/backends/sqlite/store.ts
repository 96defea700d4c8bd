import type { Handle } from '../../core/key.ts'
import type { SecretHash } from '../../core/key.ts'
import type {
  ListedRecord,
  NewRecord,
  SecurityChange,
  Store,
  StoredRecord,
  SubjectLimit,
  UpdateSecurityResult,
} from '../../core/store.ts'
import { previousUntil } from '../../core/stored-record.ts'
import { bindText, readNullable, readNumber, readText } from './database.ts'
import type { Row, SqliteDatabase, SqliteValue } from './database.ts'
import { prepareStatements } from './statements.ts'
import type { SqliteStatements } from './statements.ts'
import { createAtomically } from './transaction.ts'

// What a `Date` can show. Sums of such spans stay exact in SQLite's integers and in numbers.
const LONGEST_MS = 8.64e15

/**
 * Makes the `Store` under `createSqliteBackend`, by the clock `now`. A write is one transaction, which reads the
 * clock once it has the write lock; a read is one statement.
 */
export function createSqliteStore(db: SqliteDatabase, table: string, now: () => number): Store {
  const sql = prepareStatements(db, table)
  const atomically = createAtomically(db, table)
  // The sweeper's place: it has looked at every row up to this one.
  let swept = 0

  return {
    create(record, limit) {
      return atomically(() => insert(sql, record, now(), limit))
    },

    read(recordId) {
      const nowMs = now()
      const row = sql.read.get(recordId, nowMs) as Row | null | undefined
      return row ? recordOf(row, nowMs) : undefined
    },

    update(recordId, secretHash, { value, idleMs = null }, version) {
      return atomically(() => {
        const nowMs = now()
        const which = [recordId, ...authorisedBy(secretHash, nowMs)] as const
        const idle = idleMs === null ? null : bounded(idleMs)
        const span = [idle, nowMs, idle, ...which, ...given(version, version ?? null)] as const
        const [row] =
          value === undefined
            ? sql.moveExpiry.all(...span)
            : sql.setValue.all(bindText(value), ...span)
        if (row === undefined) {
          return { ok: false, reason: sql.authorised.get(...which) ? 'conflict' : 'gone' }
        }
        const { version: next, expires_at } = row as Row
        return { ok: true, version: readNumber(next), expiresAtMs: readNumber(expires_at), nowMs }
      })
    },

    touch(recordId, secretHash, fromMs, toMs) {
      return atomically(
        () => sql.touch.all(toMs, recordId, ...authorisedBy(secretHash, now()), fromMs).length > 0,
      )
    },

    updateSecurity(recordId, change, securityVersion, limit) {
      const named = change.subject === undefined || change.subject === null ? undefined : limit
      return atomically(() => changeSecurity(sql, recordId, change, securityVersion, now(), named))
    },

    delete(recordId, secretHash) {
      return atomically(() => {
        const rows =
          secretHash === undefined
            ? sql.remove.all(recordId)
            : sql.removeWithSecret.all(recordId, secretHash, secretHash)
        return countLive(rows, now()) > 0
      })
    },

    list(subject) {
      return sql.list.all(bindText(subject), now()).map((row) => listedOf(row as Row))
    },

    deleteSubject(subject, except) {
      return atomically(() =>
        countLive(sql.removeSubject.all(bindText(subject), except ?? null), now()),
      )
    },

    deleteAll() {
      return atomically(() => {
        sql.removeExpired.run(now())
        return readNumber(sql.removeAll.run().changes)
      })
    },

    sweep(limit) {
      const nowMs = now()
      const most = Math.max(0, Math.min(Math.trunc(limit), Number.MAX_SAFE_INTEGER))
      const slice = sql.slice.get(nowMs, swept, most) as Row
      const from = swept
      const last = readNumber(slice['last'])
      swept = readNumber(slice['looked']) < most ? 0 : last
      if (readNumber(slice['expired']) === 0) return 0
      return atomically(() => readNumber(sql.removeSlice.run(from, last, nowMs).changes))
    },
  }
}

/** The parameters of the conditions LIVE (but for the id) and AUTHORISED. */
function authorisedBy(secretHash: SecretHash, nowMs: number): SqliteValue[] {
  return [nowMs, secretHash, secretHash, nowMs]
}

function bounded(spanMs: number): number {
  return Math.max(-LONGEST_MS, Math.min(spanMs, LONGEST_MS))
}

function firstExpiry({ idleMs, absoluteMs }: NewRecord, nowMs: number): number {
  return nowMs + bounded(Math.min(idleMs, absoluteMs))
}

function insert(
  sql: SqliteStatements,
  record: NewRecord,
  nowMs: number,
  limit: SubjectLimit | undefined,
): Awaited<ReturnType<Store['create']>> {
  const { recordId } = record
  const subject = bindText(record.subject)
  const row = insertRow(record, nowMs)
  const { refuseAt, evictAt } = boundsOf(subject === null ? undefined : limit)
  const inserted =
    refuseAt === null
      ? sql.insert.all(...row)
      : sql.insertBelowLimit.all(...row, subject, nowMs, refuseAt)
  if (inserted.length === 0) {
    return { ok: false, reason: sql.exists.get(recordId) ? 'exists' : 'limit' }
  }
  if (evictAt !== null) evict(sql, subject, recordId, evictAt, nowMs)
  return { ok: true, createdAtMs: nowMs, expiresAtMs: firstExpiry(record, nowMs) }
}

function insertRow(record: NewRecord, nowMs: number): SqliteValue[] {
  const { recordId, idleMs, absoluteMs, secretHash, authenticated } = record
  return [
    recordId,
    1,
    bounded(idleMs),
    nowMs,
    firstExpiry(record, nowMs),
    nowMs + bounded(absoluteMs),
    1,
    secretHash,
    null,
    null,
    authenticated ? nowMs : null,
    bindText(record.subject),
    bindText(record.labels),
    bindText(record.extra),
    bindText(record.value),
  ]
}

/** The number of sessions at which a step is refused, or else at which it evicts. */
function boundsOf(limit: SubjectLimit | undefined): {
  refuseAt: number | null
  evictAt: number | null
} {
  const { maxPerSubject = null, atLimit = 'refuse' } = limit ?? {}
  return atLimit === 'refuse'
    ? { refuseAt: maxPerSubject, evictAt: null }
    : { refuseAt: null, evictAt: maxPerSubject }
}

/** Deletes the oldest of the subject's other records until there is room for this one. */
function evict(
  sql: SqliteStatements,
  subject: SqliteValue,
  recordId: Handle,
  maxPerSubject: number,
  nowMs: number,
): void {
  const { n } = sql.countOther.get(subject, nowMs, recordId) as Row
  sql.evict.run(subject, nowMs, recordId, readNumber(n) + 1 - maxPerSubject)
}

function changeSecurity(
  sql: SqliteStatements,
  recordId: Handle,
  change: SecurityChange,
  securityVersion: number,
  nowMs: number,
  limit: SubjectLimit | undefined,
): UpdateSecurityResult {
  const { secretHash, previous, subject, authenticated, labels, extra } = change
  const deadlineMs = authenticated === undefined ? null : nowMs + bounded(authenticated.absoluteMs)
  const graceMs = previous?.graceMs ?? null
  const newSubject = bindText(subject ?? null)
  const { refuseAt, evictAt } = boundsOf(limit)
  const [row] = sql.changeSecurity.all(
    secretHash ?? null,
    ...given(previous, previous?.hash ?? null),
    ...given(previous, previousUntil(graceMs === null ? null : bounded(graceMs), nowMs)),
    ...given(subject, newSubject),
    ...given(labels, bindText(labels ?? null)),
    ...given(extra, bindText(extra ?? null)),
    authenticated === undefined ? null : nowMs,
    deadlineMs,
    ...given(authenticated, nowMs),
    deadlineMs,
    recordId,
    nowMs,
    securityVersion,
    refuseAt,
    newSubject,
    newSubject,
    nowMs,
    refuseAt,
  )
  if (row === undefined) {
    const live = sql.liveSecurityVersion.get(recordId, nowMs) as Row | null | undefined
    if (!live) return { ok: false, reason: 'gone' }
    const same = readNumber(live['security_version']) === securityVersion
    return { ok: false, reason: same ? 'limit' : 'conflict' }
  }
  if (evictAt !== null) evict(sql, newSubject, recordId, evictAt, nowMs)
  const { security_version, expires_at, authenticated_at } = row as Row
  return {
    ok: true,
    securityVersion: readNumber(security_version),
    expiresAtMs: readNumber(expires_at),
    authenticatedAtMs: readNullable(authenticated_at),
    nowMs,
  }
}

/**
 * The parameters of `iif(?, ?, …)`: whether the caller says something, and what. Not null for nothing: NaN,
 * what a sum with `undefined` makes of a version, is bound as null.
 */
function given(said: unknown, value: SqliteValue): [number, SqliteValue] {
  return [said === undefined ? 0 : 1, value]
}

function countLive(rows: readonly unknown[], nowMs: number): number {
  return rows.filter((row) => readNumber((row as Row)['expires_at']) > nowMs).length
}

function recordOf(row: Row, nowMs: number): StoredRecord {
  return {
    recordId: row['id'] as Handle,
    value: readText(row['value']),
    version: readNumber(row['version']),
    idleMs: readNumber(row['idle_ms']),
    createdAtMs: readNumber(row['created_at']),
    expiresAtMs: readNumber(row['expires_at']),
    deadlineMs: readNumber(row['deadline_at']),
    security: {
      secretHash: row['secret_hash'] as SecretHash,
      previousHash: row['previous_hash'] as SecretHash | null,
      previousUntilMs: readNullable(row['previous_until']),
      subject: readText(row['subject']),
      authenticatedAtMs: readNullable(row['authenticated_at']),
      labels: readText(row['labels']),
      extra: readText(row['extra']),
    },
    securityVersion: readNumber(row['security_version']),
    nowMs,
  }
}

function listedOf(row: Row): ListedRecord {
  return {
    recordId: row['id'] as Handle,
    idleMs: readNumber(row['idle_ms']),
    createdAtMs: readNumber(row['created_at']),
    expiresAtMs: readNumber(row['expires_at']),
    deadlineMs: readNumber(row['deadline_at']),
    authenticatedAtMs: readNullable(row['authenticated_at']),
    labels: readText(row['labels']),
  }
}
