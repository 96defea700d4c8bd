import { describe, expect, it } from 'vitest'
import type { RequestSession } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import type { FakeHead, State } from './fixture.ts'
import { cookiesIn, createRequest } from './fixture.ts'

const VARY = [['Vary', 'Cookie']]
const SENT = {
  code: 'ERR_SESSION_HEADERS_SENT',
  message: 'the session was used after the response headers had been sent',
}
const append = (more: string) => (value: unknown) => `${(value as string | undefined) ?? ''}${more}`

// The calls that write, each as a function of the request.
const WRITES: readonly (readonly [string, (request: RequestSession) => Promise<unknown>])[] = [
  ['set', (request) => request.set('new')],
  ['update', (request) => request.update(() => 'new')],
  ['clear', (request) => request.clear()],
  ['rotate', (request) => request.rotate()],
  ['bind', (request) => request.bind('ann', 'new')],
]
const STATES: readonly State[] = [
  'no_cookie',
  'malformed',
  'not_found',
  'not_set',
  'found',
  'invalid',
]

describe.each(WRITES)('%s after the headers were sent', (_, write) => {
  it.each(STATES)('rejects before anything is read or stored (%s)', async (state) => {
    const { request, store, head } = await createRequest(state)
    head.send()
    await expect(write(request)).rejects.toMatchObject(SENT)
    expect(store.calls).toEqual([])
    expect(head.writes).toEqual([])
  })

  it('rejects before anything is stored when they went while the session was read', async () => {
    let head: FakeHead | undefined
    const made = await createRequest('found', {
      replace: (memory) => ({
        read: (id) => {
          head?.send()
          return memory.read(id)
        },
      }),
    })
    head = made.head
    const [name] = WRITES.find(([, run]) => run === write) ?? []
    if (name === 'clear') void made.request.load()
    await expect(write(made.request)).rejects.toMatchObject(SENT)
    expect(made.store.calls).toEqual(['read'])
  })
})

describe('load after the headers were sent', () => {
  it('reads, without a header and without a touch', async () => {
    const { request, store, head, clock } = await createRequest('found', {
      policy: { period: 100 },
    })
    clock.advance(50)
    head.send()
    expect(await request.load()).toMatchObject({ value: 'old', expiryPeriod: 50 })
    expect(store.calls).toEqual(['read'])
    expect(head.writes).toEqual([])
  })

  it('is followed by no creation', async () => {
    const { request, store, head } = await createRequest('no_cookie')
    head.send()
    expect(await request.load()).toBeUndefined()
    await expect(request.loadOrCreate('new')).rejects.toMatchObject(SENT)
    expect(store.calls).toEqual([])
    expect(head.writes).toEqual([])
  })

  it('finds an existing session by loadOrCreate', async () => {
    const { request, head } = await createRequest('found')
    head.send()
    expect(await request.loadOrCreate('new')).toMatchObject({ value: 'old' })
  })
})

describe('headers that go while the store works', () => {
  it('leave no session behind whose key nobody learnt', async () => {
    let head: FakeHead | undefined
    const made = await createRequest('no_cookie', {
      replace: (memory) => ({
        create: (record) => {
          head?.send()
          return memory.create(record)
        },
      }),
    })
    head = made.head
    await expect(made.request.set('new')).rejects.toMatchObject(SENT)
    expect(made.store.calls).toEqual(['create', 'delete'])
    expect(await made.memory.deleteAll()).toBe(0)
    expect(head.writes).toEqual([VARY])
  })

  it.each([
    ['update', 'set'],
    ['delete', 'clear'],
  ] as const)('during %s make %s reject', async (operation, name) => {
    let head: FakeHead | undefined
    const made = await createRequest('found', {
      replace: (memory) => ({
        [operation]: (...args: never[]) => {
          head?.send()
          return (memory[operation] as (...args: never[]) => unknown)(...args)
        },
      }),
    })
    head = made.head
    await made.request.load()
    await expect(made.request[name]('new')).rejects.toMatchObject(SENT)
    expect(head.writes).toEqual([VARY])
  })

  it('during a touch leave the session loaded, and the cookie as it was', async () => {
    let head: FakeHead | undefined
    const made = await createRequest('found', {
      policy: { period: 100 },
      replace: (memory) => ({
        touch: (...args) => {
          head?.send()
          return memory.touch(...args)
        },
      }),
    })
    made.clock.advance(50)
    head = made.head
    expect(await made.request.load()).toMatchObject({ value: 'old', expiryPeriod: 100 })
    expect(head.writes).toEqual([VARY])
  })
})

