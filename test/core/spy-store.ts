import type { Store } from '../../src/core/store.ts'

/** A store that notes every call made of it. */
export interface SpyStore extends Store {
  /** Names of the operations called, in order. */
  readonly calls: string[]
  /** The arguments of the same calls. */
  readonly given: (readonly unknown[])[]
}

type Operation = keyof Store

/** The names of all operations of a store. */
export const OPERATIONS: readonly Operation[] = [
  'create',
  'read',
  'update',
  'touch',
  'updateSecurity',
  'delete',
  'list',
  'deleteSubject',
  'deleteAll',
  'sweep',
]

/** Wraps `store`, with some operations done by `replaced` in its place. */
export function spyOn(store: Store, replaced: Partial<Store> = {}): SpyStore {
  const calls: string[] = []
  const given: (readonly unknown[])[] = []
  const noted = OPERATIONS.map((name) => {
    const run = (replaced[name] ?? store[name]) as (...args: readonly unknown[]) => unknown
    const operation = (...args: readonly unknown[]): unknown => {
      calls.push(name)
      given.push(args)
      return run(...args)
    }
    return [name, operation] as const
  })
  return { ...(Object.fromEntries(noted) as unknown as Store), calls, given }
}
