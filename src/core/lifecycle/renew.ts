import { publishRenewed } from '../events.ts'
import { decodeExtra, encodeExtra } from '../extra.ts'
import type { Extra } from '../extra.ts'
import { generateSalt, parseKey, secretHashOf, successorOf } from '../key.ts'
import type { Key } from '../key.ts'
import { periodLeft } from '../period.ts'
import type { RenewResult } from '../session-backend.ts'
import type { StoredRecord } from '../store.ts'
import { isPending } from '../stored-record.ts'
import { ask, ATTEMPTS } from './engine.ts'
import type { Engine } from './engine.ts'
import { partsFor } from './plain.ts'
import { pendingSuccessor, readGood } from './read.ts'

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
