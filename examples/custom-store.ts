// A store by hand: the atomic operations of `Store` in SQL, and with `createBackend` the whole lifecycle. Each
// operation is one statement or one transaction. An application imports 'sojourn'.
import { DatabaseSync } from 'node:sqlite'
import type { Handle, ListedRecord, SecretHash, Store, StoredRecord } from '../src/index.ts'

type Column = string | number | null
type Row = Record<string, Column>

const SCHEMA = `
CREATE TABLE IF NOT EXISTS session (
  record_id TEXT PRIMARY KEY,
  value TEXT,
  version INTEGER NOT NULL DEFAULT 1,
  idle_ms INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,
  secret_hash TEXT NOT NULL,
  previous_hash TEXT,
  previous_until INTEGER,
  subject TEXT,
  authenticated_at INTEGER,
  labels TEXT,
  extra TEXT,
  security_version INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS session_subject ON session (subject);
CREATE INDEX IF NOT EXISTS session_expiry ON session (expires_at);
`

const AUTHORISED = `(secret_hash = :secret OR (previous_hash = :secret
    AND (previous_until IS NULL OR previous_until > :now)))`

const COUNT_OTHERS = `
SELECT count(*) AS others FROM session
WHERE subject = :subject AND expires_at > :now AND record_id <> :id`

const EVICT = `
DELETE FROM session WHERE record_id IN (
  SELECT record_id FROM session
  WHERE subject = :subject AND expires_at > :now AND record_id <> :id
  ORDER BY created_at, rowid LIMIT :surplus)`

const CREATE = `
INSERT INTO session (record_id, value, idle_ms, created_at, expires_at, deadline_at,
  secret_hash, subject, authenticated_at, labels, extra)
VALUES (:id, :value, :idle, :now, min(:now + :idle, :now + :absolute), :now + :absolute,
  :secret, :subject, :authenticated, :labels, :extra)
ON CONFLICT DO NOTHING RETURNING expires_at`

const READ = `
SELECT * FROM session WHERE record_id = :id AND expires_at > :now`

const UPDATE = `
UPDATE session SET
  value = CASE WHEN :changes THEN :value ELSE value END,
  version = version + :changes,
  idle_ms = coalesce(:idle, idle_ms),
  expires_at = min(:now + coalesce(:idle, idle_ms), deadline_at)
WHERE record_id = :id AND expires_at > :now
  AND ${AUTHORISED}
  AND version = coalesce(:version, version)
RETURNING version, expires_at`

const TOUCH = `
UPDATE session SET expires_at = min(:to, deadline_at)
WHERE record_id = :id AND expires_at > :now
  AND ${AUTHORISED}
  AND expires_at = :from
RETURNING record_id`

const UPDATE_SECURITY = `
UPDATE session SET
  security_version = security_version + 1,
  secret_hash = :secret, previous_hash = :previous, previous_until = :until,
  subject = :subject, labels = :labels, extra = :extra,
  authenticated_at = :authenticated, deadline_at = :deadline, expires_at = :expires
WHERE record_id = :id
RETURNING security_version, expires_at, authenticated_at`

const DELETE = `
DELETE FROM session
WHERE record_id = :id
  AND (:secret IS NULL OR secret_hash = :secret OR previous_hash = :secret)
RETURNING expires_at`

const LIST = `
SELECT * FROM session WHERE subject = :subject AND expires_at > :now
ORDER BY created_at, rowid`

const DELETE_SUBJECT = `
DELETE FROM session WHERE subject = :subject AND record_id IS NOT :except
RETURNING expires_at`

const SWEEP = `
DELETE FROM session WHERE record_id IN (
  SELECT record_id FROM session WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit)`

