import type { Awaitable } from '../backend.ts'
import { BackendError } from '../errors.ts'

// Parts of the program that only those carry along who need them.
let sealed: typeof import('./sealed.ts') | undefined
let renewal: typeof import('./renewal.ts') | undefined

/** What seals and opens: `LifecyclePolicy.sealed`. */
export function sealing(): Awaitable<typeof import('./sealed.ts')> {
  return sealed ?? import('./sealed.ts').then((module) => (sealed = module), missing)
}

/** What renews, and what tells when that is due: `LifecyclePolicy.renewAfter`, and sessions that have been renewed. */
export function renewing(): Awaitable<typeof import('./renewal.ts')> {
  return renewal ?? import('./renewal.ts').then((module) => (renewal = module), missing)
}

function missing(cause: unknown): never {
  throw new BackendError('a module could not be loaded', { cause })
}