describe('parallel calls of one request', () => {
  it.each(STATES.slice(0, 4))('make one session and no more (%s)', async (state) => {
    const { request, memory, head } = await createRequest(state)
    const [first, second, third] = await Promise.all([
      request.loadOrCreate('a'),
      request.loadOrCreate('b'),
      request.loadOrCreate('c'),
    ])
    expect(second).toBe(first)
    expect(third).toBe(first)
    expect(first.value).toBe('a')
    expect(cookiesIn(head)).toHaveLength(1)
    expect(await memory.deleteAll()).toBe(1)
  })

  it('set one after the other, the first one making the session', async () => {
    const { request, store } = await createRequest('no_cookie')
    const sessions = await Promise.all([request.set('a'), request.set('b'), request.set('c')])
    expect(new Set(sessions).size).toBe(1)
    expect(sessions[0]).toMatchObject({ value: 'c', version: 3 })
    expect(store.calls).toEqual(['create', 'update', 'update'])
  })

  it.each(['found', 'no_cookie'] as const)('lose no update (%s)', async (state) => {
    const { request } = await createRequest(state)
    const letters = 'abcdefgh'.split('')
    await Promise.all(letters.map((letter) => request.update(append(letter))))
    const value = (await request.load())?.value as string
    expect(value).toBe(state === 'found' ? 'oldabcdefgh' : 'abcdefgh')
  })

  it('leave one session when two log the same subject in', async () => {
    const { request, sessions, head } = await createRequest('no_cookie')
    const [first, second] = await Promise.all([request.bind('ann', 1), request.bind('ann', 2)])
    expect(first).toBe(second)
    expect(await sessions.list('ann')).toHaveLength(1)
    expect(cookiesIn(head).at(-1)).toContain(first.key)
    expect(await sessions.fromKey(first.key)).toMatchObject({ ok: true })
  })

  it('log a subject in to the session that another call makes', async () => {
    const { request, sessions, memory } = await createRequest('no_cookie')
    const [set, bound] = await Promise.all([request.set('a'), request.bind('ann', 'b')])
    expect(bound).toBe(set)
    expect(bound).toMatchObject({ value: 'a', subject: 'ann' })
    expect(await sessions.list('ann')).toHaveLength(1)
    expect(await memory.deleteAll()).toBe(1)
  })

  it('leave one session of two that log two subjects in, and its cookie', async () => {
    const { request, memory, head } = await createRequest('no_cookie')
    await Promise.all([request.bind('ann', 1), request.bind('bob', 2)])
    const session = await request.load()
    expect(cookiesIn(head).at(-1)).toContain(session?.key ?? 'no key')
    expect(await memory.deleteAll()).toBe(1)
  })

  it('end the session that is being read, or being made', async () => {
    const { request, memory } = await createRequest('found')
    const loading = request.load()
    await request.clear()
    expect(await loading).toMatchObject({ value: undefined, expiryPeriod: 0 })
    expect(await request.load()).toBeUndefined()
    expect(await memory.deleteAll()).toBe(0)

    const other = await createRequest('no_cookie')
    const making = other.request.set('new')
    await settle()
    await Promise.all([making, other.request.clear()])
    expect(await other.memory.deleteAll()).toBe(0)
    expect(await other.request.load()).toBeUndefined()
  })

  it.each([0, 1, 2, 3, 4, 5, 6, 8, 12])(
    'leave at most one session of set, clear and set, %d turns apart',
    async (turns) => {
      for (const state of ['no_cookie', 'found'] as const) {
        const { request, memory, head } = await createRequest(state)
        const calls: Promise<unknown>[] = [request.set('a'), request.clear()]
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        calls.push(request.set('b'))
        await Promise.allSettled(calls)
        const session = await request.load()
        expect(await memory.deleteAll()).toBe(session === undefined ? 0 : 1)
        expect(cookiesIn(head).at(-1)).toContain(session?.key ?? '=; Max-Age=0')
      }
    },
  )

  it.each(['no_cookie', 'not_found', 'malformed'] as const)(
    'leave the cookie of a session made beside a clear, with %s',
    async (state) => {
      const { request, memory, head } = await createRequest(state)
      await Promise.allSettled([request.set('new'), request.clear()])
      const session = await request.load()
      expect(await memory.deleteAll()).toBe(session === undefined ? 0 : 1)
      expect(cookiesIn(head).at(-1)).toContain(session?.key ?? '=; Max-Age=0')
    },
  )

  it('leave the cookie of a login that a late write of the old session outlasts', async () => {
    const { request, head } = await createRequest('found')
    await request.load()
    const late = request.set('late')
    await request.clear()
    const session = await request.bind('ann', 'of ann')
    await Promise.allSettled([late])
    expect(await request.load()).toBe(session)
    expect(cookiesIn(head).at(-1)).toContain(session.key)
  })

  it('never give one subject the session of another', async () => {
    const { request, sessions } = await createRequest('no_cookie')
    await Promise.all([request.bind('ann', 'of ann'), request.bind('bob', 'of bob')])
    const session = await request.load()
    expect([session?.subject, session?.value]).toEqual(['bob', 'of bob'])
    expect([await sessions.list('ann'), (await sessions.list('bob')).length]).toEqual([[], 1])
  })

  it('share the failure of the one that makes the session, and forget it', async () => {
    let down = true
    const { request, memory } = await createRequest('no_cookie', {
      replace: (store) => ({
        create: (record) => (down ? Promise.reject(new Error('down')) : store.create(record)),
      }),
    })
    const results = await Promise.allSettled([request.set('a'), request.loadOrCreate('b')])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    down = false
    expect(await request.set('c')).toMatchObject({ value: 'c' })
    expect(await memory.deleteAll()).toBe(1)
  })
})
