// The faults of the original's request manager (ocaml-session's session_webmachine.ml), each named by the
// operation that had it. Every case fails on the original.
import { describe, expect, it } from 'vitest'
import { cookiesIn, createRequest } from '../request/fixture.ts'

const VARY = ['Vary', 'Cookie']
const EVICTED = expect.stringMatching(/^__Host-session=; Max-Age=0; Expires=/) as string

describe('the original’s session_of_rd', () => {
  it.each(['malformed', 'not_found', 'not_set'] as const)(
    'remembers that there is no session (%s), and asks the store once',
    async (state) => {
      const { request, store } = await createRequest(state)
      for (let n = 0; n < 3; n++) expect(await request.load()).toBeUndefined()
      expect(store.calls).toHaveLength(state === 'malformed' ? 0 : 1)
    },
  )

  it('gives no session once it has been cleared, where the original gave an empty one', async () => {
    const { request } = await createRequest('found')
    await request.load()
    await request.clear()
    expect(await request.load()).toBeUndefined()
  })
})

describe('the original’s session_of_rd_or_create', () => {
  it('makes a new session after a clear, where the original gave the cleared one', async () => {
    const { request, key, sessions } = await createRequest('found')
    await request.load()
    await request.clear()
    const session = await request.loadOrCreate('new')
    expect(session).toMatchObject({ value: 'new' })
    expect(session.key).not.toBe(key)
    expect(await sessions.fromKey(session.key)).toMatchObject({ ok: true })
  })
})

describe('the original’s session_set', () => {
  it('on an unread request sets the value, where the original dropped it', async () => {
    const { request, key, sessions } = await createRequest('found')
    await request.set('new', { expiry: 60 })
    expect(await sessions.fromKey(key)).toMatchObject({
      session: { value: 'new', expiryPeriod: 60 },
    })
  })

  it('after a clear makes a session under a new key, where the original revived the old one', async () => {
    const { request, key, sessions, head } = await createRequest('found')
    await request.load()
    await request.clear()
    const session = await request.set('new')
    expect(session.key).not.toBe(key)
    expect(await sessions.fromKey(key)).toEqual({ ok: false, reason: 'not_found' })
    expect(cookiesIn(head).at(-1)).toContain(session.key)
  })
})

describe('the original’s session_clear', () => {
  it.each(['not_found', 'not_set', 'malformed', 'invalid'] as const)(
    'evicts the cookie of a session that cannot be used (%s), where the original did nothing',
    async (state) => {
      const { request, head, memory } = await createRequest(state)
      await request.clear()
      expect(cookiesIn(head)).toEqual([EVICTED])
      expect(await memory.deleteAll()).toBe(0)
    },
  )
})

describe('the original’s session_set_hdrs', () => {
  it('need not be remembered: headers are on the response with the write', async () => {
    const { request, head, sessions } = await createRequest('no_cookie')
    const session = await request.set('new')
    expect(head.writes.at(-1)).toEqual(sessions.toCookieHeaders(session))
  })

  it('clears with an equals sign', async () => {
    const { request, head } = await createRequest('not_found')
    await request.clear()
    expect(cookiesIn(head)).toEqual([EVICTED])
  })
})

describe('the original’s session_variances', () => {
  it.each(['no_cookie', 'not_found', 'found'] as const)(
    'says Vary with the first read, wherever in the request that is (%s)',
    async (state) => {
      const { request, head } = await createRequest(state)
      expect(head.writes).toEqual([])
      await request.load()
      expect(head.writes.flat()).toEqual([VARY])
    },
  )

  it('says it once in each set of headers, where those that cleared a dead cookie said it twice', async () => {
    const { request, head } = await createRequest('not_found')
    await request.load()
    await request.clear()
    for (const fields of head.writes) {
      expect(fields.filter(([name]) => name.toLowerCase() === 'vary')).toEqual([VARY])
    }
  })
})
