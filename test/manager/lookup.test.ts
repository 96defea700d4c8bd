import { describe, expect, it } from 'vitest'
import type { HeaderSource, Lookup, LookupReason } from '../../src/index.ts'
import { generateKey, handleOf } from '../../src/core/key.ts'
import { cookieOf, createManager, ENGINES, NAME } from './fixture.ts'

const miss = (reason: LookupReason | 'no_cookie') => ({ ok: false, reason })

function sessionIn<V>(found: Lookup<V, string>) {
  if (!found.ok) throw new Error(`no session: ${found.reason}`)
  return found.session
}

describe.each(ENGINES)('a look-up on %s', (_, create) => {
  it('finds the session of a key, as it is, and never extends it', async () => {
    const { sessions, clock } = create({ period: 60 })
    const made = await sessions.generate(
      { cart: ['tea'] },
      { subject: 'ann', labels: { at: 'desk' } },
    )
    clock.advance(59.5)
    const session = sessionIn(await sessions.fromKey(made.key))
    expect(session.value).toEqual({ cart: ['tea'] })
    expect(session).toMatchObject({
      key: made.key,
      expiryPeriod: 1,
      modified: false,
      version: 1,
      handle: handleOf(made.key),
      subject: 'ann',
      labels: { at: 'desk' },
      createdAt: new Date(clock.now() - 59_500),
      authenticatedAt: new Date(clock.now() - 59_500),
    })
    clock.advance(0.5)
    expect(await sessions.fromKey(made.key)).toEqual(miss('not_found'))
  })

  it('tells not_found, not_set and invalid apart', async () => {
    const { sessions, backend } = create()
    const cleared = await sessions.generate(1)
    await sessions.clear(cleared)
    const empty = await backend.generate()
    const broken = await backend.generate({ value: '{"cart":' })
    for (const [key, reason] of [
      [cleared.key, 'not_found'],
      [generateKey(), 'not_found'],
      ['asdfjk', 'not_found'],
      ['', 'not_found'],
      [await backend.generate({ expiry: 0 }), 'not_found'],
      [await backend.generate({ expiry: -1, value: '1' }), 'not_found'],
      [empty, 'not_set'],
      [broken, 'invalid'],
    ] as const) {
      expect(await sessions.fromKey(key)).toStrictEqual(miss(reason))
      expect(await sessions.fromHeaders(cookieOf(key))).toStrictEqual(miss(reason))
    }
  })

  it('finds a session whose value is the empty string, null or false', async () => {
    const { sessions } = create()
    for (const value of ['', null, false, 0]) {
      const { key } = await sessions.generate(value)
      expect(sessionIn(await sessions.fromHeaders(cookieOf(key))).value).toBe(value)
    }
  })
})

