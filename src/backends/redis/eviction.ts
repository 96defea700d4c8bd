import { BackendError } from '../../core/errors.ts'
import { textOf } from './connection.ts'
import type { Connection } from './connection.ts'

/** What to do about a server that may evict sessions. */
export type OnEviction = 'warn' | 'refuse' | 'ignore'

/** The code of the warning. */
export const EVICTION_WARNING = 'SOJOURN_REDIS_EVICTION'

// After an outage it is worth asking again; where INFO is forbidden it is not.
const MOST_FAILURES = 5

/**
 * Puts a look at the servers' eviction policy before what is sent to them. `warn` asks beside the first command and
 * warns once; `refuse` lets no command through until every master has been seen to evict nothing, and asks again
 * until then.
 */
export function guardEviction(connection: Connection, onEviction: OnEviction): Connection {
  if (onEviction === 'ignore') return connection
  let settled = false
  let failures = 0

  function warn(): void {
    settled = true
    evictionOf(connection).then(
      (policy) => {
        if (policy !== undefined) {
          process.emitWarning(`${messageOf(policy)}. Set maxmemory-policy to noeviction`, {
            code: EVICTION_WARNING,
          })
        }
      },
      // INFO may be forbidden, and an outage meets the operation itself.
      () => {
        failures++
        settled = failures >= MOST_FAILURES
      },
    )
  }

  async function refuse(): Promise<void> {
    const policy = await evictionOf(connection)
    if (policy !== undefined) throw new BackendError(messageOf(policy))
    settled = true
  }

  return {
    cluster: connection.cluster,
    command(key, args) {
      if (settled) return connection.command(key, args)
      if (onEviction === 'refuse') return refuse().then(async () => connection.command(key, args))
      warn()
      return connection.command(key, args)
    },
    async masters() {
      if (!settled && onEviction === 'refuse') await refuse()
      return connection.masters()
    },
  }
}

function messageOf(policy: string): string {
  return `Redis may evict live sessions: its maxmemory-policy is ${policy}`
}

/** The policy by which a master may evict sessions, if there is one. */
async function evictionOf(connection: Connection): Promise<string | undefined> {
  const masters = await connection.masters()
  const infos = await Promise.all(masters.map(async (send) => send(['INFO', 'memory'])))
  return infos.map((info) => riskOf(textOf(info))).find((policy) => policy !== undefined)
}

/** `allkeys-*` is a cache's setting even while it has no limit yet; with one, all but noeviction evict. */
function riskOf(info: string): string | undefined {
  const policy = /^maxmemory_policy:([\w-]+)/m.exec(info)?.[1]
  if (policy === undefined || policy === 'noeviction') return undefined
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0)
  return limit > 0 || policy.startsWith('allkeys-') ? policy : undefined
}
