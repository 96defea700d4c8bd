import { describe, expect, it } from 'vitest'
import { createSessionManager } from '../../src/index.ts'
import { open, openBackend, openStore, tableName } from './mysql/open.ts'
import { startWorkers } from './mysql/processes.ts'

const pool = open('mysql2')

async function openManager(table = tableName()) {
  const backend = await openBackend(pool, { table })
  return { table, sessions: createSessionManager<number>({ backend }) }
}

/** How many deadlocks the server has seen. */
async function deadlocks(): Promise<number> {
  const [row] = await pool.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
  return Number(row?.[1])
}

describe('createMysqlBackend in several processes', () => {
  it('counts 64 increments of four processes as 64', async () => {
    const { table, sessions } = await openManager()
    const { key } = await sessions.generate(0)
    const workers = await startWorkers('increment', table, key)
    for (const { go } of workers) go()
    await Promise.all(workers.map(({ done }) => done))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64, version: 65 } })
  })

  it.each([1, 2, 3])('migrates a new table in four processes at once, round %d', async () => {
    const table = tableName()
    const workers = await startWorkers('start', table)
    for (const { go } of workers) go()
    const keys = await Promise.all(workers.map(({ line }) => line()))
    await Promise.all(workers.map(({ done }) => done))
    const { sessions } = await openManager(table)
    for (const key of keys) expect(await sessions.fromKey(key)).toMatchObject({ ok: true })
    const locks = await pool.query(
      `SELECT COUNT(*), MIN(version), MAX(version) FROM ${table}_locks`,
    )
    expect(locks[0]?.map(Number)).toEqual([257, 1, 1])
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
    const store = await openStore(pool)
    const before = await deadlocks()
    const workers = await startWorkers('crowd', store.table, 'refuse')
    for (const { go } of workers) go()
    const made = await Promise.all(workers.map(async ({ line }) => Number(await line())))
    await Promise.all(workers.map(({ done }) => done))
    expect(made.reduce((sum, each) => sum + each)).toBe(5)
    expect(await store.list('ann')).toHaveLength(5)
    expect(await deadlocks()).toBe(before)
  })

  it('never keeps a sixth session of a subject, whichever process evicts', async () => {
    const store = await openStore(pool)
    const before = await deadlocks()
    const workers = await startWorkers('crowd', store.table, 'evict_oldest')
    for (const { go } of workers) go()
    const made = await Promise.all(workers.map(async ({ line }) => Number(await line())))
    await Promise.all(workers.map(({ done }) => done))
    // A guest may be evicted by another process before its own change of subject.
    expect(made.every((count) => count >= 4 && count <= 8)).toBe(true)
    expect(await store.list('ann')).toHaveLength(5)
    expect(await deadlocks()).toBe(before)
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
