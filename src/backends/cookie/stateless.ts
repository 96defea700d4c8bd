import {
  absoluteMsOf,
  assertAuthentication,
  assertRotation,
  authenticatedExtra,
} from '../../core/authentication.ts'
import { promised, whenDone } from '../../core/awaitable.ts'
import type { Awaitable, Missed, SetResult } from '../../core/backend.ts'
import { assertValue } from '../../core/codec.ts'
import { InvalidValueError, UnsupportedOperationError } from '../../core/errors.ts'
import { drawText, isHandle } from '../../core/key.ts'
import type { Handle, Key } from '../../core/key.ts'
import { decodeExtra, encodeExtra, NO_EXTRA } from '../../core/extra.ts'
import type { Extra } from '../../core/extra.ts'
import { decodeLabels, encodeLabels } from '../../core/labels.ts'
import { assertExpiry, periodLeft } from '../../core/period.ts'
import { describeTimeouts } from '../../core/policy-description.ts'
import type { Timeouts } from '../../core/profile.ts'
import type {
  RotateOptions,
  RotateResult,
  SessionFacts,
  SessionGenerateOptions,
  SessionSetOptions,
  StatelessBackend,
  StatelessFound,
  TouchDue,
} from '../../core/session-backend.ts'
import { touchDueOf } from '../../core/stored-record.ts'
import { assertSubject } from '../../core/subject.ts'
import type { KeyRing } from './key-ring.ts'
import { MAX_SKEW_MS } from './revocations.ts'
import type { Revocations } from './revocations.ts'
import { ReadExtra } from './read-extra.ts'
import type { Opened } from './read-extra.ts'
import { decodeSession, encodeSession } from './sealed-session.ts'
import type { SealedSession } from './sealed-session.ts'

/** What a stateless backend is made of; all of it checked. */
export interface StatelessParts {
  readonly ring: KeyRing
  readonly timeouts: Timeouts
  /** What a key may be long now, and what any key may ever have been. */
  readonly maxBytes: number
  readonly longest: number
  readonly now: () => number
  readonly revocations: Revocations | undefined
}

/** A session that opened, is within its time and has not been ended. */
interface Live {
  readonly session: SealedSession
  readonly nowMs: number
  readonly opened: Opened
}

const NOT_FOUND: Missed = { ok: false, reason: 'not_found' }
const NOT_SET: Missed = { ok: false, reason: 'not_set' }
const GONE = { ok: false, reason: 'not_found' } as const

