import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Session } from '../../src/index.ts'
import { createManager } from '../manager/fixture.ts'
import type { Fixture } from '../manager/fixture.ts'
import { schemaOf } from './schemas.ts'

interface Cart {
  items: string[]
}

const value: Cart = { items: ['tea'] }

/** Every way to come by the value of a session. */
const WAYS: Readonly<Record<string, (made: Fixture<Cart>) => Promise<Session<Cart>['value']>>> = {
  generate: async ({ sessions }) => (await sessions.generate(value)).value,
  fromKey: async ({ sessions }) => {
    const { key } = await sessions.generate(value)
    const found = await sessions.fromKey(key)
    if (!found.ok) throw new Error(found.reason)
    return found.session.value
  },
  set: async ({ sessions }) => {
    const session = await sessions.generate({ items: [] })
    await sessions.set(session, { value })
    return session.value
  },
  update: async ({ sessions }) =>
    sessions.update(await sessions.generate({ items: [] }), () => value),
  'update, what fn gets': async ({ sessions }) => {
    let given: Session<Cart>['value'] | undefined
    const kept = await sessions.update(await sessions.generate(value), (cart) => {
      given = cart
      return undefined
    })
    return given ?? kept
  },
  'update that writes nothing': async ({ sessions }) =>
    sessions.update(await sessions.generate(value), () => undefined),
}

const open = (cart: Session<Cart>['value']): string[] => cart.items as string[]

afterEach(() => vi.unstubAllEnvs())

describe.each(Object.entries(WAYS))('a value of %s', (_name, come) => {
  it('is frozen through and through, unless NODE_ENV is production', async () => {
    for (const environment of ['development', 'test', '', undefined]) {
      vi.stubEnv('NODE_ENV', environment)
      const cart = await come(createManager())
      expect(() => open(cart).push('salt')).toThrow(TypeError)
      expect(() => Object.assign(cart, { items: [] })).toThrow(TypeError)
    }
    vi.stubEnv('NODE_ENV', 'production')
    expect(open(await come(createManager())).push('salt')).toBe(2)
  })

  it('is frozen or not as "freeze" says', async () => {
    const frozen = await come(createManager({ manager: { freeze: true } }))
    expect(() => open(frozen).push('salt')).toThrow(TypeError)
    expect(open(await come(createManager({ manager: { freeze: false } }))).push('salt')).toBe(2)
  })

  it('is frozen after a schema has made it', async () => {
    const schema = schemaOf<Cart, Cart>((given) => ({ value: structuredClone(given) as Cart }))
    const cart = await come(createManager({ manager: { schema } }))
    expect(() => open(cart).push('salt')).toThrow(TypeError)
    const loose = await come(createManager({ manager: { schema, freeze: false } }))
    expect(open(loose).push('salt')).toBe(2)
  })

  it('leaves alone what the application has given', async () => {
    await come(createManager())
    expect(Object.isFrozen(value) || Object.isFrozen(value.items)).toBe(false)
  })
})

describe('update', () => {
  it('throws where a change in place would have been lost', async () => {
    const { sessions } = createManager<{ count: number }>()
    const session = await sessions.generate({ count: 1 })
    const lost = sessions.update(session, (counter) => {
      ;(counter as { count: number }).count++
      return undefined
    })
    await expect(lost).rejects.toThrow(TypeError)
    expect(session.value).toEqual({ count: 1 })
  })
})
