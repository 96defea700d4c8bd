import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { createSessionManager } from '../../src/index.ts'

const ENGINES = {
  memory: (now: () => number) => createMemoryBackend({ now, sweepEveryMs: 0 }),
  SQLite: (now: () => number) => createSqliteBackend(':memory:', { now, sweepEveryMs: 0 }),
}

describe.each(Object.entries(ENGINES))('a clock that is set back, on %s', (_, create) => {
  it('makes no key good again that a login has ended', async () => {
    let nowMs = Date.UTC(2026, 0, 1)
    const sessions = createSessionManager<string>({ backend: create(() => nowMs) })
    const session = await sessions.generate('guest')
    const planted = session.key
    const thief = await sessions.fromKey(planted)
    await sessions.bind(session, 'ann')
    nowMs -= 60_000
    expect(await sessions.fromKey(planted)).toEqual({ ok: false, reason: 'not_found' })
    const write = thief.ok ? sessions.set(thief.session, { value: 'stolen' }) : undefined
    await expect(write).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
    expect(await sessions.fromKey(session.key)).toMatchObject({ ok: true })
  })
})