/** Makes the backend under `createCookieBackend`. */
export function createStatelessBackend(parts: StatelessParts): StatelessBackend {
  const { ring, timeouts, maxBytes, longest, now, revocations } = parts
  const { defaultPeriod, absolute } = timeouts
  const absoluteMs = absolute * 1000

  function open(key: string): Opened | undefined {
    const opened = typeof key === 'string' && key.length <= longest ? ring.open(key) : undefined
    return opened && { key, ring, sealed: decodeSession(opened.plain), newest: opened.newest }
  }

  function liveOf(key: string, extra?: Extra): Awaitable<Live | undefined> {
    const opened = ReadExtra.openedOf(extra, ring, key) ?? open(key)
    if (opened === undefined) return undefined
    const nowMs = now()
    const session = within(opened.sealed, absoluteMs)
    if (nowMs >= session.expiresAtMs || session.issuedAtMs > nowMs + MAX_SKEW_MS) return undefined
    const live = { session, nowMs, opened }
    if (revocations === undefined) return live
    return revocations.isRevoked(session).then((revoked) => (revoked ? undefined : live))
  }

  /** Seals the session as it is from `nowMs` on. */
  function sealed(session: SealedSession): Key {
    const key = ring.seal(encodeSession(session))
    if (key.length <= maxBytes) return key as Key
    throw new InvalidValueError(
      `"value" is too large for a cookie: ${key.length} bytes when sealed, at most ${maxBytes}`,
    )
  }

  async function generate(options: SessionGenerateOptions = {}): Promise<Key> {
    const { value, expiry = defaultPeriod(), subject, labels, onCreated } = options
    assertExpiry('expiry', expiry)
    if (value !== undefined) assertValue(value)
    if (subject !== undefined) assertSubject(subject)
    const authenticated = subject !== undefined
    assertAuthentication(options, authenticated)
    const extra = authenticated ? authenticatedExtra(NO_EXTRA, options) : NO_EXTRA
    const nowMs = now()
    const idleMs = expiry * 1000
    const deadlineMs = nowMs + absoluteMsOf(absolute, options.absolute)
    const session: SealedSession = {
      handle: drawText(16) as Handle,
      value: value ?? null,
      idleMs,
      createdAtMs: nowMs,
      issuedAtMs: nowMs,
      expiresAtMs: Math.min(nowMs + idleMs, deadlineMs),
      deadlineMs,
      subject: subject ?? null,
      authenticatedAtMs: authenticated ? nowMs : null,
      boundAtMs: await boundAt(subject, nowMs),
      rotatedAtMs: nowMs,
      labels: encodeLabels(labels),
      extra: encodeExtra(extra),
    }
    const key = sealed(session)
    onCreated?.({
      ...factsOf(session, nowMs, extra),
      period: periodLeft(session.expiresAtMs, nowMs),
    })
    return key
  }

  async function boundAt(subject: string | undefined, nowMs: number): Promise<number> {
    if (subject === undefined || revocations === undefined) return nowMs
    return revocations.bindingAt(subject, nowMs)
  }

  function found(live: Live | undefined): StatelessFound | Missed {
    if (live === undefined) return NOT_FOUND
    const { session, nowMs, opened } = live
    const { value, expiresAtMs } = session
    if (value === null) return NOT_SET
    const period = periodLeft(expiresAtMs, nowMs)
    const facts = factsOf(session, nowMs, ReadExtra.of(decodeExtra(session.extra), opened))
    return { ok: true, value, period, facts, touchDue: dueOf(live) }
  }

  async function set(
    key: string,
    value: string | undefined,
    { expiry, keepPeriod = false, extra }: SessionSetOptions = {},
  ): Promise<SetResult> {
    if (expiry !== undefined) assertExpiry('expiry', expiry)
    if (value !== undefined) assertValue(value)
    const live = await liveOf(key, extra)
    if (live === undefined) return GONE
    const { session, nowMs } = live
    const seconds = expiry ?? (keepPeriod ? undefined : defaultPeriod())
    const idleMs = seconds === undefined ? session.idleMs : seconds * 1000
    if (idleMs <= 0) await revocations?.end(session.handle)
    const next = renewed({ ...session, idleMs, value: value ?? session.value }, nowMs)
    return { ok: true, key: sealed(next), period: periodLeft(next.expiresAtMs, nowMs) }
  }

  async function touch(key: string, due: TouchDue): Promise<Key | false> {
    const live = await liveOf(key)
    if (live === undefined || live.session.expiresAtMs !== due.fromMs) return false
    const { session, nowMs } = live
    const expiresAtMs = Math.min(due.toMs, session.deadlineMs)
    const text = ring.seal(encodeSession({ ...session, issuedAtMs: nowMs, expiresAtMs }))
    // A session of the time before "maxBytes" was lowered: it lives on, as it is.
    return text.length <= maxBytes && (text as Key)
  }

  async function rotate(
    key: string,
    _securityVersion: number,
    options: RotateOptions = {},
  ): Promise<RotateResult> {
    const { authenticated = false, subject, labels } = options
    if (subject !== undefined) assertSubject(subject)
    assertRotation(options)
    const text = labels === undefined ? undefined : encodeLabels(labels)
    const live = await liveOf(key)
    if (live === undefined) return GONE
    const { session, nowMs } = live
    const before = decodeExtra(session.extra)
    const extra = authenticated ? authenticatedExtra(before, options) : before
    const changed: SealedSession = {
      ...session,
      subject: subject ?? session.subject,
      labels: text ?? session.labels,
      boundAtMs: subject === undefined ? session.boundAtMs : await boundAt(subject, nowMs),
      rotatedAtMs: Math.max(nowMs, session.rotatedAtMs + 1),
      authenticatedAtMs: authenticated ? nowMs : session.authenticatedAtMs,
      deadlineMs: authenticated
        ? nowMs + absoluteMsOf(absolute, extra.absolute)
        : session.deadlineMs,
      extra: encodeExtra(extra),
    }
    const next = authenticated ? renewed(changed, nowMs) : { ...changed, issuedAtMs: nowMs }
    const successor = sealed(next)
    if (revocations !== undefined) {
      if (!(await revocations.rotate(next.handle, next.rotatedAtMs))) return GONE
    }
    return {
      ok: true,
      key: successor,
      period: periodLeft(next.expiresAtMs, nowMs),
      securityVersion: next.rotatedAtMs,
      authenticatedAtMs: next.authenticatedAtMs ?? undefined,
      nowMs,
      extra,
    }
  }

  async function clear(key: string): Promise<void> {
    const opened = revocations && open(key)
    // Whatever has been rotated or has expired since: other copies of the session may be newer.
    if (opened !== undefined) await revocations?.end(opened.sealed.handle)
  }

  return {
    get defaultPeriod() {
      return defaultPeriod()
    },
    absolutePeriod: absolute,
    describePolicy: () => describeTimeouts(timeouts),
    maxKeyLength: maxBytes,
    generate,
    get: promised((key: string) => whenDone(liveOf(key), found)),
    set,
    clear,
    touch,
    rotate,
    list: () => cannot('list', 'it knows of no session but the one it is shown'),
    clearAll: () => cannot('clearAll', 'new "secrets" without the old ones end every session'),
    sweep: async () => 0,

    async clearHandle(handle) {
      if (revocations === undefined) return cannot('clearHandle', 'it has no "revocations"')
      return isHandle(handle) && revocations.end(handle)
    },

    async clearSubject(subject, except) {
      assertSubject(subject)
      if (revocations === undefined) return cannot('clearSubject', 'it has no "revocations"')
      if (except !== undefined) {
        return cannot('clearSubject with "except"', 'bind a new session after it instead')
      }
      await revocations.endSubject(subject, now())
      return NaN
    },
  }
}

