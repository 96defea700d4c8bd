import { afterEach, describe, expect, it, vi } from 'vitest'
import { createManualClock, settle } from '../core/manual-clock.ts'
import { createManager } from './fixture.ts'

const CONFLICT = {
  code: 'ERR_SESSION_CONFLICT',
  message: 'another request has changed the session',
}
const increment = (value: unknown): number => (value as number) + 1

/** A manager whose store lets another request win before each of the next `losses` writes. */
async function contended(losses: number, updateTimeoutMs?: number) {
  let left = 0
  const made = createManager({
    manager: updateTimeoutMs === undefined ? {} : { updateTimeoutMs },
    replace: (memory) => ({
      update: (recordId, secretHash, change, version) => {
        if (left-- > 0) void memory.update(recordId, secretHash, { value: '100' })
        return memory.update(recordId, secretHash, change, version)
      },
    }),
  })
  const session = await made.sessions.generate(1)
  left = losses
  made.store.calls.length = 0
  return { ...made, session }
}

describe('update under contention', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('goes on until it wins', async () => {
    const { sessions, session, store, waits } = await contended(20)
    expect(await sessions.update(session, increment)).toBe(101)
    expect(store.calls.filter((name) => name === 'update')).toHaveLength(21)
    expect(waits.slept).toHaveLength(20)
    expect(session).toMatchObject({ value: 101, version: 22 })
  })

  it('waits at random, up to a bound that doubles from a quarter to 32 milliseconds', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { sessions, session, waits } = await contended(10)
    await sessions.update(session, increment)
    expect(waits.slept).toEqual([0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 16, 16])
  })

  it('draws each wait anew', async () => {
    const { sessions, session, waits } = await contended(40)
    await sessions.update(session, increment)
    expect(new Set(waits.slept).size).toBe(40)
    expect(Math.max(...waits.slept)).toBeLessThan(32)
  })

  it('is a conflict after ten seconds, and leaves the session as it was', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { sessions, session, waits } = await contended(Infinity)
    await expect(sessions.update(session, increment)).rejects.toMatchObject(CONFLICT)
    // 0.25 + 0.5 + … + 16 = 31.75, then steps of 32 up to the first at or past 10,000.
    expect(waits.now()).toBe(31.75 + 32 * 312)
    expect(waits.slept).toHaveLength(7 + 312)
    expect(session).toMatchObject({ value: 1, version: 1 })
  })

  it('tries once and no more where the deadline is 0', async () => {
    const { sessions, session, store } = await contended(Infinity, 0)
    await expect(sessions.update(session, increment)).rejects.toMatchObject(CONFLICT)
    expect(store.calls).toEqual(['update'])
    const free = await contended(0, 0)
    expect(await free.sessions.update(free.session, increment)).toBe(2)
  })

  it('gives up exactly at the deadline', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    for (const [updateTimeoutMs, tries] of [
      [0.75, 3],
      [0.76, 4],
    ] as const) {
      const { sessions, session, store } = await contended(Infinity, updateTimeoutMs)
      await expect(sessions.update(session, increment)).rejects.toMatchObject(CONFLICT)
      expect(store.calls.filter((name) => name === 'update')).toHaveLength(tries)
    }
  })

  it('counts the time that fn takes, and still makes its first try', async () => {
    const waits = createManualClock()
    const { sessions, backend } = createManager({ manager: { clock: waits, updateTimeoutMs: 50 } })
    const session = await sessions.generate(1)
    let calls = 0
    const slow = async (value: unknown) => {
      calls++
      await waits.advance(60)
      return increment(value)
    }
    expect(await sessions.update(session, slow)).toBe(2)
    await backend.set(session.key, '10')
    await expect(sessions.update(session, slow)).rejects.toMatchObject(CONFLICT)
    expect(calls).toBe(2)
  })

  it('ends a write on the same session that fn awaits, at the deadline', async () => {
    const waits = createManualClock()
    const { sessions } = createManager({ manager: { clock: waits } })
    const session = await sessions.generate(1)
    const nested = sessions.update(session, async (value) => {
      await sessions.set(session, { value: 5 })
      return increment(value)
    })
    nested.catch(() => {})
    await settle()
    await waits.advance(9999)
    expect(waits.waiting()).toBe(1)
    await waits.advance(1)
    await expect(nested).rejects.toMatchObject({
      code: 'ERR_SESSION_CONFLICT',
      message: 'an earlier write on this session object has not finished',
    })
    expect(session).toMatchObject({ value: 1, version: 1 })
    expect(await sessions.update(session, increment)).toBe(2)
  })
})
