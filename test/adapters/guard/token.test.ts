import { describe, expect, it } from 'vitest'
import { createGuard } from '../../../src/adapters/guard.ts'
import type { GuardOptions } from '../../../src/adapters/guard.ts'
import { createMemoryBackend } from '../../../src/backends/memory.ts'
import { createSessionManager } from '../../../src/index.ts'
import type { Session } from '../../../src/index.ts'
import { nodeRequest } from './requests.ts'

const sessions = createSessionManager<number>({ backend: createMemoryBackend({ sweepEveryMs: 0 }) })
const guard = createGuard()
const SECRETS = ['a'.repeat(32), 'b'.repeat(32)] as const

/** A request whose headers say nothing of where it comes from. */
function silent(token?: string, more: Record<string, string> = {}) {
  return nodeRequest({
    cookie: 'a=b',
    ...(token !== undefined && { 'x-csrf-token': token }),
    ...more,
  })
}

async function judge(
  session: Session | undefined,
  token: string | undefined,
  options: GuardOptions = {},
) {
  return (await createGuard(options).check(silent(token), { session })).reason
}

async function reload(session: Session<number>): Promise<Session<number>> {
  const found = await sessions.fromKey(session.key)
  if (!found.ok) throw new Error('the session is gone')
  return found.session
}

describe.each<[string, GuardOptions]>([
  ['the session’s secret', {}],
  ['the server’s secret', { secrets: SECRETS }],
])('a token of %s', (_name, options) => {
  const guard = createGuard(options)

  it('lets a silent request pass, again and again', async () => {
    const session = await sessions.generate(1)
    const token = guard.token(session)
    expect(await judge(await reload(session), token, options)).toBe('token')
    expect(await judge(await reload(session), token, options)).toBe('token')
  })

  it('looks different each time, and all of them are good', async () => {
    const session = await sessions.generate(1)
    const tokens = Array.from({ length: 100 }, () => guard.token(session))
    expect(new Set(tokens.map((token) => token.slice(0, 8))).size).toBe(100)
    expect(new Set(tokens.map((token) => token.slice(-8))).size).toBe(100)
    for (const token of tokens) expect(await judge(session, token, options)).toBe('token')
  })

  it('is no good for another session', async () => {
    const token = guard.token(await sessions.generate(1))
    expect(await judge(await sessions.generate(1), token, options)).toBe('token_invalid')
  })

  it('is no good after a login, and none from before the login is', async () => {
    const session = await sessions.generate(1)
    const before = guard.token(session)
    await sessions.bind(session, 'ann')
    expect(await judge(session, before, options)).toBe('token_invalid')
    expect(await judge(session, guard.token(session), options)).toBe('token')
  })

  it('holds nothing of the key', async () => {
    const session = await sessions.generate(1)
    const bytes = Buffer.from(guard.token(session), 'base64url')
    const unmasked = bytes.subarray(32).map((byte, index) => byte ^ (bytes[index] ?? 0))
    const [handle = '', secret = ''] = session.key.split('.')
    for (const form of [bytes, Buffer.from(unmasked)]) {
      expect(form.includes(Buffer.from(secret, 'base64url'))).toBe(false)
      expect(form.includes(Buffer.from(handle, 'base64url'))).toBe(false)
    }
  })

  it.each(['', 'a', 'a'.repeat(86), 'a'.repeat(87), '='.repeat(86), '\u0000'])(
    'is not %o',
    async (text) => {
      expect(await judge(await sessions.generate(1), text, options)).toBe('token_invalid')
    },
  )
})