describe('fromKey', () => {
  it.each<unknown>([undefined, null, 5, {}])(
    'takes %s for a key that was never made',
    async (key) => {
      const { sessions, store } = createManager()
      expect(await sessions.fromKey(key as string)).toEqual(miss('not_found'))
      expect(store.calls).toEqual([])
    },
  )

  it('asks the store once, each time', async () => {
    const { sessions, backend, store } = createManager()
    const key = await backend.generate({ value: '1' })
    for (const _time of [1, 2]) {
      store.calls.length = 0
      expect(await sessions.fromKey(key)).toMatchObject({ ok: true })
      expect(store.calls).toEqual(['read'])
    }
  })

  it('shows no key in a miss', async () => {
    const { sessions, backend } = createManager()
    const key = await backend.generate()
    expect(Object.keys(await sessions.fromKey(key))).toEqual(['ok', 'reason'])
    expect(Object.keys(await sessions.fromHeaders(cookieOf(key)))).toEqual(['ok', 'reason'])
  })

  it('rejects with the fault of the store', async () => {
    const fault = new Error('down')
    const { sessions } = createManager({ replace: () => ({ read: () => Promise.reject(fault) }) })
    const rejected = { code: 'ERR_SESSION_BACKEND', cause: fault }
    await expect(sessions.fromKey(generateKey())).rejects.toMatchObject(rejected)
    await expect(sessions.fromHeaders(cookieOf(generateKey()))).rejects.toMatchObject(rejected)
  })

  it('lets a fault of the codec that is no SessionError make the session invalid', async () => {
    const decode = (): never => {
      throw new RangeError('year 0')
    }
    const { sessions, backend } = createManager({
      manager: { codec: { encode: String, decode } },
    })
    const key = await backend.generate({ value: 'x' })
    expect(await sessions.fromKey(key)).toEqual(miss('invalid'))
  })

  it('does not take labels that do not decode for an invalid value', async () => {
    const { sessions, memory, backend } = createManager()
    const key = await backend.generate({ value: '1' })
    await memory.updateSecurity(handleOf(key), { labels: '{' }, 1)
    await expect(sessions.fromKey(key)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
  })
})

describe('fromHeaders', () => {
  it.each<[string, HeaderSource]>([
    ['undefined', undefined],
    ['null', null],
    ['an empty header', ''],
    ['Headers without a cookie', new Headers({ accept: '*/*' })],
    ['headers of a request without a cookie', { host: 'example.com' }],
    ['another cookie', 'theme=dark; __Host-sessions=x; X__Host-session=y'],
    ['the name in another case', '__host-session=x'],
  ])('finds no_cookie in %s', async (_, headers) => {
    const { sessions, store } = createManager()
    expect(await sessions.fromHeaders(headers)).toStrictEqual(miss('no_cookie'))
    expect(store.calls).toEqual([])
  })

  it('reads every form of headers', async () => {
    const { sessions } = createManager()
    const { key } = await sessions.generate('tea')
    const header = `a=1; ${cookieOf(key)}; b=2`
    const forms: HeaderSource[] = [
      header,
      new Headers({ cookie: header }),
      { cookie: header },
      { cookie: ['a=1', cookieOf(key)] },
      `${NAME}="${key}"`,
    ]
    for (const form of forms) {
      expect(sessionIn(await sessions.fromHeaders(form)).key).toBe(key)
    }
  })

  it.each([5, true, ['a=1'], () => {}])('rejects with TypeError for %s', async (headers) => {
    const { sessions } = createManager()
    const given = headers as unknown as HeaderSource
    await expect(sessions.fromHeaders(given)).rejects.toThrow(TypeError)
    await expect(sessions.fromHeadersOrCreate(given, 1)).rejects.toThrow(TypeError)
    await expect(sessions.clearFromHeaders(given)).rejects.toThrow(TypeError)
  })

  it('goes by the name of its cookie', async () => {
    const { sessions } = createManager({ manager: { cookie: { name: 'sid' } } })
    const { key } = await sessions.generate(1)
    expect(await sessions.fromHeaders(cookieOf(key))).toEqual(miss('no_cookie'))
    expect(await sessions.fromHeaders(`sid=${key}`)).toMatchObject({ ok: true })
  })

  it('finds not_found in malformed cookies, and asks the store for none', async () => {
    const { sessions, store } = createManager()
    expect(await sessions.fromHeaders(cookieOf('', 'x', 'asdfjk', '\0'))).toEqual(miss('not_found'))
    expect(store.calls).toEqual([])
  })
})

describe('several cookies of the name', () => {
  async function create() {
    const made = createManager()
    const first = await made.sessions.generate('first')
    const second = await made.sessions.generate('second')
    made.store.calls.length = 0
    return { ...made, first: first.key, second: second.key }
  }

  it('are tried in header order', async () => {
    const { sessions, store, first, second } = await create()
    expect(sessionIn(await sessions.fromHeaders(cookieOf(second, first))).value).toBe('second')
    expect(sessionIn(await sessions.fromHeaders(cookieOf(first, second))).value).toBe('first')
    expect(store.calls).toEqual(['read', 'read'])
  })

  it('are passed over for free where they are malformed, however many', async () => {
    const { sessions, store, first } = await create()
    const malformed = Array.from({ length: 100 }, (_, n) => `junk${n}`)
    const found = await sessions.fromHeaders(cookieOf(...malformed, first))
    expect(sessionIn(found).value).toBe('first')
    expect(store.calls).toEqual(['read'])
  })

  it('are passed over after not_found', async () => {
    const { sessions, store, first } = await create()
    const dead = [generateKey(), generateKey(), generateKey()]
    expect(sessionIn(await sessions.fromHeaders(cookieOf(...dead, first))).value).toBe('first')
    expect(store.calls).toEqual(['read', 'read', 'read', 'read'])
  })

  it('cost four reads at the most', async () => {
    const { sessions, store, first } = await create()
    const dead = Array.from({ length: 4 }, generateKey)
    expect(await sessions.fromHeaders(cookieOf(...dead, first))).toEqual(miss('not_found'))
    expect(store.calls).toEqual(['read', 'read', 'read', 'read'])
  })

  it.each([
    ['not_set', undefined],
    ['invalid', '{'],
  ])('are settled by %s', async (reason, value) => {
    const { sessions, backend, store, first } = await create()
    const key = await backend.generate({ value })
    store.calls.length = 0
    const found = await sessions.fromHeaders(cookieOf(generateKey(), key, first))
    expect(found).toEqual({ ok: false, reason })
    expect(store.calls).toEqual(['read', 'read'])
  })

  it('are not tried after a fault', async () => {
    const fault = new Error('down')
    const { sessions, store } = createManager({
      replace: () => ({ read: () => Promise.reject(fault) }),
    })
    const both = cookieOf(generateKey(), generateKey())
    await expect(sessions.fromHeaders(both)).rejects.toMatchObject({ cause: fault })
    expect(store.calls).toEqual(['read'])
  })
})