export function createSqlStore(db: DatabaseSync, now: () => number = Date.now): Store {
  db.exec(SCHEMA)

  function query(sql: string, parameters: Row): Row[] {
    return db.prepare(sql).all(parameters) as Row[]
  }

  /** One transaction, which reads the clock once it has the lock. */
  function atomically<T>(run: (nowMs: number) => T): T {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = run(now())
      db.exec('COMMIT')
      return result
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }

  function countLive(rows: readonly Row[], nowMs: number): number {
    return rows.filter((row) => Number(row['expires_at']) > nowMs).length
  }

  /** Makes room for a session of the subject; false when there is none. Part of the caller's transaction. */
  function admit(row: Row, limit: Parameters<Store['create']>[1], isAlready: boolean): boolean {
    const { maxPerSubject, atLimit = 'refuse' } = limit ?? {}
    const { id = null, subject = null, now: at = null } = row
    if (subject === null || maxPerSubject === undefined) return true
    const others = Number(query(COUNT_OTHERS, { id, subject, now: at })[0]?.['others'])
    const surplus = others + 1 - maxPerSubject
    if (surplus <= 0) return true
    if (atLimit === 'refuse') return isAlready
    query(EVICT, { id, subject, now: at, surplus })
    return true
  }

  return {
    create(record, limit) {
      return atomically((nowMs) => {
        const { recordId: id, value, idleMs: idle, absoluteMs: absolute, secretHash } = record
        const { subject, authenticated, labels, extra } = record
        if (query('SELECT 1 FROM session WHERE record_id = :id', { id }).length > 0) {
          return { ok: false, reason: 'exists' }
        }
        const owner = { id, subject, now: nowMs }
        if (!admit(owner, limit, false)) return { ok: false, reason: 'limit' }
        const more = { secret: secretHash, authenticated: authenticated ? nowMs : null }
        const [row] = query(CREATE, { ...owner, ...more, value, idle, absolute, labels, extra })
        return { ok: true, createdAtMs: nowMs, expiresAtMs: Number(row?.['expires_at']) }
      })
    },

    read(recordId) {
      const nowMs = now()
      const [row] = query(READ, { id: recordId, now: nowMs })
      return row && recordOf(row, nowMs)
    },

    update(recordId, secretHash, { value, idleMs = null }, version) {
      return atomically((nowMs) => {
        const which = { id: recordId, secret: secretHash, now: nowMs }
        const change = { changes: value === undefined ? 0 : 1, value: value ?? null, idle: idleMs }
        const [row] = query(UPDATE, { ...which, ...change, version: version ?? null })
        if (row !== undefined) {
          const expiresAtMs = Number(row['expires_at'])
          return { ok: true, version: Number(row['version']), expiresAtMs, nowMs }
        }
        const authorised = `SELECT 1 FROM session WHERE record_id = :id AND expires_at > :now
          AND ${AUTHORISED}`
        return { ok: false, reason: query(authorised, which).length > 0 ? 'conflict' : 'gone' }
      })
    },

    touch(recordId, secretHash, fromMs, toMs) {
      return atomically((nowMs) => {
        const which = { id: recordId, secret: secretHash, now: nowMs }
        return query(TOUCH, { ...which, from: fromMs, to: toMs }).length > 0
      })
    },

    updateSecurity(recordId, change, securityVersion, limit) {
      return atomically((nowMs) => {
        const [row] = query(READ, { id: recordId, now: nowMs })
        if (row === undefined) return { ok: false, reason: 'gone' }
        if (row['security_version'] !== securityVersion) return { ok: false, reason: 'conflict' }
        const { subject } = change
        const owner = { id: recordId, subject: subject ?? null, now: nowMs }
        if (!admit(owner, limit, row['subject'] === subject)) return { ok: false, reason: 'limit' }
        const [done] = query(UPDATE_SECURITY, { id: recordId, ...changed(row, change, nowMs) })
        return {
          ok: true,
          securityVersion: Number(done?.['security_version']),
          expiresAtMs: Number(done?.['expires_at']),
          authenticatedAtMs: numberOrNull(done?.['authenticated_at']),
          nowMs,
        }
      })
    },

    delete(recordId, secretHash) {
      const rows = query(DELETE, { id: recordId, secret: secretHash ?? null })
      return countLive(rows, now()) > 0
    },

    list(subject) {
      return query(LIST, { subject, now: now() }).map(listedOf)
    },

    deleteSubject(subject, except) {
      return countLive(query(DELETE_SUBJECT, { subject, except: except ?? null }), now())
    },

    deleteAll() {
      return countLive(query('DELETE FROM session RETURNING expires_at', {}), now())
    },

    sweep(limit) {
      return Number(db.prepare(SWEEP).run({ now: now(), limit }).changes)
    },
  }
}

/** The columns of the security part after a change: what it leaves out stays. */
function changed(row: Row, change: Parameters<Store['updateSecurity']>[1], nowMs: number): Row {
  const { secretHash, previous, subject, authenticated, labels, extra } = change
  const graceMs = previous?.graceMs ?? null
  // No grace is 0 and not now: a clock that is set back must not make a rotated secret good again.
  const end = graceMs !== null && graceMs > 0 ? nowMs + graceMs : 0
  const until = graceMs === null ? null : end
  const deadline = authenticated && nowMs + authenticated.absoluteMs
  const keep = (name: string): Column => row[name] ?? null
  return {
    secret: secretHash ?? keep('secret_hash'),
    previous: previous === undefined ? keep('previous_hash') : (previous?.hash ?? null),
    until: previous === undefined ? keep('previous_until') : until,
    subject: subject === undefined ? keep('subject') : subject,
    labels: labels === undefined ? keep('labels') : labels,
    extra: extra === undefined ? keep('extra') : extra,
    authenticated: authenticated ? nowMs : keep('authenticated_at'),
    deadline: deadline ?? keep('deadline_at'),
    expires: deadline ? Math.min(nowMs + Number(row['idle_ms']), deadline) : keep('expires_at'),
  }
}

function recordOf(row: Row, nowMs: number): StoredRecord {
  return {
    ...timesOf(row),
    value: textOrNull(row['value']),
    version: Number(row['version']),
    security: {
      secretHash: row['secret_hash'] as SecretHash,
      previousHash: textOrNull(row['previous_hash']) as SecretHash | null,
      previousUntilMs: numberOrNull(row['previous_until']),
      subject: textOrNull(row['subject']),
      authenticatedAtMs: numberOrNull(row['authenticated_at']),
      labels: textOrNull(row['labels']),
      extra: textOrNull(row['extra']),
    },
    securityVersion: Number(row['security_version']),
    nowMs,
  }
}

function listedOf(row: Row): ListedRecord {
  const authenticatedAtMs = numberOrNull(row['authenticated_at'])
  return { ...timesOf(row), authenticatedAtMs, labels: textOrNull(row['labels']) }
}

function timesOf(row: Row): Omit<ListedRecord, 'authenticatedAtMs' | 'labels'> {
  return {
    recordId: row['record_id'] as Handle,
    idleMs: Number(row['idle_ms']),
    createdAtMs: Number(row['created_at']),
    expiresAtMs: Number(row['expires_at']),
    deadlineMs: Number(row['deadline_at']),
  }
}

function textOrNull(column: Column | undefined): string | null {
  return typeof column === 'string' ? column : null
}

function numberOrNull(column: Column | undefined): number | null {
  return typeof column === 'number' ? column : null
}
