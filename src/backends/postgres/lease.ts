import { randomBytes } from 'node:crypto'
import type { Ask } from './client.ts'
import { bindCount, bindMs } from './text.ts'
import type { Statements } from './statements.ts'
import { countOf } from './store.ts'

/** The right to sweep, which one backend at a time has, by the server's clock. */
export interface Lease {
  /** Removes up to `limit` expired records, if this backend has the lease or can get it; 0 otherwise. */
  readonly sweep: (limit: number) => Promise<number>
  /** Lets another backend have it. Nobody waits for this: a lease that stays runs out by itself. */
  readonly giveBack: () => void
}

/** Makes the lease of one backend, good for `leaseMs` after each step. */
export function createLease(sql: Statements, ask: Ask, leaseMs: number): Lease {
  const owner = randomBytes(16).toString('base64url')
  let used = false
  return {
    async sweep(limit) {
      used = true
      return countOf(await ask(sql.sweepUnderLease, [bindCount(limit), owner, bindMs(leaseMs)]))
    },
    giveBack() {
      if (!used) return
      used = false
      ask(sql.giveLeaseBack, [owner]).catch(() => {})
    },
  }
}
