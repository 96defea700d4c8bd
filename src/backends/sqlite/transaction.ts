import type { SqliteDatabase } from './database.ts'

/** Runs what writes as one step, and tells it whether that is inside a transaction of the application's. */
export type Atomically = <T>(run: (inside: boolean) => T) => T

/**
 * Makes the `Atomically` of a store. The write lock is taken first, however long that takes, so that a clock
 * read inside shows the time at which the step happens: one read before the wait could revive what has
 * expired meanwhile. Inside a transaction that the application has open, the step joins it.
 *
 * Where it is not known to be safe, locks are asked for by `exec` alone: a prepared statement of libsql that met a
 * lock stays open, and while one is, nothing on that connection is committed – without any error where no
 * transaction is open.
 */
export function createAtomically(db: SqliteDatabase, table: string): Atomically {
  const begin = commandOf(db, 'BEGIN IMMEDIATE')
  const commit = commandOf(db, 'COMMIT')
  const lock = `SAVEPOINT sojourn; DELETE FROM "${table}" WHERE 0`
  return (run) => {
    const nested = !opened(begin)
    try {
      if (nested) db.exec(lock)
      const result = run(nested)
      if (nested) db.exec('RELEASE sojourn')
      else commit()
      return result
    } catch (error) {
      attempt(() => db.exec(nested ? 'ROLLBACK TO sojourn; RELEASE sojourn' : 'ROLLBACK'))
      throw error
    }
  }
}

/** Prepared in `node:sqlite`, where reading the text each time is a sixth of a write. */
function commandOf(db: SqliteDatabase, sql: string): () => unknown {
  const statement = db.prepare(sql)
  return statement.setReturnArrays === undefined ? () => db.exec(sql) : () => statement.get()
}

/** Opens a transaction; false inside one of the application's. */
function opened(begin: () => unknown): boolean {
  try {
    begin()
    return true
  } catch (error) {
    if (error instanceof Error && error.message.includes('within a transaction')) return false
    throw error
  }
}

/** Whether the lock of another process or connection was in the way. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && error.message.includes('database is locked')
}

/** After some faults (a full disk) SQLite has rolled back by itself, and the first error is the one to report. */
export function attempt(run: () => unknown): void {
  try {
    run()
  } catch {
    // Nothing is left to undo.
  }
}
