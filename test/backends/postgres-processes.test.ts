import { describe, expect, inject, it } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { createSessionManager } from '../../src/index.ts'
import { startWorker } from '../processes/worker-process.ts'
import type { WorkerProcess } from '../processes/worker-process.ts'
import { count, openPool, query, tableName } from './postgres/open.ts'

const WORKER = new URL('postgres/worker.ts', import.meta.url)
// Two processes with either driver.
const DRIVERS = ['pg', 'postgres.js', 'pg', 'postgres.js']

function startWorkers(task: string, table: string, argument = ''): Promise<WorkerProcess[]> {
  const env = { POSTGRES_URL: inject('postgresUrl') }
  return Promise.all(
    DRIVERS.map((driver) => startWorker(WORKER, [task, driver, table, argument], env)),
  )
}

async function openManager(table = tableName()) {
  const backend = createPostgresBackend(openPool().client, { table, sweepEveryMs: 0 })
  await backend.migrate()
  return { table, sessions: createSessionManager<number>({ backend }) }
}

describe('createPostgresBackend in several processes', () => {
  it('counts 64 increments of four processes as 64', async () => {
    const { table, sessions } = await openManager()
    const { key } = await sessions.generate(0)
    const workers = await startWorkers('increment', table, key)
    for (const { go } of workers) go()
    await Promise.all(workers.map(({ done }) => done))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64, version: 65 } })
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
      const { sessions } = await openManager(table)
      for (const key of keys) expect(await sessions.fromKey(key)).toMatchObject({ ok: true })
      expect(await query(`SELECT name, version FROM ${schema}.sojourn_schema`)).toEqual([
        ['sessions', 1],
      ])
    } finally {
      await query(`DROP SCHEMA ${schema} CASCADE`)
    }
  })

  it('ends a session for good while four other processes write to it', async () => {
    const { table, sessions } = await openManager()
    const session = await sessions.generate(0)
    const workers = await startWorkers('write', table, session.key)
    for (const { go } of workers) go()
    for (const { line } of workers) expect(await line()).toBe('busy')
    await sessions.clear(session)
    for (const { line } of workers) expect(Number(await line())).toBeGreaterThanOrEqual(20)
    await Promise.all(workers.map(({ done }) => done))
    const found = await sessions.fromKey(session.key)
    expect(found).toEqual({ ok: false, reason: 'not_found' })
  })

  it('refuses the sixth session of a subject, whichever process asks', async () => {
    const { table } = await openManager()
    const workers = await startWorkers('crowd', table, 'refuse')
    for (const { go } of workers) go()
    const made = await Promise.all(workers.map(async ({ line }) => Number(await line())))
    expect(made.reduce((sum, each) => sum + each)).toBe(5)
    expect(await count(`SELECT count(*) FROM ${table} WHERE subject = 'ann'`)).toBe(5)
    await Promise.all(workers.map(({ done }) => done))
  })

  it('never keeps a sixth session of a subject, whichever process evicts', async () => {
    const { table } = await openManager()
    const workers = await startWorkers('crowd', table, 'evict_oldest')
    for (const { go } of workers) go()
    const made = await Promise.all(workers.map(async ({ line }) => Number(await line())))
    expect(made).toEqual([8, 8, 8, 8])
    expect(await count(`SELECT count(*) FROM ${table} WHERE subject = 'ann'`)).toBe(5)
    await Promise.all(workers.map(({ done }) => done))
  })
})
