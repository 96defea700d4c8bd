import { Client } from 'pg'
import { afterAll, inject } from 'vitest'
import type { Handle, Store } from '../../../src/index.ts'
import { until } from '../../servers/until.ts'
import { count } from './open.ts'

// A test that fails before it ends its transaction must not keep others waiting.
const holders: Client[] = []
afterAll(async () => {
  for (const client of holders) await client.end()
})

/** A transaction beside the store's. */
export async function begin(statement: string, values: unknown[] = []) {
  const client = new Client(inject('postgresUrl'))
  await client.connect()
  await client.query('BEGIN')
  await client.query(statement, values)
  const end = async (how: string) => {
    await client.query(how)
    await client.end()
  }
  holders.push(client)
  return {
    query: (text: string, parameters: unknown[]) => client.query(text, parameters),
    commit: () => end('COMMIT'),
    rollback: () => end('ROLLBACK'),
  }
}

/** Waits until as many of the table's statements wait for a lock. */
export async function untilWaiting(table: string, many: number): Promise<void> {
  const waiting = `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`
  // As in SQL, where schema and name are quoted apart.
  const pattern = `%${table.split('.').at(-1)}%`
  await until('they wait', async () => (await count(waiting, [pattern])) === many)
}

/** Waits until the record has run out. */
export async function untilOver(store: Store, recordId: Handle): Promise<void> {
  await until('it is over', async () => (await store.read(recordId)) === undefined)
}
