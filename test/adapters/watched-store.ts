import type { Store } from '../../src/core/store.ts'

/** One of a store's operations. */
export type StoreOperation = keyof Store

/** What a store was asked. */
export interface StoreCall {
  readonly operation: StoreOperation
  readonly args: readonly unknown[]
}

/** A store under another one's name, with a look inside. */
export interface WatchedStore extends Store {
  /** Every call so far, in order. */
  readonly calls: StoreCall[]
  /** Their names; forgets them. */
  readonly takeCalls: () => StoreOperation[]
  /** Runs before each call reaches the store: to wait, or to throw as a store that is down. */
  before: (operation: StoreOperation) => void | Promise<void>
}

/** Counts the calls that reach `store`, and lets a test hold them up or have them fail. */
export function watchStore(store: Store): WatchedStore {
  const calls: StoreCall[] = []

  function watch<Name extends StoreOperation>(operation: Name): Store[Name] {
    const run = store[operation] as (...args: unknown[]) => unknown
    const call = async (...args: unknown[]): Promise<unknown> => {
      calls.push({ operation, args })
      await watched.before(operation)
      return run(...args)
    }
    return call as Store[Name]
  }

  const watched: WatchedStore = {
    calls,
    takeCalls: () => calls.splice(0).map(({ operation }) => operation),
    before: () => {},
    create: watch('create'),
    read: watch('read'),
    update: watch('update'),
    touch: watch('touch'),
    updateSecurity: watch('updateSecurity'),
    delete: watch('delete'),
    list: watch('list'),
    deleteSubject: watch('deleteSubject'),
    deleteAll: watch('deleteAll'),
    sweep: watch('sweep'),
  }
  return watched
}