/** The session under the absolute lifetime of today, if that is shorter than the one it was sealed with. */
function within(session: SealedSession, absoluteMs: number): SealedSession {
  const { authenticatedAtMs, createdAtMs } = session
  const latestMs = (authenticatedAtMs ?? createdAtMs) + absoluteMs
  if (session.deadlineMs <= latestMs) return session
  const expiresAtMs = Math.min(session.expiresAtMs, latestMs)
  return { ...session, deadlineMs: latestMs, expiresAtMs }
}

/** The session with its idle period started anew. */
function renewed(session: SealedSession, nowMs: number): SealedSession {
  const expiresAtMs = Math.min(nowMs + session.idleMs, session.deadlineMs)
  return { ...session, issuedAtMs: nowMs, expiresAtMs }
}

/** A touch that is due by time, or because the session is not yet under the newest secret. */
function dueOf({ session, nowMs, opened }: Live): TouchDue | undefined {
  const { idleMs, expiresAtMs, deadlineMs } = session
  const due = touchDueOf({ idleMs, expiresAtMs, deadlineMs, nowMs })
  if (due !== undefined || opened.newest) return due
  const toMs = Math.min(nowMs + idleMs, deadlineMs)
  return { fromMs: expiresAtMs, toMs, period: periodLeft(toMs, nowMs) }
}

function factsOf(session: SealedSession, nowMs: number, extra: Extra): SessionFacts {
  return {
    handle: session.handle,
    createdAtMs: session.createdAtMs,
    subject: session.subject ?? undefined,
    authenticatedAtMs: session.authenticatedAtMs ?? undefined,
    nowMs,
    labels: decodeLabels(session.labels),
    securityVersion: session.rotatedAtMs,
    extra,
  }
}

async function cannot(operation: string, why: string): Promise<never> {
  throw new UnsupportedOperationError(`a stateless backend cannot do "${operation}": ${why}`)
}
