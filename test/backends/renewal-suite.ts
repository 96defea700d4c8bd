import { expect, it } from 'vitest'
import { createSessionManager } from '../../src/index.ts'
import type { Awaitable, LifecyclePolicy, Session, SessionBackend } from '../../src/index.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }

/** The renewal of a key from its beginning to the end of its grace, many requests at each step. */
export function renewalSuite(
  open: (policy: LifecyclePolicy) => Awaitable<SessionBackend>,
  advance: (seconds: number) => Awaitable<unknown>,
): void {
  async function renewed(policy: LifecyclePolicy) {
    const backend = await open(policy)
    const sessions = createSessionManager<number>({ backend })
    const old = (await sessions.generate(0, { subject: 'ann' })).key
    const load = async (key: string): Promise<Session<number>> => {
      const found = await sessions.fromKey(key)
      if (!found.ok) throw new Error(found.reason)
      return found.session
    }
    const all = async (key: string) => Promise.all(Array.from({ length: 6 }, () => load(key)))
    const burst = await all(old)
    const changed = await Promise.all(burst.map((session) => sessions.renew(session)))
    const keys = new Set(burst.map((session) => session.key))
    return { sessions, backend, old, load, all, changed, keys, next: burst[0]!.key }
  }

  it('gives one new key to many requests, and keeps the old one good beside it', async () => {
    const { sessions, old, load, all, changed, keys, next } = await renewed({ renewGrace: 60 })
    expect(changed).toContain(true)
    expect([...keys]).toEqual([next])
    expect(next).not.toBe(old)
    // Its response was lost: under the old key, the new one again.
    const late = await load(old)
    expect([late.key, late.subject]).toEqual([next, 'ann'])
    await all(next)
    const beside = [load(old), load(next), load(old), load(next)]
    await Promise.all(
      beside.map(async (session) => sessions.update(await session, (count) => count + 1)),
    )
    expect(await load(next)).toMatchObject({ value: 4, subject: 'ann' })
    expect(await sessions.renew(await load(next))).toBe(false)
  })

  it('ends the old key after its grace, and the session when that one comes back', async () => {
    const policy = { renewGrace: 1, onReuse: 'end' } as const
    const { sessions, old, load, all, next } = await renewed(policy)
    await all(next)
    await advance(1)
    const { key } = await load(next)
    expect(key).toBe(next)
    expect(await sessions.fromKey(old)).toEqual(NOT_FOUND)
    expect(await sessions.fromKey(next)).toEqual(NOT_FOUND)
    expect(await sessions.list('ann')).toEqual([])
  })
}
