import { describe, expect, it } from 'vitest'
import { createCookieBackend } from '../../src/backends/cookie.ts'
import { createRequestSession, createSessionManager } from '../../src/index.ts'
import type { Session, SessionManager } from '../../src/index.ts'
import { cookiesIn, createHead } from '../request/fixture.ts'
import { cookieOf, createManager, ENGINES } from './fixture.ts'

interface Visit {
  readonly cart: readonly string[]
  readonly isAdmin?: boolean
}

const GONE = { code: 'ERR_SESSION_GONE' }
const NOT_FOUND = { ok: false, reason: 'not_found' }
const PLANTED: Visit = { cart: ['tea'], isAdmin: true }
/** The cart and nothing else, with what the user had. */
const carryOver = ({ cart }: Visit): Visit => ({ cart: ['saved', ...cart] })

async function load(sessions: SessionManager<Visit>, key: string): Promise<Session<Visit>> {
  const found = await sessions.fromKey(key)
  if (!found.ok) throw new Error(found.reason)
  return found.session
}

const add = (product: string) => (visit: Visit) => ({ ...visit, cart: [...visit.cart, product] })

describe.each(ENGINES)('bind with carryOver on %s', (_, create) => {
  const open = () => create().sessions as SessionManager<Visit>

  it('keeps what it says, under the new key', async () => {
    const sessions = open()
    const session = await load(sessions, (await sessions.generate(PLANTED)).key)
    const old = session.key
    await sessions.bind(session, 'ann', { carryOver, labels: { at: 'desk' } })
    const shown = { value: { cart: ['saved', 'tea'] }, subject: 'ann', labels: { at: 'desk' } }
    expect(session).toMatchObject({ ...shown, version: 2, modified: true })
    expect(session.value).toEqual(shown.value)
    expect((await load(sessions, session.key)).value).toEqual(shown.value)
    expect(await sessions.fromKey(old)).toEqual(NOT_FOUND)
  })

  it('leaves the value of a session that is the subject’s already', async () => {
    const sessions = open()
    const session = await sessions.generate({ cart: ['own'] }, { subject: 'ann' })
    await sessions.bind(session, 'ann', { carryOver })
    expect(await load(sessions, session.key)).toMatchObject({
      value: { cart: ['own'] },
      version: 1,
    })
    await sessions.bind(session, 'bob', { carryOver })
    expect((await load(sessions, session.key)).value).toEqual({ cart: ['saved', 'own'] })
  })

  it('carries over what another request has written since the session was loaded', async () => {
    const sessions = open()
    const { key } = await sessions.generate(PLANTED)
    const session = await load(sessions, key)
    await sessions.update(await load(sessions, key), add('late'))
    await sessions.bind(session, 'ann', { carryOver })
    expect(session.value).toEqual({ cart: ['saved', 'tea', 'late'] })
  })

  it('loses no addition that was confirmed, of many beside the login', async () => {
    for (let round = 0; round < 10; round++) {
      const sessions = open()
      const { key } = await sessions.generate({ cart: [] })
      const session = await load(sessions, key)
      const addLate = async (product: string): Promise<string[]> => {
        const found = await sessions.fromKey(key)
        if (!found.ok) return []
        await sessions.update(found.session, add(product))
        return [product]
      }
      const adding = Array.from({ length: 12 }, async (_, at) => {
        for (let turn = 0; turn < at * round; turn++) await Promise.resolve()
        return addLate(`p${at}`)
      })
      const logIn = async () => {
        for (let turn = 0; turn < 40; turn++) await Promise.resolve()
        await sessions.bind(session, 'ann', { carryOver })
      }
      const [outcomes] = await Promise.all([Promise.allSettled(adding), logIn()])
      const done = outcomes.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
      const lost = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
      for (const reason of lost) expect(reason).toMatchObject(GONE)
      const { cart } = (await load(sessions, session.key)).value
      expect([cart[0], cart.slice(1).toSorted()]).toEqual(['saved', done.toSorted()])
    }
  })
})

