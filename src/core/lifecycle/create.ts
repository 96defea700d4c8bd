import { absoluteMsOf, assertAuthentication, authenticatedExtra } from '../authentication.ts'
import { isPromise } from '../awaitable.ts'
import { assertValue } from '../codec.ts'
import { BackendError, SessionConflictError } from '../errors.ts'
import { publishCreated } from '../events.ts'
import { detachedHandleOf, generateKey, isKey, secretHashOf } from '../key.ts'
import type { Key } from '../key.ts'
import { encodeExtra, NO_EXTRA } from '../extra.ts'
import { encodeLabels } from '../labels.ts'
import { assertExpiry, periodLeft } from '../period.ts'
import type { SessionGenerateOptions } from '../session-backend.ts'
import type { NewRecord } from '../store.ts'
import { assertSubject } from '../subject.ts'
import { ask, subjectLimit } from './engine.ts'
import type { Engine } from './engine.ts'
import { firstOf } from './plain.ts'

/** `SessionBackend.generate`. */
export async function create(engine: Engine, options: SessionGenerateOptions): Promise<Key> {
  const { store, policy } = engine
  const { value, expiry = policy.defaultPeriod(), subject, labels, onCreated } = options
  assertExpiry('expiry', expiry)
  if (value !== undefined) assertValue(value)
  if (subject !== undefined) assertSubject(subject)
  const authenticated = subject !== undefined
  assertAuthentication(options, authenticated)
  // What bounds a visitor's session is not for the login that it is made for.
  const extra = authenticated ? authenticatedExtra(NO_EXTRA, options) : NO_EXTRA
  if (options.key !== undefined && !isKey(options.key)) throw new TypeError('"key" must be a key')
  const key = options.key ?? generateKey()
  const begun = firstOf(policy, key, value, extra)
  const first = isPromise(begun) ? await begun : begun
  const record: NewRecord = {
    recordId: detachedHandleOf(key),
    value: first.value,
    idleMs: expiry * 1000,
    absoluteMs: absoluteMsOf(policy.absolute, options.absolute),
    secretHash: secretHashOf(key),
    subject: subject ?? null,
    authenticated,
    labels: encodeLabels(labels),
    extra: encodeExtra(first.extra),
  }
  const asked = ask(engine, 'generate', () => store.create(record, policy.limit))
  const created = isPromise(asked) ? await asked : asked
  if (!created.ok && created.reason === 'limit') throw subjectLimit(subject)
  if (!created.ok && options.key !== undefined) {
    throw new SessionConflictError('a session of this key has been made before')
  }
  // Two equal draws of 128 random bits are a broken random source, not bad luck: never try again.
  if (!created.ok) throw new BackendError('the store already holds a record of a newly drawn id')
  const period = periodLeft(created.expiresAtMs, created.createdAtMs)
  publishCreated(record.recordId, subject, period)
  onCreated?.({
    period,
    createdAtMs: created.createdAtMs,
    subject,
    authenticatedAtMs: authenticated ? created.createdAtMs : undefined,
    nowMs: created.createdAtMs,
    labels: { ...labels },
    securityVersion: 1,
    extra: first.extra,
  })
  return key
}
