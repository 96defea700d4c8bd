import { absoluteMsOf, assertRotation, authenticatedExtra } from '../authentication.ts'
import { publishConflict, publishRotated } from '../events.ts'
import { decodeExtra, encodeExtra, rotatedExtra } from '../extra.ts'
import type { Extra } from '../extra.ts'
import { generateSuccessor, parseKey, secretHashOf } from '../key.ts'
import type { Key, ParsedKey } from '../key.ts'
import { encodeLabels } from '../labels.ts'
import { periodLeft } from '../period.ts'
import { ReadExtra } from '../read-extra.ts'
import type { RotateOptions, RotateResult } from '../session-backend.ts'
import type { SecurityChange } from '../store.ts'
import { assertSubject } from '../subject.ts'
import { ask, ATTEMPTS, subjectLimit } from './engine.ts'
import type { Engine } from './engine.ts'
import { partsFor } from './plain.ts'
import { readGood } from './read.ts'

/** A state of the security part, as far as a rotation starts from it. */
interface Basis {
  readonly securityVersion: number
  readonly extra: Extra
}

/** `SessionBackend.rotate`. */
export async function rotate(
  engine: Engine,
  text: string,
  securityVersion: number,
  options: RotateOptions,
): Promise<RotateResult> {
  const parsed = parseKey(text)
  if (parsed === undefined) return { ok: false, reason: 'not_found' }
  const key = text as Key
  const { store, policy } = engine
  const { handle } = parsed
  const successor = generateSuccessor(handle)
  const secretHash = secretHashOf(successor)
  const change = changeOf(parsed, secretHash, options)
  const { extra, subject } = options
  const known = extra !== undefined && (!policy.sealed || extra.dataKeys !== undefined)
  let basis = known ? { securityVersion, extra } : await basisOf(engine, parsed)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Gone, or something else of the security part has changed: go on only if this key is still good.
    if (basis === undefined) return { ok: false, reason: 'not_found' }
    const { securityVersion: version, extra: before } = basis
    const parts = await partsFor(policy, key, [successor], before)
    const after = securityAfter(engine, parts, options)
    const done = await ask(engine, 'rotate', () =>
      store.updateSecurity(handle, { ...change, ...after.change }, version, policy.limit),
    )
    if (done.ok) {
      publishRotated(handle, subject, options.authenticated === true, subject !== undefined)
      return {
        ok: true,
        key: successor,
        period: periodLeft(done.expiresAtMs, done.nowMs),
        securityVersion: done.securityVersion,
        authenticatedAtMs: done.authenticatedAtMs ?? undefined,
        nowMs: done.nowMs,
        extra: new ReadExtra(after.extra, successor, { handle, secretHash }) as Extra,
      }
    }
    if (done.reason === 'limit') throw subjectLimit(subject, handle)
    if (done.reason === 'gone') return { ok: false, reason: 'not_found' }
    publishConflict(handle, subject, 'rotate')
    basis = await basisOf(engine, parsed)
  }
  return { ok: false, reason: 'conflict' }
}

function changeOf(
  parsed: ParsedKey,
  secretHash: SecurityChange['secretHash'],
  options: RotateOptions,
): SecurityChange {
  const { subject, labels } = options
  if (subject !== undefined) assertSubject(subject)
  assertRotation(options)
  return {
    secretHash,
    previous: { hash: parsed.secretHash, graceMs: 0 },
    subject,
    labels: labels === undefined ? undefined : encodeLabels(labels),
  }
}

/** What the rotation makes of the state that it starts from. */
function securityAfter({ policy }: Engine, before: Extra, options: RotateOptions) {
  const kept = rotatedExtra(before)
  if (options.authenticated !== true) return { extra: kept, change: { extra: encodeExtra(kept) } }
  const extra = authenticatedExtra(kept, options)
  const authenticated = { absoluteMs: absoluteMsOf(policy.absolute, extra.absolute) }
  return { extra, change: { extra: encodeExtra(extra), authenticated } }
}

/** The state of the security part now; `undefined` when the key is no longer good. */
async function basisOf(engine: Engine, parsed: ParsedKey): Promise<Basis | undefined> {
  const good = await readGood(engine, parsed)
  if (good === undefined) return undefined
  const { securityVersion, security } = good.record
  return { securityVersion, extra: decodeExtra(security.extra) }
}
