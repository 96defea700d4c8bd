import { createMemoryStore } from '../../src/backends/memory.ts'
import { prepareFile } from '../../src/backends/sqlite/schema.ts'
import { createSqliteStore } from '../../src/backends/sqlite/store.ts'
import type { Store } from '../../src/core/store.ts'
import { createTestClock } from '../../src/testing/clock.ts'
import { createCellStore } from '../backends/memory/cell-store.ts'

/** Stores of one engine on one set of records, empty. */
export interface Opened {
  /** One for each process that there would be. */
  readonly stores: readonly Store[]
  /** The store's clock, which stands still until it is advanced. */
  readonly now: () => number
  readonly advance: (seconds: number) => Promise<void> | void
  readonly close: () => Promise<void> | void
}

/** An engine to try. */
export interface Engine {
  readonly name: string
  /** Whether a call of its store is over at once, so that the order of calls is all that there is to be drawn. */
  readonly inProcess: boolean
  /** By how many seconds its clock is moved, and how long its sessions live. */
  readonly advances: readonly number[]
  readonly expiries: readonly number[]
  /** Whether values are sealed. */
  readonly sealed?: boolean
  readonly open: () => Promise<Opened> | Opened
}

// Up to a moment of interest and just past it: idle spans, their ends, the absolute end.
export const ADVANCES = [1, 29, 30, 65, 65, 66, 70, 99, 130, 270]
export const EXPIRIES = [1, 60, 130, 150, 1000]

export const memoryEngine: Engine = {
  name: 'memory',
  inProcess: true,
  advances: ADVANCES,
  expiries: EXPIRIES,
  open() {
    const { now, advance } = createTestClock()
    return { stores: [createMemoryStore(now)], now, advance, close: () => {} }
  },
}

export const cellEngine: Engine = {
  ...memoryEngine,
  name: 'memory, in cells',
  async open() {
    const { now, advance } = createTestClock()
    return { stores: [await createCellStore(now)], now, advance, close: () => {} }
  },
}

export const sealedEngine: Engine = { ...memoryEngine, name: 'memory, sealed', sealed: true }

export const sqliteEngine: Engine = {
  name: 'SQLite',
  inProcess: true,
  advances: ADVANCES,
  expiries: EXPIRIES,
  open() {
    const { now, advance } = createTestClock()
    const sqlite = process.getBuiltinModule('node:sqlite')
    const db = new sqlite.DatabaseSync(':memory:')
    prepareFile(db, 'model', undefined)
    const stores = [createSqliteStore(db, 'model', now)]
    return { stores, now, advance, close: () => db.close() }
  },
}
