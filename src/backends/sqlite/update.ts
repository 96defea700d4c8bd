import type { Handle, SecretHash } from '../../core/key.ts'
import type { RecordChange, UpdateResult } from '../../core/store.ts'
import { bindText, bounded, readNullable, readNumber } from './database.ts'
import type { Row } from './database.ts'
import type { SqliteStatements } from './statements.ts'

/** One `Store.update`. */
interface Updating {
  readonly recordId: Handle
  readonly secretHash: SecretHash
  readonly change: RecordChange
  readonly version: number | undefined
  /** The clock, once the transaction had the write lock. */
  readonly nowMs: number
  /** Whether the transaction is the application's. */
  readonly inside: boolean
}

/**
 * `Store.update`, inside a transaction that has the write lock: nobody else writes between the look and the change. An
 * `UPDATE` that checks and returns it all by itself costs a fifth more.
 */
export function update(
  sql: SqliteStatements,
  { recordId, secretHash, change, version, nowMs, inside }: Updating,
): UpdateResult {
  const row = sql.find.get(recordId)
  if (row === undefined || !isOpenTo(row, secretHash, nowMs)) return { ok: false, reason: 'gone' }
  const rowId = readNumber(row[0])
  const current = readNumber(row[1])
  if (version !== undefined && version !== current) return { ok: false, reason: 'conflict' }
  const { value, idleMs } = change
  const idle = idleMs === undefined ? readNumber(row[2]) : bounded(idleMs)
  const expiresAtMs = Math.min(nowMs + idle, readNumber(row[4]))
  if (value === undefined) {
    sql.moveExpiry.all(idle, expiresAtMs, rowId)
    return { ok: true, version: current, expiresAtMs, nowMs }
  }
  const changed = [bindText(value), current + 1, idle, expiresAtMs, rowId]
  // On a full disk SQLite would undo the application's transaction with a change that it cannot undo alone.
  if (inside) sql.setValueInside.all(...changed)
  else sql.setValue.run(...changed)
  return { ok: true, version: current + 1, expiresAtMs, nowMs }
}

/** Whether what `find` selects is live, and the secret its current one, or its previous one while that is good. */
function isOpenTo(row: Row, secretHash: SecretHash, nowMs: number): boolean {
  if (readNumber(row[3]) <= nowMs) return false
  if (row[5] === secretHash) return true
  const untilMs = readNullable(row[7])
  return row[6] === secretHash && (untilMs === null || untilMs > nowMs)
}
