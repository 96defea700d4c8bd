import type { Awaitable } from '../backend.ts'
import { measureBackend, SubjectLimitError } from '../errors.ts'
import type { BackendOperation } from '../event-messages.ts'
import { publishRefused } from '../events.ts'
import type { Handle } from '../key.ts'
import type { Store } from '../store.ts'
import type { TimeLimit } from '../time-limit.ts'
import type { CheckedPolicy } from './policy.ts'

/** What every operation of one backend works with: a store, and the policy it lives under. */
export interface Engine {
  readonly store: Store
  readonly policy: CheckedPolicy
  /** The time that calls of the store have, or `undefined` for all the time there is. */
  readonly times?: { readonly call: TimeLimit; readonly clearAll: TimeLimit } | undefined
  /** The time that reads have, where the store does not keep one itself. */
  readonly readTime?: TimeLimit | undefined
}

/** Whoever loses this many races for one record in a row is told so. */
export const ATTEMPTS = 16

/** Makes one call of the store for the sake of `operation`, within the time it has. */
export function ask<T>(
  { times }: Engine,
  operation: BackendOperation,
  run: () => Awaitable<T>,
  inTime: TimeLimit | undefined = times?.call,
): Awaitable<T> {
  return measureBackend(operation, inTime === undefined ? run : () => inTime(run()))
}

/** Refuses a login beyond `maxPerSubject`: the error to throw. */
export function subjectLimit(subject: string | undefined, handle?: Handle): SubjectLimitError {
  publishRefused(handle, subject)
  return new SubjectLimitError('the subject has as many sessions as it may')
}
