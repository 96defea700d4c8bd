// What is written here is compiled and never run: `npm run typecheck` fails when a line marked
// `x` compiles, or when one that is not marked does not.
import type { Handle, Key, Session, SessionManager } from '../../src/index.ts'
import * as sojourn from '../../src/index.ts'

declare const session: Session<{ visits: number }>
declare const key: Key
declare const handle: Handle
declare const sessions: SessionManager<{ visits: number }>

// A session cannot be constructed: the package exports its type and no value of that name.
// @ts-expect-error
void sojourn.Session
// @ts-expect-error
export const forged: Session<number> = {
  key,
  value: 1,
  expiryPeriod: 60,
  modified: false,
  version: 1,
  handle,
  createdAt: undefined,
  subject: undefined,
  authenticatedAt: undefined,
  assurance: undefined,
  labels: {},
}
// @ts-expect-error
void sessions.clear({ ...session, key: 'another' })

// A session cannot be written.
// @ts-expect-error
session.key = key
// @ts-expect-error
session.value = { visits: 2 }
// @ts-expect-error
session.expiryPeriod = 60
// @ts-expect-error
session.modified = false
// @ts-expect-error
session.version = 2
// @ts-expect-error
session.handle = handle
// @ts-expect-error
session.subject = 'alice'
// @ts-expect-error
session.authenticatedAt = new Date()
// @ts-expect-error
session.labels = {}
// @ts-expect-error
session.labels['device'] = 'phone'

// A level is one of three, said at an authentication and asked for before a sensitive step.
void sessions.bind(session, 'alice', { assurance: 'aal2', absolute: 3600 })
void sessions.requireRecentAuthentication(session, 300, { assurance: 'aal3' })
void sessions.requireRecentAuthentication(undefined, 300)
// @ts-expect-error
void sessions.bind(session, 'alice', { assurance: 'aal4' })
// @ts-expect-error
void sessions.requireRecentAuthentication(session, 300, { assurence: 'aal2' })
// @ts-expect-error
void sessions.requireRecentAuthentication(session)
// @ts-expect-error
session.assurance = 'aal3'

// A manager is not rewired, and has no default backend.
// @ts-expect-error
sessions.clear = sojourn.createSessionManager
// @ts-expect-error
sojourn.createSessionManager({})
