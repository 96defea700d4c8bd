import { describe, expect, it } from 'vitest'
import { createCookieBackend, createMemoryRevocations } from '../../../src/backends/cookie.ts'
import { createSessionManager } from '../../../src/index.ts'
import { keep, leaksOf, MARK, SUBJECT, VALUE } from '../../secrets/leaks.ts'

const SECRET = `${MARK} and 32 characters or more of it`
const HUGE = { password: MARK.repeat(2000) }
const FAULT = { code: 'ERR_SESSION_BACKEND' }

function create(revocations = createMemoryRevocations()) {
  const backend = createCookieBackend({ secrets: [SECRET], audience: MARK, revocations })
  return { backend, sessions: createSessionManager<object>({ backend }) }
}

describe('a cookie backend', () => {
  it('shows no secret, key or value when it or what it makes is printed', async () => {
    const { backend, sessions } = create()
    const session = keep(await sessions.generate(VALUE))
    for (const thing of [backend, sessions, session, await sessions.fromKey('no key')]) {
      expect(leaksOf(thing)).toEqual([])
    }
  })

  it('names none in its errors', async () => {
    const { backend, sessions } = create()
    const session = keep(await sessions.generate(VALUE, { subject: SUBJECT }))
    const calls: readonly (() => unknown)[] = [
      () => createCookieBackend({ secrets: [MARK], audience: MARK }),
      () => createCookieBackend({ secrets: [SECRET, SECRET], audience: MARK }),
      () => createCookieBackend({ secrets: [SECRET], audience: `${MARK}\uD800` }),
      () => sessions.set(session, { value: HUGE }),
      () => sessions.generate(HUGE),
      () => sessions.list(SUBJECT),
      () => sessions.clearAll(),
      () => sessions.clearSubject(SUBJECT, { except: session }),
      () => backend.set(session.key, `${MARK}\uD800`),
    ]
    for (const call of calls.slice(3)) {
      const error: unknown = await Promise.resolve(call()).catch((reason: unknown) => reason)
      expect(error).toHaveProperty('code')
      expect(leaksOf(error)).toEqual([])
    }
    for (const call of calls.slice(0, 3)) {
      expect(call).toThrow(TypeError)
      expect(call).not.toThrow(MARK)
    }
  })

  it('says in its own words that its revocations failed, and leaves theirs to the cause', async () => {
    const fault = new Error(`no route to ${MARK}`)
    const { sessions } = create({
      notBefore: () => Promise.reject(fault),
      setNotBefore: () => Promise.reject(fault),
    })
    const session = keep(await sessions.generate(VALUE))
    const error = await sessions.fromKey(session.key).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      ...FAULT,
      cause: fault,
      message: expect.not.stringContaining(MARK),
    })
    await expect(sessions.clear(session)).rejects.toMatchObject(FAULT)
    expect(session.value).toEqual(VALUE)
  })
})
