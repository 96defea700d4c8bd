import { BackendError } from '../../core/errors.ts'
import type { Store, SubjectLimit, UpdateSecurityResult } from '../../core/store.ts'
import type { WriteNames } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { Keyspace } from './keyspace.ts'
import { numberOrNull } from './record.ts'
import type { ScriptRunner } from './scripts.ts'

/** What both kinds of store are made of. */
export interface Engine {
  readonly connection: Connection
  readonly keys: Keyspace
  readonly scripts: ScriptRunner
  readonly names: WriteNames
}

/** The operations that have to do with subjects. They differ by where the index of a subject can be reached. */
export interface SubjectOperations extends Pick<
  Store,
  'create' | 'updateSecurity' | 'list' | 'deleteSubject'
> {
  /** Takes out of some indexes what is dead in them. */
  heal(indexKeys: readonly string[]): Promise<void>
}

/** The bound as two arguments: most, or '' for none; what to do beyond it. */
export function limitArguments(limit: SubjectLimit | undefined): readonly [string, string] {
  const { maxPerSubject, atLimit = 'refuse' } = limit ?? {}
  const most = maxPerSubject === undefined ? '' : String(maxPerSubject)
  return [most, atLimit === 'refuse' ? 'refuse' : 'evict']
}

/** What the script that creates answered. */
export function creationOf(answer: readonly string[]): Awaited<ReturnType<Store['create']>> {
  const [outcome, created, expires] = answer
  if (outcome === 'ok') {
    return { ok: true, createdAtMs: Number(created), expiresAtMs: Number(expires) }
  }
  if (outcome === 'exists' || outcome === 'limit') return { ok: false, reason: outcome }
  throw unexpected(outcome)
}

/** What the script that changes the security part answered. */
export function securityOf([nowMs, ...answer]: readonly string[]): UpdateSecurityResult {
  const [outcome, version, expires, authenticated] = answer
  if (outcome === 'ok') {
    return {
      ok: true,
      securityVersion: Number(version),
      expiresAtMs: Number(expires),
      authenticatedAtMs: numberOrNull(authenticated),
      nowMs: Number(nowMs),
    }
  }
  if (outcome === 'gone' || outcome === 'conflict' || outcome === 'limit') {
    return { ok: false, reason: outcome }
  }
  throw unexpected(outcome)
}

function unexpected(outcome: string | undefined): BackendError {
  return new BackendError(
    outcome === 'late'
      ? 'the write reached Redis more than a minute after it was begun, and was not done'
      : 'a script gave an answer that it cannot give',
  )
}
