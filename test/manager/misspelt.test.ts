import { describe, expect, it } from 'vitest'
import type { Session, SessionManager } from '../../src/index.ts'
import { createManager } from './fixture.ts'

type Call = (sessions: SessionManager, session: Session) => Promise<unknown>

/** Calls as a program without types may make them. Each would have done less than was meant, or more. */
const CALLS: readonly (readonly [string, Call, string])[] = [
  [
    'set',
    (sessions, session) => sessions.set(session, { n: 2 } as object),
    'set has no option "n"',
  ],
  [
    'set, with a value',
    (sessions, session) => sessions.set(session, { value: 2, expires: 60 } as object),
    'set has no option "expires"',
  ],
  ['set of no object', (sessions, session) => sessions.set(session, 5 as never), 'of set must be'],
  [
    'update',
    (sessions, session) => sessions.update(session, () => 2, { expires: 60 } as object),
    'update has no option "expires"',
  ],
  [
    'generate',
    (sessions) => sessions.generate(1, { user: 'u' } as object),
    'generate has no option "user"',
  ],
  [
    'fromHeadersOrCreate',
    (sessions) => sessions.fromHeadersOrCreate({}, 1, { user: 'u' } as object),
    'generate has no option "user"',
  ],
  [
    'rotate',
    (sessions, session) => sessions.rotate(session, { autenticated: true } as object),
    'rotate has no option "autenticated"',
  ],
  [
    'rotate, to another subject',
    (sessions, session) => sessions.rotate(session, { subject: 'v' } as object),
    'rotate has no option "subject"',
  ],
  [
    'bind',
    (sessions, session) => sessions.bind(session, 'v', { label: {} } as object),
    'bind has no option "label"',
  ],
  [
    'list',
    (sessions, session) => sessions.list('u', { except: session } as object),
    'list has no option "except"',
  ],
  [
    'clearSubject',
    (sessions, session) => sessions.clearSubject('u', { excpt: session } as object),
    'clearSubject has no option "excpt"',
  ],
]

describe('a misspelt option', () => {
  it.each(CALLS)('of %s is refused, and nothing has changed', async (_name, call, message) => {
    const { sessions } = createManager()
    const session = await sessions.generate(1, { subject: 'u' })
    await expect(call(sessions, session)).rejects.toThrow(TypeError)
    await expect(call(sessions, session)).rejects.toThrow(message)
    const found = await sessions.fromKey(session.key)
    expect(found.ok && found.session).toMatchObject({ value: 1, subject: 'u', version: 1 })
    expect(await sessions.list('u')).toHaveLength(1)
  })
})
