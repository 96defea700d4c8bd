import { describe, expect, it } from 'vitest'
import { createManager } from './fixture.ts'

describe('a manager whose backend seals', () => {
  it('makes the calls that it makes without, whatever came before', async () => {
    const { sessions, store } = createManager<string>({ policy: { sealed: true } })
    const takeCalls = () => store.calls.splice(0)
    const made = await sessions.generate('a')
    await sessions.set(made, { value: 'b' })
    expect(takeCalls()).toEqual(['create', 'update'])
    const found = await sessions.fromKey(made.key)
    if (!found.ok) throw new Error(found.reason)
    const { session } = found
    await sessions.update(session, (value) => `${value}c`)
    await sessions.set(session, { expiry: 60 })
    expect(takeCalls()).toEqual(['read', 'update', 'update'])
    await sessions.bind(session, 'ann')
    await sessions.set(session, { value: 'd' })
    expect(takeCalls()).toEqual(['updateSecurity', 'update'])
    await sessions.renew(session)
    await sessions.update(session, (value) => `${value}e`)
    await sessions.rotate(session)
    expect(takeCalls()).toEqual(['read', 'updateSecurity', 'update', 'updateSecurity'])
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: 'de' } })
  })

  it('loses no increment of two that were loaded before', async () => {
    const { sessions } = createManager<number>({ policy: { sealed: true } })
    const { key } = await sessions.generate(0)
    const loaded = await Promise.all([sessions.fromKey(key), sessions.fromKey(key)])
    const updates = loaded.map(async (found) =>
      found.ok ? sessions.update(found.session, (count) => count + 1) : undefined,
    )
    expect(new Set(await Promise.all(updates))).toEqual(new Set([1, 2]))
  })
})
