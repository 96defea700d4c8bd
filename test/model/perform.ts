import { generateSuccessor, handleOf } from '../../src/core/key.ts'
import type { Key } from '../../src/core/key.ts'
import type { Session, SessionBackend, SessionManager, SessionSummary } from '../../src/index.ts'
import { isSessionError } from '../../src/index.ts'
import { idOf, tokenOf } from './state.ts'
import type { Action, Outcome, Token } from './state.ts'

/** A manager under test, and all that has come out of it. */
export interface Real {
  /** One for each process that there would be. Steps take turns. */
  readonly managers: readonly SessionManager<number>[]
  readonly backend: SessionBackend
  readonly advance: (seconds: number) => PromiseLike<void> | void
  /** Epoch milliseconds at the model's 0. */
  readonly startMs: number
  readonly objects: Map<number, Session<number>>
  /** Every key that has ever been given out. */
  readonly keys: Map<Token, Key>
  /** The records that were made, in order. */
  readonly records: number[]
}

const CODES: Readonly<Record<string, string>> = {
  ERR_SESSION_GONE: 'gone',
  ERR_SESSION_CONFLICT: 'conflict',
  ERR_SESSION_SUBJECT_LIMIT: 'limit',
  ERR_SESSION_INVALID_VALUE: 'invalid_value',
}

type Kind = Action['kind']
type Of<K extends Kind> = Extract<Action, { readonly kind: K }>
type Sessions = SessionManager<number>
type Deed<K extends Kind> = (
  sessions: Sessions,
  action: Of<K>,
  real: Real,
  at: number,
) => Promise<Outcome>

/** Does `action`, the step with the number `at`, and tells what came of it, in the words of the model. */
export async function perform(real: Real, at: number, action: Action): Promise<Outcome> {
  const sessions = real.managers[at % real.managers.length] as Sessions
  try {
    return await (DEEDS[action.kind] as Deed<Kind>)(sessions, action, real, at)
  } catch (error) {
    const outcome = isSessionError(error) ? CODES[error.code] : undefined
    if (outcome === undefined) throw error
    return outcome
  }
}

const DEEDS: { readonly [K in Kind]: Deed<K> } = {
  async generate(sessions, { value, expiry, subject, label }, real, at) {
    const made = await sessions.generate(value, { expiry, subject, ...labelled(label) })
    return adopt(real, at, made, 'made')
  },
  async plant(_sessions, { value }, real, at) {
    const key = await real.backend.generate(value === 'unset' ? {} : { value: '{"torn":' })
    real.keys.set(tokenOf(at, at), key)
    real.records.push(at)
    return 'done'
  },
  async fromKey(sessions, { token }, real, at) {
    const found = await sessions.fromKey(keyOf(real, token))
    return found.ok ? adopt(real, at, found.session, 'found') : found.reason
  },
  async fromHeaders(sessions, { tokens }, real, at) {
    const found = await sessions.fromHeaders(cookieOf(real, tokens))
    return found.ok ? adopt(real, at, found.session, 'found') : found.reason
  },
  async fromHeadersOrCreate(sessions, { tokens, value, replace }, real, at) {
    const onInvalid = replace ? 'create' : 'reject'
    const cookie = cookieOf(real, tokens)
    const session = await sessions.fromHeadersOrCreate(cookie, value, { onInvalid })
    return adopt(real, at, session, session.modified ? 'made' : 'found')
  },
  set: (sessions, { object, value, expiry }, real) =>
    done(
      sessions.set(objectOf(real, object), value === undefined ? { expiry } : { value, expiry }),
    ),
  update(sessions, { object, add, expiry }, real) {
    const change = (n: number) => (add === undefined ? undefined : n + add)
    return done(sessions.update(objectOf(real, object), change, { expiry }))
  },
  touch: (sessions, { object }, real) => sessions.touch(objectOf(real, object)),
  async rotate(sessions, { object, authenticated, label }, real, at) {
    const session = objectOf(real, object)
    await sessions.rotate(session, { authenticated, ...labelled(label) })
    return renamed(real, at, session)
  },
  async bind(sessions, { object, subject, label }, real, at) {
    const session = objectOf(real, object)
    await sessions.bind(session, subject, labelled(label))
    return renamed(real, at, session)
  },
  async renew(sessions, { object }, real, at) {
    const session = objectOf(real, object)
    const renewed = await sessions.renew(session)
    // Those who renew at once get the same key, named after the first of them.
    const isNew = ![...real.keys.values()].includes(session.key)
    if (isNew) renamed(real, at, session)
    return renewed
  },
  clear: (sessions, { object }, real) => done(sessions.clear(objectOf(real, object))),
  clearFromHeaders: (sessions, { tokens }, real) =>
    sessions.clearFromHeaders(cookieOf(real, tokens)),
  list: (sessions, { subject }) => sessions.list(subject),
  clearHandle: (sessions, { record }, { keys }) =>
    sessions.clearHandle(handleOf(keys.get(tokenOf(record, record)) as Key)),
  clearSubject: (sessions, { subject, except = -1 }, { objects }) =>
    sessions.clearSubject(subject, { except: objects.get(except) }),
  clearAll: (sessions) => sessions.clearAll(),
  sweep: (_sessions, _action, { backend }) => backend.sweep(100),
  advance: (_sessions, { seconds }, real) => done(real.advance(seconds)),
}