describe('a token', () => {
  it('is not one of another secret of the server', async () => {
    const session = await sessions.generate(1)
    const foreign = createGuard({ secrets: ['c'.repeat(32)] }).token(session)
    expect(await judge(session, foreign, { secrets: SECRETS })).toBe('token_invalid')
  })

  it('is one of an older secret of the server', async () => {
    const session = await sessions.generate(1)
    const old = createGuard({ secrets: [SECRETS[1]] }).token(session)
    expect(await judge(session, old, { secrets: SECRETS })).toBe('token')
  })

  it('outlives a change of the key that is no login, where the server’s secret makes it', async () => {
    const session = await sessions.generate(1)
    const [own, kept] = [guard.token(session), createGuard({ secrets: SECRETS }).token(session)]
    await sessions.rotate(session)
    expect(await judge(session, own)).toBe('token_invalid')
    expect(await judge(session, kept, { secrets: SECRETS })).toBe('token')
  })

  it('comes in the header that is named', async () => {
    const session = await sessions.generate(1)
    const other = createGuard({ tokenHeader: 'X-Token' })
    const request = silent(undefined, { 'x-token': other.token(session) })
    expect(await other.check(request, { session })).toEqual({ ok: true, reason: 'token' })
    expect(await guard.check(request, { session })).toMatchObject({ ok: false })
  })

  it('comes from a form, as a text and nothing else', async () => {
    const session = await sessions.generate(1)
    const token = guard.token(session)
    expect(await guard.check(silent(), { session, token })).toMatchObject({ ok: true })
    const twice = [token, token] as never
    expect(await guard.check(silent(), { session, token: twice })).toMatchObject({ ok: false })
  })

  it('of a form goes before that of the header', async () => {
    const session = await sessions.generate(1)
    const token = 'wrong'
    const request = silent(guard.token(session))
    expect(await guard.check(request, { session, token })).toMatchObject({ ok: false })
  })

  it('makes up for an opaque origin', async () => {
    const session = await sessions.generate(1)
    const request = silent(guard.token(session), { origin: 'null' })
    expect(await guard.check(request, { session })).toEqual({ ok: true, reason: 'token' })
    const wrong = silent('wrong', { origin: 'null' })
    expect(await guard.check(wrong, { session })).toEqual({ ok: false, reason: 'token_invalid' })
  })

  it.each<[string, Record<string, string>]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.example' }],
  ])('does not make up for %s', async (_name, more) => {
    const session = await sessions.generate(1)
    const verdict = await guard.check(silent(guard.token(session), more), { session })
    expect(verdict.ok).toBe(false)
  })

  it('helps nobody who has no session', async () => {
    const token = guard.token(await sessions.generate(1))
    expect(await guard.check(silent(token), { session: undefined })).toEqual({
      ok: false,
      reason: 'no_evidence',
    })
    expect(await guard.check(silent(token))).toEqual({ ok: false, reason: 'no_evidence' })
  })
})

describe('a session that is yet to be loaded', () => {
  const view = (session: Session | undefined) => {
    let loads = 0
    const load = async () => {
      loads++
      return session
    }
    return { session: { load }, loads: () => loads }
  }

  it('is loaded only for a token', async () => {
    const { session, loads } = view(await sessions.generate(1))
    for (const site of ['same-origin', 'none', 'same-site', 'cross-site']) {
      await guard.check(silent('token', { 'sec-fetch-site': site }), { session })
    }
    await guard.check(silent(), { session })
    await guard.check(nodeRequest({ method: 'GET', cookie: 'a' }), { session })
    expect(loads()).toBe(0)
    expect(await guard.check(silent('token'), { session })).toEqual({
      ok: false,
      reason: 'token_invalid',
    })
    expect(loads()).toBe(1)
  })

  it('that cannot be loaded is nobody’s pass', async () => {
    const session = { load: () => Promise.reject(new Error('down')) }
    await expect(guard.check(silent('token'), { session })).rejects.toThrow('down')
  })
})

describe('requireToken', () => {
  const guard = createGuard({ requireToken: true })
  const own = { 'sec-fetch-site': 'same-origin' }

  it('asks every request with a session for its token', async () => {
    const session = await sessions.generate(1)
    expect(await guard.check(silent(undefined, own), { session })).toEqual({
      ok: false,
      reason: 'token_missing',
    })
    expect(await guard.check(silent('wrong', own), { session })).toEqual({
      ok: false,
      reason: 'token_invalid',
    })
    const token = guard.token(session)
    expect(await guard.check(silent(token, own), { session })).toEqual({
      ok: true,
      reason: 'same_origin',
    })
  })

  it('takes a token for no more than that', async () => {
    const session = await sessions.generate(1)
    const request = silent(guard.token(session), { 'sec-fetch-site': 'cross-site' })
    expect(await guard.check(request, { session })).toEqual({ ok: false, reason: 'cross_site' })
  })

  it('lets visitors without a session pass by their origin', async () => {
    const claim = { session: undefined }
    expect(await guard.check(silent(undefined, own), claim)).toEqual({
      ok: true,
      reason: 'same_origin',
    })
  })

  it('needs to be told of the session, or of none', async () => {
    await expect(guard.check(silent(undefined, own))).rejects.toThrow('"session" must be given')
  })
})
