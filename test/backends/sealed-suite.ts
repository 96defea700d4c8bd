import { expect, it } from 'vitest'
import { createSessionManager } from '../../src/index.ts'
import type { Awaitable, SessionBackend } from '../../src/index.ts'

const AWKWARD = `\0 '"\\ 🧭 ${'é'.repeat(5000)}`

/** That an engine keeps sealed values and their wrapped keys. `open` gives a backend that seals. */
export function sealedSuite(open: () => Awaitable<SessionBackend>): void {
  it('keeps sealed values through a whole life', async () => {
    const sessions = createSessionManager<string>({ backend: await open() })
    const session = await sessions.generate(AWKWARD, { labels: { device: 'a' } })
    const valueOf = async (key: string) => {
      const found = await sessions.fromKey(key)
      return found.ok ? found.session.value : found.reason
    }
    expect(await valueOf(session.key)).toBe(AWKWARD)
    await sessions.bind(session, 'ann')
    await sessions.set(session, { value: 'b' })
    const old = session.key
    await sessions.renew(session)
    expect([await valueOf(old), await valueOf(session.key)]).toEqual(['b', 'b'])
    const found = await sessions.fromKey(old)
    const increments = [session, session, found.ok ? found.session : session]
    await Promise.all(increments.map((each) => sessions.update(each, (value) => `${value}+`)))
    expect([await valueOf(old), await valueOf(session.key)]).toEqual(['b+++', 'b+++'])
    await sessions.set(session, { expiry: 50 })
    await sessions.rotate(session)
    expect([await valueOf(old), await valueOf(session.key)]).toEqual(['not_found', 'b+++'])
    expect(await sessions.clearSubject('ann')).toBe(1)
  })
}