async function done(run: PromiseLike<unknown> | void): Promise<Outcome> {
  await run
  return 'done'
}

function objectOf({ objects }: Real, id: number): Session<number> {
  return objects.get(id) as Session<number>
}

function renamed(real: Real, at: number, session: Session<number>): Outcome {
  real.keys.set(tokenOf(recordWith(real, session.handle), at), session.key)
  return 'done'
}

function adopt(
  real: Real,
  at: number,
  session: Session<number>,
  outcome: 'made' | 'found',
): Outcome {
  real.objects.set(at, session)
  if (outcome === 'made') {
    real.keys.set(tokenOf(at, at), session.key)
    real.records.push(at)
  }
  return outcome
}

/** A list with numbers for handles: not before all is done, since a list may show what is still being made. */
export function numbered(real: Real, outcome: Outcome): Outcome {
  if (!Array.isArray(outcome)) return outcome
  const own = (outcome as readonly SessionSummary[]).map((summary) => ({
    record: recordWith(real, summary.handle),
    created: secondsOf(real, summary.createdAt),
    seen: secondsOf(real, summary.lastSeenAt),
    expires: secondsOf(real, summary.expiresAt),
    proved: secondsOf(real, summary.authenticatedAt),
    label: summary.labels['name'],
  }))
  const inOrder = own.every(({ created }, at) => (own[at - 1]?.created ?? 0) <= (created ?? 0))
  // Of the same age they are in any order.
  return inOrder ? own.toSorted((a, b) => a.record - b.record) : 'not oldest first'
}

/** What a session object shows and the headers it asks for. */
export function viewOf(real: Real, session: Session<number>): object {
  const { key, value, version, modified, subject, expiryPeriod: period } = session
  const record = recordWith(real, session.handle)
  const headers = real.managers[0]?.toCookieHeaders(session)
  if (value === undefined) return { record, value, period, modified, headers }
  const created = secondsOf(real, session.createdAt)
  const proved = secondsOf(real, session.authenticatedAt)
  const label = session.labels['name']
  return { record, key, value, version, modified, period, subject, created, proved, label, headers }
}

/** A `Cookie` header with these keys. Those of no shape are each wrong in another way. */
function cookieOf(real: Real, tokens: readonly (Token | null)[]): string {
  return ['theme=dark', ...tokens.map((token) => `__Host-session=${keyOf(real, token)}`)].join('; ')
}

/** The key of a token; one that was never given out has the handle of a record and a secret of its own. */
function keyOf(real: Real, token: Token | null): string {
  const [first = ''] = real.keys.values()
  if (token === null) return first.slice(0, -1)
  const own = real.keys.get(tokenOf(idOf(token), idOf(token)))
  return real.keys.get(token) ?? generateSuccessor(handleOf(own as Key))
}

function labelled(label: string | undefined) {
  return label === undefined ? {} : { labels: { name: label } }
}

function recordWith(real: Real, handle: string | undefined): number {
  return real.records.find((id) => real.keys.get(tokenOf(id, id))?.startsWith(`${handle}.`)) ?? -1
}

function secondsOf({ startMs }: Real, date: Date | undefined): number | undefined {
  return date === undefined ? undefined : (date.getTime() - startMs) / 1000
}
