import * as mariadb from 'mariadb'
import * as mysql2 from 'mysql2/promise'
import { createPool } from 'mysql2'
import { createMysqlBackend, mysqlSchema } from '../../src/backends/mysql.ts'
import type { MysqlCallbackPool, MysqlPool, MysqlPromisePool } from '../../src/backends/mysql.ts'

// The drivers' own types fit as they are, without a cast.
export const promises: MysqlPromisePool = mysql2.createPool('mysql://localhost')
export const callbacks: MysqlCallbackPool = createPool('mysql://localhost')
export const connector: MysqlPool = mariadb.createPool('mariadb://localhost')
createMysqlBackend(mysql2.createPool({}), { period: 60, absolute: 3600, timeoutMs: 1000 })
createMysqlBackend(createPool({}), { table: 'sessions', signal: new AbortController().signal })
createMysqlBackend(mariadb.createPool({}), { maxPerSubject: 5, atLimit: 'evict_oldest' })
export const statements: readonly string[] = mysqlSchema('sessions')

// What is no pool does not.
// @ts-expect-error
createMysqlBackend('mysql://localhost')
// @ts-expect-error
createMysqlBackend({ query: () => [] })
// @ts-expect-error
createMysqlBackend(mysql2.createPool({}), { ttl: 60 })
