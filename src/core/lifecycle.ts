import { promised } from './awaitable.ts'
import { publishCleared, publishSwept } from './events.ts'
import { isHandle } from './key.ts'
import { create } from './lifecycle/create.ts'
import { ask } from './lifecycle/engine.ts'
import type { Engine } from './lifecycle/engine.ts'
import { checkPolicy, describePolicy } from './lifecycle/policy.ts'
import type { LifecyclePolicy } from './lifecycle/policy.ts'
import { read } from './lifecycle/read.ts'
import { renew } from './lifecycle/renew.ts'
import { rotate } from './lifecycle/rotate.ts'
import { clear, touch, write } from './lifecycle/write.ts'
import type { SessionBackend } from './session-backend.ts'
import type { Store } from './store.ts'
import { summaryOf } from './stored-record.ts'
import { assertSubject } from './subject.ts'

export type { LifecyclePolicy } from './lifecycle/policy.ts'

const SWEEP_LIMIT = 1000

/**
 * Makes a backend of a store: keys and their hashes, the shape gate, both timeouts, throttled touch,
 * rotation, renewal and subjects. A call makes one call of the store, except where its description says otherwise.
 *
 * @throws InvalidPeriodError when a period of the policy is out of range.
 * @throws TypeError or RangeError when another of its options is not as described.
 */
export function createBackend(store: Store, policy: LifecyclePolicy = {}): SessionBackend {
  const engine: Engine = { store, policy: checkPolicy(policy) }
  const { defaultPeriod, absolute } = engine.policy
  return {
    get defaultPeriod() {
      return defaultPeriod()
    },
    absolutePeriod: absolute,
    renewAfter: policy.renewAfter,
    describePolicy: () => describePolicy(engine.policy),
    publishesEvents: true,
    generate: (options = {}) => create(engine, options),
    get: promised((key, options) => read(engine, key, options)),
    set: promised((key, value, options = {}) => write(engine, key, value, options)),
    clear: (key, options = {}) => clear(engine, key, options),
    touch: (key, due) => touch(engine, key, due),
    rotate: (key, securityVersion, options = {}) => rotate(engine, key, securityVersion, options),
    renew: (key) => renew(engine, key),
    ...ownersOperations(engine),
  }
}

/** The operations on sessions by their public names. */
function ownersOperations(
  engine: Engine,
): Pick<SessionBackend, 'list' | 'clearHandle' | 'clearSubject' | 'clearAll' | 'sweep'> {
  const { store, policy } = engine
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
      const inTime = policy.times?.clearAll
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
