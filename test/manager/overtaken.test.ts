import { describe, expect, it } from 'vitest'
import type { Session, SessionManager, Store } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { createManager } from './fixture.ts'

type Write = (sessions: SessionManager, session: Session) => Promise<unknown>

// What is written, the operation of the store under it, and what it resolves to although a logout overtakes it.
const WRITES: readonly (readonly [string, keyof Store, Write, unknown])[] = [
  ['set', 'update', (sessions, session) => sessions.set(session, { value: 2 }), undefined],
  ['set of the expiry', 'update', (sessions, session) => sessions.set(session, {}), undefined],
  ['update', 'update', (sessions, session) => sessions.update(session, () => 2), 2],
  ['touch', 'touch', (sessions, session) => sessions.touch(session), false],
  ['rotate', 'updateSecurity', (sessions, session) => sessions.rotate(session), undefined],
  ['bind', 'updateSecurity', (sessions, session) => sessions.bind(session, 'ann'), undefined],
]

/** A session whose touch is due, on a store that keeps its answers back until `release` is called. */
async function held(operation: keyof Store) {
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const made = createManager({
    policy: { period: 100 },
    replace: (memory) => ({
      [operation]: async (...args: never[]) => {
        const answer = await (memory[operation] as (...args: never[]) => unknown)(...args)
        await released
        return answer
      },
    }),
  })
  const { key } = await made.sessions.generate(1)
  made.clock.advance(50)
  const found = await made.sessions.fromKey(key)
  if (!found.ok) throw new Error(found.reason)
  return { ...made, session: found.session, release }
}

describe.each(WRITES)('%s', (_, operation, write, result) => {
  it('that a logout overtakes shows nothing on the cleared session', async () => {
    const { sessions, session, release, memory } = await held(operation)
    const { key } = session
    const writing = write(sessions, session)
    await settle()
    await sessions.clear(session)
    release()
    expect(await writing).toBe(result)
    expect(session).toMatchObject({ key, value: undefined, expiryPeriod: 0, modified: true })
    expect(session).toMatchObject({ version: 1, subject: undefined })
    expect(sessions.toCookieHeaders(session)[0]?.[1]).toContain('=; Max-Age=0')
    expect(await memory.deleteAll()).toBe(0)
  })
})

describe('a logout', () => {
  it('waits for no write under way', async () => {
    const { sessions, session, release } = await held('update')
    const writing = sessions.set(session, { value: 2 })
    await sessions.clear(session)
    expect(session.value).toBeUndefined()
    release()
    await writing
  })

  it('ends the session though two rotations on the object are stored before it', async () => {
    let release: () => void = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    const { sessions, memory } = createManager({
      replace: (memory) => ({
        delete: async (...args) => {
          await released
          return memory.delete(...args)
        },
      }),
    })
    const session = await sessions.generate(1, { subject: 'ann' })
    const clearing = sessions.clear(session)
    await Promise.all([sessions.rotate(session), sessions.rotate(session)])
    release()
    await clearing
    expect(session.value).toBeUndefined()
    expect(await sessions.list('ann')).toEqual([])
    expect(await memory.deleteAll()).toBe(0)
  })
})
