import { describe, expect, it } from 'vitest'
import { settle } from '../core/manual-clock.ts'
import { createManager } from './fixture.ts'

const values: readonly unknown[] = [
  null,
  '',
  -0,
  [1, [2]],
  { a: { b: ['c'] } },
  { at: new Date(0), gone: undefined, no: Number.NaN, map: new Map([[1, 2]]) },
  Object.assign(Object.create(null), { a: 1 }),
  JSON.parse('{"__proto__":{"a":1}}'),
]

describe.each([true, false])('what update resolves to, with freeze: %s', (freeze) => {
  it('is what the next read gives', async () => {
    const { sessions } = createManager({ manager: { freeze } })
    const session = await sessions.generate('first')
    for (const value of values) {
      const result = await sessions.update(session, () => value)
      const found = await sessions.fromKey(session.key)
      expect(result).toStrictEqual(found.ok && found.session.value)
      expect(session.value).toStrictEqual(result)
    }
  })

  it('shows nothing of what the caller does with its value while it is written', async () => {
    const { sessions } = createManager({
      manager: { freeze },
      replace: (store) => ({
        update: async (...args) => {
          await settle()
          return store.update(...args)
        },
      }),
    })
    const session = await sessions.generate({})
    const cart = ['tea']
    const updating = sessions.update(session, () => ({ cart }))
    await Promise.resolve()
    cart.push('salt')
    expect(await updating).toEqual({ cart: ['tea'] })
    cart.push('rice')
    expect(session.value).toEqual({ cart: ['tea'] })
  })
})
