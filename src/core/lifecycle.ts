import { promised } from './awaitable.ts'
import { publishCleared, publishSwept } from './events.ts'
import { isHandle } from './key.ts'
import { create } from './lifecycle/create.ts'
import { ask } from './lifecycle/engine.ts'
import type { Engine } from './lifecycle/engine.ts'
import { checkPolicy, describePolicy } from './lifecycle/policy.ts'
import type { CheckedPolicy, LifecyclePolicy } from './lifecycle/policy.ts'
import { read } from './lifecycle/read.ts'
import { renewing } from './lifecycle/on-demand.ts'
import { rotate } from './lifecycle/rotate.ts'
import { clear, touch, write } from './lifecycle/write.ts'
import type { SessionBackend } from './session-backend.ts'
import type { Store } from './store.ts'
import { summaryOf } from './stored-record.ts'
import { assertSubject } from './subject.ts'
import { createTimeLimit } from './time-limit.ts'

export type { LifecyclePolicy } from './lifecycle/policy.ts'

const SWEEP_LIMIT = 1000
const CLEAR_ALL_FACTOR = 60

/**
 * Makes a backend of a store: keys and their hashes, the shape gate, both timeouts, throttled touch,
 * rotation, renewal and subjects. A call makes one call of the store, except where its description says otherwise.
 *
 * @throws InvalidPeriodError when a period of the policy is out of range.
 * @throws TypeError or RangeError when another of its options is not as described.
 */
export function createBackend(store: Store, policy: LifecyclePolicy = {}): SessionBackend {
  const checked = checkPolicy(policy)
  const times = timesOf(checked)
  return backendOf({ store, policy: checked, times, readTime: times?.call })
}

/** The same of a store whose reads keep `timeoutMs` themselves: a limit on each costs a tenth of a read that goes with others. */
export function createBackendInTime(store: Store, policy: LifecyclePolicy): SessionBackend {
  const checked = checkPolicy(policy)
  return backendOf({ store, policy: checked, times: timesOf(checked) })
}

/** The same of a store that answers within the call: there is nothing that a time limit could give up waiting for. */
export function createImmediateBackend(store: Store, policy: LifecyclePolicy): SessionBackend {
  return backendOf({ store, policy: checkPolicy(policy) })
}

function timesOf({ timeoutMs }: CheckedPolicy): Engine['times'] {
  if (timeoutMs === undefined) return undefined
  const clearAll = createTimeLimit(timeoutMs * CLEAR_ALL_FACTOR)
  return { call: createTimeLimit(timeoutMs), clearAll }
}

function backendOf(engine: Engine): SessionBackend {
  const { defaultPeriod, absolute, renewAfter } = engine.policy
  // Now, and not at some later moment when the files may be those of another version. Who needs it will be told if it fails.
  if (renewAfter !== undefined) Promise.resolve(renewing()).catch(() => {})
  return {
    get defaultPeriod() {
      return defaultPeriod()
    },
    absolutePeriod: absolute,
    renewAfter,
    describePolicy: () => describePolicy(engine),
    publishesEvents: true,
    generate: (options = {}) => create(engine, options),
    get: promised((key, options) => read(engine, key, options)),
    set: promised((key, value, options = {}) => write(engine, key, value, options)),
    clear: (key, options = {}) => clear(engine, key, options),
    touch: (key, due) => touch(engine, key, due),
    rotate: (key, securityVersion, options = {}) => rotate(engine, key, securityVersion, options),
    renew: async (key) => (await renewing()).renew(engine, key),
    ...ownersOperations(engine),
  }
}

/** The operations on sessions by their public names. */
function ownersOperations(
  engine: Engine,
): Pick<SessionBackend, 'list' | 'clearHandle' | 'clearSubject' | 'clearAll' | 'sweep'> {
  const { store, times } = engine
  return {
    async list(subject) {
      assertSubject(subject)
      const records = await ask(engine, 'list', () => store.list(subject))
      return records.map(summaryOf)
    },

    async clearHandle(handle) {
      if (!isHandle(handle)) return false
      const live = await ask(engine, 'clearHandle', () => store.delete(handle))
      publishCleared('handle', Number(live), handle, undefined)
      return live
    },

    async clearSubject(subject, except) {
      assertSubject(subject)
      const count = await ask(engine, 'clearSubject', () => store.deleteSubject(subject, except))
      publishCleared('subject', count, undefined, subject)
      return count
    },

    async clearAll() {
      const inTime = times?.clearAll
      const count = await ask(engine, 'clearAll', () => store.deleteAll(), inTime)
      publishCleared('all', count, undefined, undefined)
      return count
    },

    async sweep(limit = SWEEP_LIMIT) {
      const start = performance.now()
      const removed = await ask(engine, 'sweep', () => store.sweep(limit))
      publishSwept(removed, start)
      return removed
    },
  }
}
