import { expect, it } from 'vitest'
import { createSessionManager } from '../../src/index.ts'
import type { SessionBackend } from '../../src/index.ts'
import type { WorkerProcess } from './worker-process.ts'

/** An empty store, and four processes on it. */
export interface Shared {
  readonly backend: SessionBackend
  /** Starts them, ready to do a task of `tasks.ts`. */
  readonly start: (task: string, argument: string) => Promise<readonly WorkerProcess[]>
}

async function finish(workers: readonly WorkerProcess[]): Promise<void> {
  await Promise.all(workers.map(({ done }) => done))
}

/** The number that each prints. */
async function numbers(workers: readonly WorkerProcess[]): Promise<number[]> {
  return Promise.all(workers.map(async ({ line }) => Number(await line())))
}

/**
 * What must hold when four processes share a store. `least` of the eight logins of each succeed where each may evict
 * others: fewer than eight where somebody may be evicted between two steps of its own.
 */
export function processSuite(open: () => Promise<Shared>, { least = 8 } = {}): void {
  it('counts 64 increments of four processes as 64', async () => {
    const { backend, start } = await open()
    const sessions = createSessionManager<number>({ backend })
    const session = await sessions.generate(0)
    const workers = await start('increment', session.key)
    for (const { go } of workers) go()
    await finish(workers)
    const found = await sessions.fromKey(session.key)
    expect(found).toMatchObject({ session: { value: 64, version: 65 } })
    await sessions.clear(session)
  })

  it('ends a session for good while four other processes write to it', async () => {
    const { backend, start } = await open()
    const sessions = createSessionManager<number>({ backend })
    const session = await sessions.generate(0)
    const workers = await start('write', session.key)
    for (const { go } of workers) go()
    for (const { line } of workers) expect(await line()).toBe('busy')
    await sessions.clear(session)
    for (const written of await numbers(workers)) expect(written).toBeGreaterThan(20)
    await finish(workers)
    expect(await sessions.fromKey(session.key)).toEqual({ ok: false, reason: 'not_found' })
  })

  it('refuses the sixth session of a subject, whichever process asks', async () => {
    const { backend, start } = await open()
    const workers = await start('crowd', 'refuse')
    for (const { go } of workers) go()
    const made = await numbers(workers)
    await finish(workers)
    expect(made.reduce((sum, each) => sum + each)).toBe(5)
    expect(await backend.list('ann')).toHaveLength(5)
    await backend.clearSubject('ann')
  })

  it('never keeps a sixth session of a subject, whichever process evicts', async () => {
    const { backend, start } = await open()
    const workers = await start('crowd', 'evict_oldest')
    for (const { go } of workers) go()
    const made = await numbers(workers)
    await finish(workers)
    expect(made).toHaveLength(4)
    for (const each of made) expect(each).toBeGreaterThanOrEqual(least)
    for (const each of made) expect(each).toBeLessThanOrEqual(8)
    expect(await backend.list('ann')).toHaveLength(5)
    await backend.clearSubject('ann')
  })
}
