import { beforeAll, describe, expect, it } from 'vitest'
import { createSessionManager } from '../../src/index.ts'
import { processSuite } from '../processes/suite.ts'
import { open, openBackend, openStore, tableName } from './mysql/open.ts'
import { startWorkers } from './mysql/processes.ts'

const pool = open('mysql2')

/** How many deadlocks the server has seen. */
async function deadlocks(): Promise<number> {
  const [row] = await pool.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
  return Number(row?.[1])
}

describe('createMysqlBackend in several processes', () => {
  let before = 0
  beforeAll(async () => {
    before = await deadlocks()
  })

  processSuite(
    async () => {
      const backend = await openBackend(pool)
      return { backend, start: (task, argument) => startWorkers(task, backend.table, argument) }
    },
    // A guest may be evicted by another process before its own change of subject.
    { least: 4 },
  )

  it('has met no deadlock in all this', async () => {
    expect(await deadlocks()).toBe(before)
  })

  it.each([1, 2, 3])('migrates a new table in four processes at once, round %d', async () => {
    const table = tableName()
    const workers = await startWorkers('start', table)
    for (const { go } of workers) go()
    const keys = await Promise.all(workers.map(({ line }) => line()))
    await Promise.all(workers.map(({ done }) => done))
    const backend = await openBackend(pool, { table })
    const sessions = createSessionManager<number>({ backend })
    for (const key of keys) expect(await sessions.fromKey(key)).toMatchObject({ ok: true })
    const locks = await pool.query(
      `SELECT COUNT(*), MIN(version), MAX(version) FROM ${table}_locks`,
    )
    expect(locks[0]?.map(Number)).toEqual([257, 1, 1])
  })

  it('lets four processes do everything at once, and none meets a fault', async () => {
    const store = await openStore(pool)
    const workers = await startWorkers('mix', store.table)
    for (const { go } of workers) go()
    expect(await Promise.all(workers.map(({ line }) => line()))).toEqual(Array(4).fill('done'))
    await Promise.all(workers.map(({ done }) => done))
    for (const subject of ['ann', 'bob', 'cat']) {
      expect((await store.list(subject)).length).toBeLessThanOrEqual(3)
    }
  })
})
