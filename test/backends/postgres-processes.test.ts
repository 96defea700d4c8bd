import { describe, expect, inject, it } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { createSessionManager } from '../../src/index.ts'
import { processSuite } from '../processes/suite.ts'
import { startWorker } from '../processes/worker-process.ts'
import type { WorkerProcess } from '../processes/worker-process.ts'
import { openPool, query, tableName } from './postgres/open.ts'

const WORKER = new URL('postgres/worker.ts', import.meta.url)
// Two processes with either driver.
const DRIVERS = ['pg', 'postgres.js', 'pg', 'postgres.js']

function startWorkers(task: string, table: string, argument = ''): Promise<WorkerProcess[]> {
  const env = { POSTGRES_URL: inject('postgresUrl') }
  return Promise.all(
    DRIVERS.map((driver) => startWorker(WORKER, [task, driver, table, argument], env)),
  )
}

async function openBackend(table = tableName()) {
  const backend = createPostgresBackend(openPool().client, { table, sweepEveryMs: 0 })
  await backend.migrate()
  return { table, backend }
}

describe('createPostgresBackend in several processes', () => {
  processSuite(async () => {
    const { table, backend } = await openBackend()
    return { backend, start: (task, argument) => startWorkers(task, table, argument) }
  })

  it.each([1, 2, 3])('migrates a new database in four processes at once, round %d', async (n) => {
    const schema = `${tableName().replace('.', '_')}_${n}`
    await query(`CREATE SCHEMA ${schema}`)
    const table = `${schema}.sessions`
    try {
      const workers = await startWorkers('start', table)
      for (const { go } of workers) go()
      const keys = await Promise.all(workers.map(({ line }) => line()))
      await Promise.all(workers.map(({ done }) => done))
      const { backend } = await openBackend(table)
      const sessions = createSessionManager<number>({ backend })
      for (const key of keys) expect(await sessions.fromKey(key)).toMatchObject({ ok: true })
      expect(await query(`SELECT name, version FROM ${schema}.sojourn_schema`)).toEqual([
        ['sessions', 1],
      ])
    } finally {
      await query(`DROP SCHEMA ${schema} CASCADE`)
    }
  })
})
