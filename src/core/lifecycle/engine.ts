import type { Awaitable } from '../backend.ts'
import { guardBackend, SubjectLimitError } from '../errors.ts'
import type { Store } from '../store.ts'
import type { TimeLimit } from '../time-limit.ts'
import type { CheckedPolicy } from './policy.ts'

/** What every operation of one backend works with: a store, and the policy it lives under. */
export interface Engine {
  readonly store: Store
  readonly policy: CheckedPolicy
}

/** Makes one call of the store for the sake of `task`, within the time it has. */
export function ask<T>(
  { policy: { times } }: Engine,
  task: string,
  run: () => Awaitable<T>,
  inTime: TimeLimit | undefined = times?.call,
): Promise<T> {
  return guardBackend(task, inTime === undefined ? run : () => inTime(run()))
}

/** The error of a login beyond `maxPerSubject`. */
export function subjectLimit(): SubjectLimitError {
  return new SubjectLimitError('the subject has as many sessions as it may')
}
