import type { Row, SqliteDatabase, SqliteStatement, SqliteValue } from './database.ts'

const LIVE = 'id = ? AND expires_at > ?'
// The current secret, or the previous one while it is good.
const AUTHORISED =
  '(secret_hash = ? OR (previous_hash = ? AND (previous_until IS NULL OR previous_until > ?)))'
const COLUMNS =
  'id, version, idle_ms, created_at, expires_at, deadline_at, security_version, secret_hash, ' +
  'previous_hash, previous_until, authenticated_at, subject, labels, extra, value'
// All but the id, which whoever reads has already.
const READ = COLUMNS.slice('id, '.length)
const CHANGED = 'value = ?, version = ?, idle_ms = ?, expires_at = ?'
const LISTED = 'id, idle_ms, created_at, expires_at, deadline_at, authenticated_at, labels'
// Records of a subject that are live, oldest first; of two born together, the first inserted.
const BY_AGE = 'ORDER BY created_at, rowid'

/** A prepared statement that gives rows as arrays. */
export interface RowStatement {
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint }
  get(...parameters: SqliteValue[]): Row | undefined
  all(...parameters: SqliteValue[]): Row[]
}

/** The prepared statements of a store, each named after what it does. */
export type SqliteStatements = Readonly<Record<keyof ReturnType<typeof sqlOf>, RowStatement>>

/** Prepares them once. */
export function prepareStatements(db: SqliteDatabase, table: string): SqliteStatements {
  const entries = Object.entries(sqlOf(table)).map(([name, sql]) => [
    name,
    givingArrays(db.prepare(sql)),
  ])
  return Object.fromEntries(entries) as SqliteStatements
}

/** An object by column name costs `node:sqlite` a fourth of a read. The other drivers have no common way to arrays. */
function givingArrays(statement: SqliteStatement): RowStatement {
  if (statement.setReturnArrays !== undefined) {
    statement.setReturnArrays(true)
    return statement as RowStatement
  }
  const columnsOf = (row: unknown): Row => Object.values(row as object)
  return {
    run: (...parameters) => statement.run(...parameters),
    get: (...parameters) => {
      const row = statement.get(...parameters)
      return row ? columnsOf(row) : undefined
    },
    all: (...parameters) => statement.all(...parameters).map(columnsOf),
  }
}

function sqlOf(name: string) {
  const table = `"${name}"`
  const slot = Array.from({ length: 15 }, () => '?').join(', ')
  return {
    insert: `INSERT INTO ${table} (${COLUMNS}) VALUES (${slot}) ON CONFLICT DO NOTHING RETURNING id`,
    insertBelowLimit: `INSERT INTO ${table} (${COLUMNS}) SELECT ${slot}
      WHERE (SELECT count(*) FROM ${table} WHERE subject = ? AND expires_at > ?) < ?
      ON CONFLICT DO NOTHING RETURNING id`,
    exists: `SELECT 1 AS found FROM ${table} WHERE id = ?`,
    read: `SELECT ${READ} FROM ${table} WHERE ${LIVE}`,
    find: `SELECT rowid, version, idle_ms, expires_at, deadline_at, secret_hash, previous_hash,
      previous_until FROM ${table} WHERE id = ?`,
    setValue: `UPDATE ${table} SET ${CHANGED} WHERE rowid = ?`,
    // One that returns something keeps what it takes to undo it alone.
    setValueInside: `UPDATE ${table} SET ${CHANGED} WHERE rowid = ? RETURNING version`,
    moveExpiry: `UPDATE ${table} SET idle_ms = ?, expires_at = ? WHERE rowid = ? RETURNING version`,
    touch: `UPDATE ${table} SET expires_at = min(?, deadline_at)
      WHERE ${LIVE} AND ${AUTHORISED} AND expires_at = ? RETURNING id`,
    liveSecurityVersion: `SELECT security_version FROM ${table} WHERE ${LIVE}`,
    remove: `DELETE FROM ${table} WHERE id = ? RETURNING expires_at`,
    removeWithSecret: `DELETE FROM ${table} WHERE id = ? AND (secret_hash = ? OR previous_hash = ?)
      RETURNING expires_at`,
    list: `SELECT ${LISTED} FROM ${table} WHERE subject = ? AND expires_at > ? ${BY_AGE}`,
    countOther: `SELECT count(*) AS n FROM ${table} WHERE subject = ? AND expires_at > ? AND id <> ?`,
    evict: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table}
      WHERE subject = ? AND expires_at > ? AND id <> ? ${BY_AGE} LIMIT max(0, ?))`,
    removeSubject: `DELETE FROM ${table} WHERE subject = ? AND id IS NOT ? RETURNING expires_at`,
    removeExpired: `DELETE FROM ${table} WHERE expires_at <= ?`,
    removeAll: `DELETE FROM ${table}`,
    slice: `SELECT max(rowid) AS last, count(*) AS looked, sum(expires_at <= ?) AS expired
      FROM (SELECT rowid, expires_at FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ?)`,
    removeSlice: `DELETE FROM ${table} WHERE rowid > ? AND rowid <= ? AND expires_at <= ?`,
    changeSecurity: `UPDATE ${table} SET security_version = security_version + 1,
      secret_hash = coalesce(?, secret_hash),
      previous_hash = iif(?, ?, previous_hash), previous_until = iif(?, ?, previous_until),
      subject = iif(?, ?, subject), labels = iif(?, ?, labels), extra = iif(?, ?, extra),
      authenticated_at = coalesce(?, authenticated_at), deadline_at = coalesce(?, deadline_at),
      expires_at = iif(?, min(? + idle_ms, ?), expires_at)
      WHERE ${LIVE} AND security_version = ? AND (? IS NULL OR subject IS ? OR
        (SELECT count(*) FROM ${table} AS own WHERE own.subject = ? AND own.expires_at > ?) < ?)
      RETURNING security_version, expires_at, authenticated_at`,
  }
}
