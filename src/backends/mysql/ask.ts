import { BackendError } from '../../core/errors.ts'
import { ROLLBACK } from './transaction.ts'
import type { MysqlAccess, MysqlBorrowed, MysqlConnection, MysqlValue } from './pool.ts'

/** Executes a prepared statement, within as many time limits. */
export type MysqlAsk = (sql: string, values: MysqlValue[], factor?: number) => Promise<MysqlResult>

/** The result of a statement, as its driver gives it. */
export type MysqlResult = unknown

/** Lends a connection, within as many time limits. */
export type MysqlLend = <T>(
  use: (connection: MysqlConnection) => Promise<T>,
  factor?: number,
) => Promise<T>

interface Loan {
  readonly untilMs: number
  connection: MysqlBorrowed | undefined
}

const NO_SUCH_TABLE = 1146
const NO_SUCH_PROCEDURE = 1305
const DEADLOCK = 1213
const DEADLOCK_ATTEMPTS = 5
const OF_ONE_STATES = /^(?:2[235]|40|44|45)/
// A wait for a lock that took too long, a binary log of statements, MySQL's check of a constraint.
const OF_ONE_NUMBERS = new Set([1205, 1665, 3819])
const LONGEST_MS = 2 ** 31 - 1

/**
 * Makes the `MysqlLend` of a pool. A connection that has failed, or has not answered for a limit and a quarter, is closed
 * if it can be: that undoes what is open on it, and makes room for another. Else it is rolled back before anybody else
 * has it: on a full disk, MariaDB runs no handler of a procedure and leaves its transaction open.
 */
export function createLend({ borrow }: MysqlAccess, timeoutMs: number): MysqlLend {
  const loans = new Set<Loan>()
  let timer: NodeJS.Timeout | undefined

  function watch(): void {
    timer = setTimeout(check, Math.min(Math.ceil(timeoutMs / 4), LONGEST_MS))
    timer.unref()
  }

  function check(): void {
    timer = undefined
    const nowMs = performance.now()
    for (const loan of loans) {
      if (loan.untilMs > nowMs) continue
      loans.delete(loan)
      loan.connection?.destroy?.()
    }
    if (loans.size > 0) watch()
  }

  return async (use, factor = 1) => {
    const loan: Loan = {
      untilMs: performance.now() + timeoutMs * factor,
      connection: undefined,
    }
    loans.add(loan)
    if (timer === undefined) watch()
    try {
      const connection = await borrow()
      if (performance.now() >= loan.untilMs) {
        giveBack(connection)
        throw new BackendError('the pool had no connection in time')
      }
      loan.connection = connection
      const result = await use(connection)
      giveBack(connection)
      return result
    } catch (error) {
      const { connection } = loan
      if (connection?.destroy !== undefined) connection.destroy()
      else if (connection !== undefined) undo(connection)
      throw error
    } finally {
      loans.delete(loan)
    }
  }
}

function giveBack(connection: MysqlConnection): void {
  const given = connection.release()
  // What goes wrong now is the pool's to deal with.
  if (given instanceof Promise) given.catch(() => {})
}

/** Rolls back what may be open, and only then gives the connection back; one that cannot do it is broken. */
function undo(connection: MysqlConnection): void {
  query(connection, ROLLBACK).then(
    () => giveBack(connection),
    () => giveBack(connection),
  )
}

/** Makes the `MysqlAsk` of a pool. */
export function createAsk({ execute: direct }: MysqlAccess, lend: MysqlLend): MysqlAsk {
  const run: MysqlAsk = (sql, values, factor) =>
    direct === undefined || sql.startsWith('CALL')
      ? lend((connection) => execute(connection, sql, values), factor)
      : direct({ sql, ...SETTINGS }, values)

  return async (sql, values, factor) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run(sql, values, factor)
      } catch (error) {
        // The server has undone the whole step, so it may be taken again: two changes of subject that evict each other.
        if (errorNumber(error) === DEADLOCK && attempt < DEADLOCK_ATTEMPTS) continue
        throw explained(error)
      }
    }
  }
}

/** Executes a prepared statement. */
export function execute(
  connection: MysqlConnection,
  sql: string,
  values: MysqlValue[] = [],
): Promise<MysqlResult> {
  return connection.execute({ sql, ...SETTINGS }, values)
}

/** Runs a statement that cannot be prepared. */
export async function query(connection: MysqlConnection, sql: string): Promise<void> {
  await connection.query({ sql, ...SETTINGS })
}

/** The only column of each row of the first set of rows. */
export function answersOf(result: MysqlResult): readonly Buffer[] {
  return rowsOf(result).map(answerOf)
}

/** The only column of a row; the server gives null for what it cannot send. */
export function answerOf([answer]: MysqlRow): Buffer {
  if (answer === null) throw new Error('the answer is larger than max_allowed_packet')
  return answer
}

/** What a change of at most one row told by `LAST_INSERT_ID(…)`; 0 when it never came to that. */
export function codeOf(result: MysqlResult): number {
  const { affectedRows, insertId } = (Array.isArray(result) ? result[0] : result) as Changed
  const code = Number(insertId)
  if (Number.isNaN(code) || (code === 0 && Number(affectedRows) > 0)) {
    throw new Error('the server did not report what a change has done')
  }
  return code
}

/**
 * Whether an error of the server is what one row of several may have brought about: data, a lock, a limit, a constraint or
 * a trigger of the application's; or what does not let several be changed at once. It has undone all of it then. After
 * any other fault, the outcome may be unknown.
 */
export function isOfOneRow(error: unknown): boolean {
  const { sqlState } = error as { sqlState?: unknown }
  if (typeof sqlState !== 'string') return false
  return OF_ONE_STATES.test(sqlState) || OF_ONE_NUMBERS.has(errorNumber(error) ?? 0)
}

/** The number of an error of the server, which both drivers give. */
export function errorNumber(error: unknown): number | undefined {
  return error instanceof Error && 'errno' in error ? (error.errno as number) : undefined
}

const SETTINGS = {
  rowsAsArray: true,
  nestTables: false,
  namedPlaceholders: false,
  metaAsArray: false,
  // What is bound has no place in an error.
  logParam: false,
  // A number too large is told by itself.
  checkNumberRange: false,
  typeCast: <T>(column: { buffer(): T }): T => column.buffer(),
} as const

interface Changed {
  readonly affectedRows: unknown
  readonly insertId: unknown
}

/** A row of one column. */
export type MysqlRow = readonly [answer: Buffer | null]

/**
 * The rows of the first set; a row is an array with one buffer. Around them there may be an array of all sets, as of a
 * call, and a pair with the fields, as of mysql2's promises.
 */
export function rowsOf(result: MysqlResult): readonly MysqlRow[] {
  const [first] = result as readonly unknown[]
  if (!Array.isArray(first)) return []
  return isRow(first) ? (result as readonly MysqlRow[]) : rowsOf(first)
}

function isRow(items: readonly unknown[]): boolean {
  return items[0] === null || items[0] instanceof Uint8Array
}

function explained(error: unknown): unknown {
  const number = errorNumber(error)
  if (number !== NO_SUCH_TABLE && number !== NO_SUCH_PROCEDURE) return error
  return new BackendError('the tables of the MySQL backend are missing: run its migrate()', {
    cause: error,
  })
}