describe('bind with carryOver', () => {
  it('changes nothing when carryOver fails, whatever is wrong with it', async () => {
    const { sessions, store } = createManager<Visit>()
    const session = await sessions.generate(PLANTED)
    const before = session.key
    store.calls.length = 0
    const circular: { cart: string[]; self?: unknown } = { cart: [] }
    circular.self = circular
    const wrong: readonly (readonly [carry: unknown, name: string])[] = [
      [() => Promise.reject(new RangeError('no carts')), 'RangeError'],
      [() => undefined, 'TypeError'],
      [() => circular, 'InvalidValueError'],
      ['a cart', 'TypeError'],
    ]
    for (const [carry, name] of wrong) {
      const options = { carryOver: carry as typeof carryOver }
      await expect(sessions.bind(session, 'ann', options)).rejects.toMatchObject({ name })
    }
    const misspelt = sessions.bind(session, 'ann', { carryover: carryOver } as object)
    await expect(misspelt).rejects.toThrow(new TypeError('bind has no option "carryover"'))
    expect(store.calls).toEqual([])
    expect(session).toMatchObject({ key: before, value: PLANTED, subject: undefined })
  })

  it('gets a copy, may be async, and runs once where nobody else writes', async () => {
    const { sessions, store } = createManager<{ cart: string[] }>()
    const session = await sessions.generate({ cart: ['tea'] })
    store.calls.length = 0
    let runs = 0
    await sessions.bind(session, 'ann', {
      carryOver: async ({ cart }) => {
        await Promise.resolve()
        return { cart: [...cart, `run ${++runs}`] }
      },
    })
    expect(session.value.cart).toEqual(['tea', 'run 1'])
    expect(store.calls).toEqual(['updateSecurity', 'update'])
  })

  it.each(['fails', 'is down from then on'])(
    'leaves nobody a session with what should not have survived, when its write %s',
    async (how) => {
      const { sessions, memory } = createManager<Visit>({
        replace: (memory) => ({
          update: () => Promise.reject(new Error('down')),
          delete: (...args) => {
            if (how !== 'fails') throw new Error('down')
            return memory.delete(...args)
          },
        }),
      })
      const { key } = await sessions.generate(PLANTED)
      const head = createHead()
      const request = createRequestSession(sessions, cookieOf(key), head)
      const fault = { code: 'ERR_SESSION_BACKEND' }
      await expect(request.bind('ann', { cart: [] }, { carryOver })).rejects.toMatchObject(fault)
      expect(cookiesIn(head)).toEqual([])
      expect(await request.load()).toBeUndefined()
      expect(await sessions.fromKey(key)).toEqual(NOT_FOUND)
      expect(await memory.list('ann')).toHaveLength(how === 'fails' ? 0 : 1)
    },
  )

  it('is that of the session there is: not where one is made, nor for that of another subject', async () => {
    const { sessions } = createManager<Visit>()
    const theirs = await sessions.generate(PLANTED, { subject: 'bob' })
    for (const headers of [undefined, cookieOf(theirs.key)]) {
      const request = createRequestSession(sessions, headers, createHead())
      const session = await request.bind('ann', { cart: ['new'] }, { carryOver })
      expect(session.value).toEqual({ cart: ['new'] })
    }
  })

  it('sets one cookie, with the new key', async () => {
    const { sessions, store } = createManager<Visit>()
    const { key } = await sessions.generate(PLANTED)
    store.calls.length = 0
    const head = createHead()
    const request = createRequestSession(sessions, cookieOf(key), head)
    const session = await request.bind('ann', { cart: [] }, { carryOver })
    expect(cookiesIn(head)).toEqual([expect.stringContaining(session.key)])
    expect(session.value).toEqual({ cart: ['saved', 'tea'] })
    expect(store.calls).toEqual(['read', 'updateSecurity', 'update'])
  })

  it('works on a stateless backend', async () => {
    const secrets = ['a secret of at least thirty-two bytes']
    const backend = createCookieBackend({ secrets, audience: 'tests' })
    const sessions = createSessionManager<Visit>({ backend })
    const session = await sessions.generate(PLANTED)
    await sessions.bind(session, 'ann', { carryOver })
    const found = await load(sessions, session.key)
    expect([found.subject, found.value]).toEqual(['ann', { cart: ['saved', 'tea'] }])
  })
})
