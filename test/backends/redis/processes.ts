import { expect, it } from 'vitest'
import { createRedisBackend } from '../../../src/backends/redis.ts'
import type { RedisClient } from '../../../src/backends/redis.ts'
import { createSessionManager } from '../../../src/index.ts'
import { startWorker } from '../../processes/worker-process.ts'
import { newPrefix } from './clients.ts'

const WORKER = new URL('worker.ts', import.meta.url)

/** Which Redis the processes are on, and by which driver of the worker's. */
export interface Place {
  readonly driver: string
  readonly url: string
  readonly client: RedisClient
}

function startWorkers(task: string, { driver, url }: Place, ...rest: readonly string[]) {
  const four = Array.from({ length: 4 }, () => startWorker(WORKER, [task, driver, url, ...rest]))
  return Promise.all(four)
}

/** What must hold when four processes share a Redis. */
export function runProcesses(place: () => Place): void {
  it('counts 64 increments of four processes as 64', async () => {
    const prefix = newPrefix()
    const backend = createRedisBackend(place().client, { prefix })
    const sessions = createSessionManager<number>({ backend })
    const { key } = await sessions.generate(0)
    const workers = await startWorkers('increment', place(), prefix, key)
    for (const { go } of workers) go()
    await Promise.all(workers.map(({ done }) => done))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64, version: 65 } })
    await backend.clearAll()
  })

  it('ends a session under four writers, and it stays ended', async () => {
    const prefix = newPrefix()
    const backend = createRedisBackend(place().client, { prefix })
    const sessions = createSessionManager<number>({ backend })
    const session = await sessions.generate(0)
    const workers = await startWorkers('write', place(), prefix, session.key)
    for (const { go } of workers) go()
    for (const { line } of workers) expect(await line()).toBe('busy')
    await sessions.clear(session)
    const written = await Promise.all(workers.map(({ line }) => line()))
    await Promise.all(workers.map(({ done }) => done))
    expect(written.every((count) => Number(count) > 20)).toBe(true)
    expect(await sessions.fromKey(session.key)).toEqual({ ok: false, reason: 'not_found' })
    await backend.clearAll()
  })

  it('lets 32 creates of four processes make the five that a subject may have', async () => {
    const prefix = newPrefix()
    const backend = createRedisBackend(place().client, { prefix })
    const workers = await startWorkers('crowd', place(), prefix, 'refuse')
    for (const { go } of workers) go()
    const made = await Promise.all(workers.map(({ line }) => line()))
    await Promise.all(workers.map(({ done }) => done))
    expect(made.reduce((sum, count) => sum + Number(count), 0)).toBe(5)
    expect(await backend.list('ann')).toHaveLength(5)
    await backend.clearAll()
  })
}
