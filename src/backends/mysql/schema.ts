import { BackendError } from '../../core/errors.ts'
import { answersOf, errorNumber, execute, query } from './ask.ts'
import { NOT_ALONE } from './packing.ts'
import type { MysqlConnection } from './pool.ts'
import { BUCKET_MS, PROCEDURES } from './procedures.ts'
import { ALONE } from './transaction.ts'

// Of the tables, which `migrate` looks at, and of the procedures, which their names carry. Procedures may become others
// over the same tables: then both releases go on, side by side.
const VERSION = 1
const PROCEDURES_VERSION = 2
// One lock for the subjects whose hash starts with a byte: rows 1 to 256. Row 0 is the schema's version and the sweeper's lease.
const LOCKS = 256
const COLUMNS =
  'id, version, idle_ms, created_at, expires_at, expiry_bucket, deadline_at, security_version, secret_hash, ' +
  'previous_hash, previous_until, authenticated_at, subject_hash, subject, labels, extra, value'
const LOCK_COLUMNS = 'slot, version, owner, owned_until'
const NO_SUCH_TABLE = 1146
const UNKNOWN_COLUMN = 1054

/** The names of what belongs to a table, quoted. */
export interface MysqlNames {
  readonly table: string
  readonly locks: string
  readonly procedure: (name: string) => string
}

/** Those of procedures carry a version, so that two of this library can work side by side during an upgrade. */
export function namesOf(table: string): MysqlNames {
  return {
    table: `\`${table}\``,
    locks: `\`${table}_locks\``,
    procedure: (name) => `\`${table}_v${PROCEDURES_VERSION}_${name}\``,
  }
}

/**
 * The statements that make the schema, in order, for those who run migrations themselves. Each may be run
 * again. They need the privileges CREATE, INSERT and CREATE ROUTINE; the sessions then need SELECT, INSERT, UPDATE,
 * DELETE and EXECUTE.
 *
 * @throws TypeError when `table` is no plain SQL name of at most 40 characters.
 */
export function mysqlSchema(table = 'sojourn_sessions'): readonly string[] {
  assertTable(table)
  const { procedure } = namesOf(table)
  const procedures = Object.entries(PROCEDURES).map(
    ([
      name,
      [parameters, body],
    ]) => `CREATE PROCEDURE IF NOT EXISTS ${procedure(name)} (${parameters})
MODIFIES SQL DATA
SQL SECURITY INVOKER
BEGIN
  ${body}
END`,
  )
  return [CREATE_TABLE, CREATE_LOCKS, fillLocks(), ...procedures].map((sql) => fill(sql, table))
}

/** Puts the quoted names of the tables into a statement. */
export function fill(sql: string, table: string): string {
  const names = namesOf(table)
  return sql.replaceAll('{table}', names.table).replaceAll('{locks}', names.locks)
}

/** Accepts the name of a table; what is derived of it must fit into 64 characters. */
export function assertTable(table: unknown): void {
  if (typeof table !== 'string' || !/^[a-z_][a-z0-9_]{0,39}$/i.test(table)) {
    throw new TypeError('"table" must be a plain SQL name of at most 40 characters')
  }
}

// No index on the expiry itself: every write would have to move its entry. A bucket changes seldom.
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS {table} (
  id VARBINARY(64) NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  idle_ms BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  expiry_bucket BIGINT AS (expires_at DIV ${BUCKET_MS}) STORED,
  deadline_at BIGINT NOT NULL,
  security_version BIGINT NOT NULL,
  secret_hash VARBINARY(64) NOT NULL,
  previous_hash VARBINARY(64),
  previous_until BIGINT,
  authenticated_at BIGINT,
  subject_hash BINARY(32),
  subject LONGBLOB,
  labels LONGBLOB,
  extra LONGBLOB,
  value LONGBLOB,
  KEY subject_hash (subject_hash),
  KEY expiry_bucket (expiry_bucket)
) ENGINE = InnoDB`

const CREATE_LOCKS = `CREATE TABLE IF NOT EXISTS {locks} (
  slot SMALLINT NOT NULL PRIMARY KEY,
  version INT NOT NULL,
  owner VARBINARY(64),
  owned_until BIGINT
) ENGINE = InnoDB`

function fillLocks(): string {
  const rows = Array.from({ length: LOCKS + 1 }, (_, slot) => `(${slot}, ${VERSION})`)
  return `INSERT IGNORE INTO {locks} (slot, version) VALUES ${rows.join(', ')}`
}

/**
 * Makes the schema unless it is there. Safe to run from several processes at once.
 *
 * @throws BackendError when the table was made by a newer version of this library or by somebody else, or when the server
 * cannot tell the time after a wait.
 */
export async function migrate(connection: MysqlConnection, table: string): Promise<void> {
  await refuseSettings(connection)
  await refuseNewer(connection, table)
  const [createTable = '', createLocks = '', ...rest] = mysqlSchema(table)
  // A table of the application's that happens to have this name is found out before anything more is made.
  await query(connection, createTable)
  await refuseForeign(connection, fill(`SELECT ${COLUMNS} FROM {table} LIMIT 0`, table))
  await query(connection, createLocks)
  await refuseForeign(connection, fill(`SELECT ${LOCK_COLUMNS} FROM {locks} LIMIT 0`, table))
  for (const sql of rest) await query(connection, sql)
}

async function refuseSettings(connection: MysqlConnection): Promise<void> {
  const sql = `SELECT CAST(IF(${ALONE}, IF(SLEEP(0.01) = 0, SYSDATE(6) > NOW(6), 0), 2) AS BINARY) AS answer`
  const [answer] = answersOf(await execute(connection, sql))
  if (answer?.toString() === '2') throw new BackendError(NOT_ALONE)
  if (answer?.toString() !== '1') {
    throw new BackendError('the MySQL server must not be set to sysdate-is-now')
  }
}

async function refuseNewer(connection: MysqlConnection, table: string): Promise<void> {
  const sql = `SELECT CAST(version AS BINARY) AS answer FROM {locks} WHERE slot = 0`
  try {
    const [version] = answersOf(await execute(connection, fill(sql, table)))
    if (version === undefined || Number(version) <= VERSION) return
  } catch (error) {
    const number = errorNumber(error)
    if (number === NO_SUCH_TABLE || number === UNKNOWN_COLUMN) return
    throw error
  }
  throw new BackendError('the MySQL table was made by a newer version of this library')
}

async function refuseForeign(connection: MysqlConnection, sql: string): Promise<void> {
  try {
    await query(connection, sql)
  } catch (cause) {
    if (errorNumber(cause) !== UNKNOWN_COLUMN) throw cause
    throw new BackendError('a table of this name is there, and is none of this library', { cause })
  }
}
