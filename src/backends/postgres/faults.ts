import { BackendError } from '../../core/errors.ts'

// Raised by this library's own SQL; see schema.ts.
const MESSAGES = new Map([
  ['SJ001', 'the PostgreSQL table was made by a newer version of this library'],
  ['SJ002', 'the PostgreSQL table has the name of this library’s, and other columns'],
  ['SJ003', 'PostgreSQL must run transactions as "read committed", its default'],
  ['SJ004', 'the PostgreSQL database must have the encoding UTF8'],
  ['42P01', 'the PostgreSQL table is missing: call migrate() first'],
  ['42883', 'a PostgreSQL function of the table is missing: call migrate() first'],
  [
    '26000',
    'a prepared statement was lost: is there a pooler in between? Then set "prepare" to false',
  ],
  [
    '42P05',
    'a prepared statement was mixed up: is there a pooler in between? Then set "prepare" to false',
  ],
])
// Data exceptions and violated constraints: their messages quote what was sent.
const QUOTING = /^2[23]/

/**
 * What a store throws for a fault of the driver or the server. Drivers hang the statement's parameters on their
 * errors, and the server quotes data in them, so the cause is a new error, with the message where that quotes
 * nothing, and the code.
 */
export function faultOf(error: unknown): Error {
  const { code, message } = describe(error)
  const cause = Object.assign(new Error(message), code === undefined ? {} : { code })
  const known = code === undefined ? undefined : MESSAGES.get(code)
  return known === undefined ? cause : new BackendError(known, { cause })
}

function describe(error: unknown): { code: string | undefined; message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: 'the driver threw no error' }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code !== undefined && QUOTING.test(code)) {
    return { code, message: `the server refused the data (SQLSTATE ${code})` }
  }
  // A connection that was tried on several addresses has failed without a message of its own.
  return { code, message: error.message || code || 'the driver gave no message' }
}
