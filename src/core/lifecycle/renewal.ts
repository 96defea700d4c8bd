import { decodeExtra, encodeExtra, rotatedExtra } from '../extra.ts'
import type { Extra } from '../extra.ts'
import { parseKey, sameSecretHash, secretHashOf } from '../key.ts'
import type { Key, ParsedKey } from '../key.ts'
import { periodLeft } from '../period.ts'
import type { Renewal, RenewResult, SessionFound, TouchDue } from '../session-backend.ts'
import type { StoredRecord } from '../store.ts'
import { isPending, leastTouchMs, standingOf } from '../stored-record.ts'
import { generateSalt, successorOf } from '../successor.ts'
import { ask, ATTEMPTS } from './engine.ts'
import type { Engine } from './engine.ts'
import { partsFor } from './plain.ts'
import type { CheckedPolicy } from './policy.ts'
import { readGood } from './read.ts'
import { publishConfirmed, publishRenewed } from './renewal-events.ts'

// Loaded where sessions are to be renewed, or have been: `on-demand.ts`.

/** `SessionBackend.renew`. */
export async function renew(engine: Engine, text: string): Promise<RenewResult> {
  const parsed = parseKey(text)
  if (parsed === undefined) return { ok: false, reason: 'not_found' }
  const key = text as Key
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const good = await readGood(engine, parsed)
    if (good === undefined) return { ok: false, reason: 'not_found' }
    const { record, standing } = good
    const extra = decodeExtra(record.security.extra)
    if (standing === 'previous')
      return renewed(pendingSuccessor(key, record, extra) ?? key, record, extra)
    if (hasOlder(record)) return renewed(key, record, extra)
    const salt = generateSalt()
    const successor = successorOf(key, salt)
    const parts = await partsFor(engine.policy, key, [successor, key], extra)
    const after = { ...parts, salt }
    const change = {
      secretHash: secretHashOf(successor),
      previous: { hash: parsed.secretHash, graceMs: null },
      extra: encodeExtra(after),
    }
    const done = await ask(engine, 'renew', () =>
      engine.store.updateSecurity(parsed.handle, change, record.securityVersion),
    )
    if (done.ok) {
      publishRenewed(parsed.handle, record.security.subject ?? undefined)
      const { securityVersion, expiresAtMs, nowMs } = done
      const now = { ...record, securityVersion, expiresAtMs, nowMs }
      return renewed(successor, now, after)
    }
    if (done.reason === 'gone') return { ok: false, reason: 'not_found' }
  }
  return { ok: false, reason: 'conflict' }
}

function renewed(
  key: Key,
  { expiresAtMs, nowMs, securityVersion }: StoredRecord,
  extra: Extra,
): RenewResult {
  return { ok: true, key, period: periodLeft(expiresAtMs, nowMs), securityVersion, extra }
}

/** Whether the key before the current one is still good: then there is no room for a third. */
function hasOlder({ security, nowMs }: StoredRecord): boolean {
  const { previousUntilMs } = security
  return isPending(security) || (previousUntilMs !== null && nowMs < previousUntilMs)
}

/**
 * The record after its new key has been seen: the old one's grace runs. Who loses a race for it reads again what the
 * winner has made of the record.
 */
export async function confirm(
  engine: Engine,
  parsed: ParsedKey,
  pending: StoredRecord,
): Promise<StoredRecord | undefined> {
  const { store, policy } = engine
  let record: StoredRecord | undefined = pending
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { security, securityVersion, nowMs }: StoredRecord = record
    const { previousHash: hash } = security
    if (hash === null || !isPending(security)) return record
    if (standingOf(record, parsed.secretHash) !== 'current') return record
    const { renewAfter, renewGrace } = policy
    const graceMs = renewGrace * 1000
    const kept = rotatedExtra(decodeExtra(security.extra))
    const extra = encodeExtra(renewAfter === undefined ? kept : { ...kept, renewedAtMs: nowMs })
    const change = { previous: { hash, graceMs }, extra }
    const done = await ask(engine, 'get', () =>
      store.updateSecurity(parsed.handle, change, securityVersion),
    )
    if (done.ok) {
      publishConfirmed(parsed.handle, security.subject ?? undefined, graceMs)
      const previousUntilMs = done.nowMs + graceMs
      const after = { ...security, previousUntilMs, extra }
      return { ...record, security: after, securityVersion: done.securityVersion }
    }
    if (done.reason === 'gone') return undefined
    record = await ask(engine, 'get', () => store.read(parsed.handle, parsed.secretHash))
    if (record === undefined) return undefined
  }
  // Endless contention: whoever reads it next confirms it.
  return record
}

/** How a session that was found under its previous key goes on. */
export function followed(
  key: Key,
  { facts }: SessionFound,
  record: StoredRecord,
): Pick<SessionFound, 'key' | 'renewal'> {
  if (record.security.previousUntilMs !== null) return { renewal: 'over' }
  const successor = pendingSuccessor(key, record, facts.extra)
  return successor === undefined ? {} : { key: successor, renewal: 'again' }
}

/** How far the current key is from its renewal by the policy. */
export function dueOf(
  { renewAfter = Infinity, renewGrace }: CheckedPolicy,
  { facts, touchDue }: SessionFound,
  { createdAtMs, nowMs, idleMs }: StoredRecord,
): Renewal | undefined {
  const { authenticatedAtMs = 0, extra } = facts
  const bornMs = Math.max(createdAtMs, authenticatedAtMs, extra?.renewedAtMs ?? 0)
  const leftMs = renewAfter * 1000 - (nowMs - bornMs)
  const graceMs = renewGrace * 1000
  if (leftMs > graceMs) return undefined
  return leftMs <= 0 || mayComeEarly(touchDue, idleMs, graceMs) ? 'due' : 'near'
}

/**
 * A touch sets a cookie: better the new key now than the old one at the last moment. But a request that came before the
 * last seconds may still be under way, and set the old key after the new one. If the touch has been due for a grace there
 * is none: it would have made it. Until then the cookie goes without; where it lasts for little more, that is worse.
 */
function mayComeEarly(due: TouchDue | undefined, idleMs: number, graceMs: number): boolean {
  if (due === undefined) return false
  const leastMs = leastTouchMs(idleMs)
  return due.toMs - due.fromMs >= leastMs + graceMs || idleMs <= 4 * (leastMs + graceMs)
}

/** The new key that awaits its confirmation, found from the old one; `undefined` when there is none. */
function pendingSuccessor(
  key: Key,
  { security }: StoredRecord,
  { salt }: Extra = {},
): Key | undefined {
  if (salt === undefined || !isPending(security)) return undefined
  const successor = successorOf(key, salt)
  return sameSecretHash(secretHashOf(successor), security.secretHash) ? successor : undefined
}
