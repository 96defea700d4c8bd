import { BackendError } from '../../core/errors.ts'
import { createGather } from '../../core/gather.ts'
import type { TimeLimit } from '../../core/time-limit.ts'
import type { Connection } from './connection.ts'

/** Gets the string under a key; null when there is none. */
export type Get = (key: string) => Promise<unknown>

// The commands of a connection are answered one after the other: more of them than keep the server busy only have it
// look at fewer keys in each.
const FLIGHTS = 4
// Its price has been shared by then, and no other client waits long for it.
const MOST = 32

/**
 * Makes a `Get` that gathers: one GET, or an MGET for several keys. In a cluster, keys are in different slots, and each
 * has its own GET.
 *
 * MGET answers null for a key of another type, where GET is an error. It reads as absent then: nobody but who writes
 * to Redis under this backend's prefix can bring it about, and to tell it from a miss would cost each miss a trip.
 */
export function createGet(connection: Connection, within: TimeLimit): Get {
  if (connection.cluster) return (key) => connection.command(key, ['GET', key])
  return createGather(
    async (keys) => {
      const [first] = keys
      if (keys.length === 1) return [await connection.command(first, ['GET', first as string])]
      const replies = await connection.command(first, ['MGET', ...keys])
      if (!Array.isArray(replies)) throw new BackendError('Redis gave no answer to each key')
      return replies as readonly unknown[]
    },
    { flights: FLIGHTS, most: MOST, within },
  )
}
