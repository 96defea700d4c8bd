import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { prepareFile } from '../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../src/backends/sqlite/store.ts'
import { createSessionManager } from '../../src/index.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'
import { createFolder } from '../backends/sqlite-drivers.ts'
import { startWorker } from '../processes/worker-process.ts'
import type { WorkerProcess } from '../processes/worker-process.ts'

const WORKER = new URL('sqlite/worker.ts', import.meta.url)
const folder = createFolder()

function startTask(task: string, path: string, argument = ''): Promise<WorkerProcess> {
  return startWorker(WORKER, [task, path, argument])
}

function startWorkers(count: number, task: string, path: string, argument?: string) {
  return Promise.all(Array.from({ length: count }, () => startTask(task, path, argument)))
}

function openManager(path: string) {
  return createSessionManager<number>({ backend: createSqliteBackend(path) })
}

describe('createSqliteBackend in several processes', () => {
  it('counts 64 increments of four processes as 64', async () => {
    const path = folder.file()
    const sessions = openManager(path)
    const { key } = await sessions.generate(0)
    const workers = await startWorkers(4, 'increment', path, key)
    for (const { go } of workers) go()
    await Promise.all(workers.map(({ done }) => done))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64, version: 65 } })
  })

  it.each([1, 2, 3, 4])('starts on a new file in four processes at once, round %d', async () => {
    const path = folder.file()
    const workers = await startWorkers(4, 'start', path)
    for (const { go } of workers) go()
    const keys = await Promise.all(workers.map(({ line }) => line()))
    await Promise.all(workers.map(({ done }) => done))
    const sessions = openManager(path)
    for (const key of keys) expect(await sessions.fromKey(key)).toMatchObject({ ok: true })
    const database = new DatabaseSync(path, { timeout: 5000 })
    const count = database.prepare('SELECT count(*) AS n FROM sojourn_schema').get()
    expect({ ...count }).toEqual({ n: 1 })
    expect({ ...database.prepare('PRAGMA journal_mode').get() }).toEqual({ journal_mode: 'wal' })
  })

  it('ends a session for good while three other processes write to it', async () => {
    const path = folder.file()
    const sessions = openManager(path)
    const session = await sessions.generate(0)
    const workers = await startWorkers(3, 'write', path, session.key)
    for (const { go } of workers) go()
    for (const { line } of workers) expect(await line()).toBe('busy')
    await sessions.clear(session)
    for (const { line } of workers) expect(Number(await line())).toBeGreaterThanOrEqual(20)
    await Promise.all(workers.map(({ done }) => done))
    const found = await sessions.fromKey(session.key)
    expect(found).toEqual({ ok: false, reason: 'not_found' })
  })

  it('refuses the sixth session of a subject, whichever process asks', async () => {
    const path = folder.file()
    const workers = await startWorkers(4, 'crowd', path, 'refuse')
    for (const { go } of workers) go()
    const created = await Promise.all(workers.map(async ({ line }) => Number(await line())))
    expect(created.reduce((sum, count) => sum + count)).toBe(5)
  })

  it('never keeps a sixth session of a subject, whichever process evicts', async () => {
    const path = folder.file()
    const workers = await startWorkers(4, 'crowd', path, 'evict_oldest')
    for (const { go } of workers) go()
    const created = await Promise.all(workers.map(async ({ line }) => Number(await line())))
    expect(created).toEqual([8, 8, 8, 8])
    const database = new DatabaseSync(path, { timeout: 5000 })
    expect({ ...database.prepare('SELECT count(*) AS n FROM crowd').get() }).toEqual({ n: 5 })
  })

  it('waits for the lock of another process, and writes nothing to what expired meanwhile', async () => {
    const path = folder.file()
    const database = new DatabaseSync(path)
    prepareFile(database, 'waiting')
    const store = createSqliteStore(database, 'waiting', Date.now)
    const holder = await startTask('hold', path, '1600')
    const [short, long] = [draft({ idleMs: 1000 }), draft()]
    await store.create(short)
    await store.create(long)
    holder.go()
    expect(await holder.line()).toBe('held')
    expect(await store.read(short.recordId)).toBeDefined()
    const late = await store.update(short.recordId, short.secretHash, { value: 'late' })
    expect(late).toEqual({ ok: false, reason: 'gone' })
    const inTime = await store.update(long.recordId, long.secretHash, { value: 'in time' })
    expect(inTime).toMatchObject({ ok: true, version: 2 })
    await holder.done
  })
})
