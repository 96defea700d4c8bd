import { DatabaseSync } from 'node:sqlite'
import Libsql from 'libsql'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import type { SqliteDatabase } from '../../src/backends/sqlite.ts'

// The drivers' own types fit as they are, without a cast.
export const native: SqliteDatabase = new DatabaseSync(':memory:')
export const libsql: SqliteDatabase = new Libsql(':memory:')
createSqliteBackend(new DatabaseSync(':memory:'), { period: 60, absolute: 3600 })
createSqliteBackend(new Libsql(':memory:'), { table: 'sessions' })
createSqliteBackend('sessions.db', { durability: 'power' })

// What is no database does not.
// @ts-expect-error
createSqliteBackend(new URL('file:///sessions.db'))
// @ts-expect-error
createSqliteBackend({ query: () => [] })
// @ts-expect-error
createSqliteBackend('sessions.db', { durability: 'none' })
// @ts-expect-error
createSqliteBackend('sessions.db', { ttl: 60 })
