import { BackendError } from '../../core/errors.ts'
import type { NamedRow, SqliteDatabase } from './database.ts'
import { readNumber } from './database.ts'
import { prepareStatements } from './statements.ts'
import { attempt, isBusy } from './transaction.ts'

/**
 * The schema, with `{table}` for the table's name. There is no index on the expiry: every write
 * would have to move its entry; sweeping walks the table in slices instead. The value comes last, so
 * that reading the other columns of a large record touches no overflow page.
 */
export const SQLITE_SCHEMA = `
CREATE TABLE IF NOT EXISTS "{table}" (
  id TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  idle_ms INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,
  security_version INTEGER NOT NULL,
  secret_hash TEXT NOT NULL,
  previous_hash TEXT,
  previous_until INTEGER,
  authenticated_at INTEGER,
  subject ANY,
  labels ANY,
  extra ANY,
  value ANY
) STRICT;
CREATE INDEX IF NOT EXISTS "{table}_subject" ON "{table}" (subject) WHERE subject IS NOT NULL;
`

// A page of the file is looked at where the operating system has it, and not copied for each read; the cache is for pages
// of the log. A checkpoint waits for the disk twice, so it comes with 16 MB of log and not with 4.
const SETTINGS = {
  mmap_size: 1_073_741_824,
  cache_size: -16_384,
  wal_autocheckpoint: 4000,
}

const VERSION = 1
const BUSY_TIMEOUT_MS = 5000
const RETRY_MS = 10

/**
 * Turns on WAL, waits for locks instead of failing, and creates the table unless it exists. Safe to
 * run from several processes at once. Only with `synchronous` are the connection's own settings made: a database
 * that the application has opened keeps its own.
 *
 * @throws BackendError when the database refuses, has a newer schema, or is inside a transaction.
 */
export function prepareFile(db: SqliteDatabase, table: string, synchronous?: string): void {
  try {
    waitForLocks(db)
    turnOnWal(db)
    if (synchronous !== undefined) makeSettings(db, { ...SETTINGS, synchronous })
    createTable(db, table)
  } catch (cause) {
    if (cause instanceof BackendError) throw cause
    throw new BackendError('the SQLite database cannot be prepared', { cause })
  }
}

/** A connection whose owner has set a timeout keeps it. */
function waitForLocks(db: SqliteDatabase): void {
  const { timeout } = (db.prepare('PRAGMA busy_timeout').get() ?? {}) as NamedRow
  if (timeout === undefined) {
    throw new BackendError('the SQLite database must give rows as objects by column name')
  }
  if (readNumber(timeout) === 0) db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
}

function makeSettings(
  db: SqliteDatabase,
  settings: Readonly<Record<string, string | number>>,
): void {
  for (const [name, value] of Object.entries(settings)) db.exec(`PRAGMA ${name} = ${value}`)
}

/** Switching to WAL needs the file alone for a moment, and SQLite does not wait for that by itself. */
function turnOnWal(db: SqliteDatabase): void {
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      const mode = db.prepare('PRAGMA journal_mode').get() as NamedRow
      if (mode['journal_mode'] !== 'wal') db.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || waited >= BUSY_TIMEOUT_MS) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
}

function createTable(db: SqliteDatabase, table: string): void {
  // SQLite's names do not differ by case, and so must not the row that keeps a table's version.
  const name = table.toLowerCase()
  db.exec('BEGIN IMMEDIATE')
  try {
    db.exec(
      'CREATE TABLE IF NOT EXISTS sojourn_schema (name TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL) STRICT',
    )
    const found = db.prepare('SELECT version FROM sojourn_schema WHERE name = ?').get(name) as
      | NamedRow
      | null
      | undefined
    if (found && readNumber(found['version']) > VERSION) {
      throw new BackendError('the SQLite table was made by a newer version of this library')
    }
    db.exec(SQLITE_SCHEMA.replaceAll('{table}', table))
    // A table of the application's that happens to have this name is found out before anything is kept.
    prepareStatements(db, table)
    db.prepare(
      'INSERT INTO sojourn_schema (name, version) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ).run(name, VERSION)
    db.exec('COMMIT')
  } catch (error) {
    attempt(() => db.exec('ROLLBACK'))
    throw error
  }
}
