import type { Pool } from 'mysql2/promise'
import type { Handle } from '../../../src/core/key.ts'
import { open } from './open.ts'
import type { TestPool } from './open.ts'

/** A pool on the tests' server, of those who lock. */
export const locking: TestPool = open('mysql2', { timezone: 'Z' })

/** Begins a transaction of its own with one statement; the result is what ends it, with another before. */
export async function begin(
  sql: string,
  values: unknown[] = [],
): Promise<(last?: string, values?: unknown[]) => Promise<void>> {
  const connection = await (locking.pool as Pool).getConnection()
  await connection.query('START TRANSACTION')
  await connection.query(sql, values)
  return async (last = 'DO 1', values = []) => {
    try {
      await connection.query(last, values)
      await connection.query('COMMIT')
    } finally {
      connection.release()
    }
  }
}

/** Holds a row's lock in a transaction of its own while `change` waits for it, at the least for `forMs`. */
export async function whileHeld<T>(
  table: string,
  recordId: Handle,
  forMs: number,
  change: () => Promise<T>,
  meanwhile?: string,
): Promise<T> {
  const end = await begin(`SELECT id FROM ${table} WHERE id = ? FOR UPDATE`, [recordId])
  const result = change()
  await waiting(table)
  await new Promise((resolve) => setTimeout(resolve, forMs))
  await end(meanwhile, [recordId])
  return await result
}

/** The connection of a statement on the table that has been at it for a while, as none is that waits for no lock. */
export async function waiting(table: string): Promise<string> {
  for (;;) {
    const rows = await locking.query(
      `SELECT id FROM information_schema.processlist
      WHERE id <> CONNECTION_ID() AND info LIKE ? AND time_ms > 50`,
      [`%${table}%`],
    )
    if (rows[0] !== undefined) return String(rows[0][0])
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
