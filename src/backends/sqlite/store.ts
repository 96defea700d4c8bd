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
import { bindText, bounded, readNullable, readNumber, readText } from './database.ts'
import type { Row, SqliteDatabase, SqliteValue } from './database.ts'
import { prepareStatements } from './statements.ts'
import type { SqliteStatements } from './statements.ts'
import { createAtomically } from './transaction.ts'
import { update } from './update.ts'

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
      const row = sql.read.get(recordId, nowMs)
      return row === undefined ? undefined : recordOf(recordId, row, nowMs)
    },

    update(recordId, secretHash, change, version) {
      return atomically((inside) =>
        update(sql, { recordId, secretHash, change, version, nowMs: now(), inside }),
      )
    },

    touch(recordId, secretHash, fromMs, toMs) {
      return atomically(() => {
        const nowMs = now()
        const which = [recordId, nowMs, secretHash, secretHash, nowMs, fromMs]
        return sql.touch.all(toMs, ...which).length > 0
      })
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
      return sql.list.all(bindText(subject), now()).map(listedOf)
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
      const [last, looked, expired] = sql.slice.get(nowMs, swept, most) as Row
      const from = swept
      const to = readNumber(last)
      swept = readNumber(looked) < most ? 0 : to
      if (readNumber(expired) === 0) return 0
      return atomically(() => readNumber(sql.removeSlice.run(from, to, nowMs).changes))
    },
  }
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
  const [others] = sql.countOther.get(subject, nowMs, recordId) as Row
  sql.evict.run(subject, nowMs, recordId, readNumber(others) + 1 - maxPerSubject)
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
    const live = sql.liveSecurityVersion.get(recordId, nowMs)
    if (live === undefined) return { ok: false, reason: 'gone' }
    const same = readNumber(live[0]) === securityVersion
    return { ok: false, reason: same ? 'limit' : 'conflict' }
  }
  if (evictAt !== null) evict(sql, newSubject, recordId, evictAt, nowMs)
  const [version, expiresAt, authenticatedAt] = row
  return {
    ok: true,
    securityVersion: readNumber(version),
    expiresAtMs: readNumber(expiresAt),
    authenticatedAtMs: readNullable(authenticatedAt),
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

function countLive(rows: readonly Row[], nowMs: number): number {
  return rows.filter(([expiresAt]) => readNumber(expiresAt) > nowMs).length
}

/** A record of what `read` selects. */
function recordOf(recordId: Handle, row: Row, nowMs: number): StoredRecord {
  return {
    recordId,
    version: readNumber(row[0]),
    idleMs: readNumber(row[1]),
    createdAtMs: readNumber(row[2]),
    expiresAtMs: readNumber(row[3]),
    deadlineMs: readNumber(row[4]),
    securityVersion: readNumber(row[5]),
    security: {
      secretHash: row[6] as SecretHash,
      previousHash: row[7] as SecretHash | null,
      previousUntilMs: readNullable(row[8]),
      authenticatedAtMs: readNullable(row[9]),
      subject: readText(row[10]),
      labels: readText(row[11]),
      extra: readText(row[12]),
    },
    value: readText(row[13]),
    nowMs,
  }
}

/** A record of what `list` selects. */
function listedOf(row: Row): ListedRecord {
  return {
    recordId: row[0] as Handle,
    idleMs: readNumber(row[1]),
    createdAtMs: readNumber(row[2]),
    expiresAtMs: readNumber(row[3]),
    deadlineMs: readNumber(row[4]),
    authenticatedAtMs: readNullable(row[5]),
    labels: readText(row[6]),
  }
}
