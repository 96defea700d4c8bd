import type { Handle, SecretHash } from '../../../src/core/key.ts'
import type { Store } from '../../../src/core/store.ts'

/** What a fault is made of: a store that is right, the table `t` beneath it, its clock. */
export interface FaultTools {
  readonly right: Store
  readonly sql: (text: string, ...parameters: readonly (string | number | null)[]) => void
  readonly now: () => number
}

/** A way to be wrong: the one case that must fail, and the operations that are done differently. */
export interface Fault {
  readonly fails: string
  readonly make: (tools: FaultTools) => Partial<Store>
}

/** Lets everyone else who is at it go first. */
export async function pause(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

/** Gives the expired records, or the one with this id, another minute. */
export function revive({ sql, now }: FaultTools, recordId: Handle | null = null): void {
  const minute = now() + 60_000
  sql(
    'UPDATE t SET expires_at = ? WHERE expires_at <= ? AND idle_ms > 0 AND id = coalesce(?, id)',
    minute,
    now(),
    recordId,
  )
}

/** The secret that is good now, in place of one that never was. */
export async function forgiven(
  { right }: FaultTools,
  id: Handle,
  hash: SecretHash,
): Promise<SecretHash> {
  const security = (await right.read(id))?.security
  if (security === undefined || hash === security.previousHash) return hash
  return security.secretHash
}
