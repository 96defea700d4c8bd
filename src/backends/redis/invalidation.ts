import type { Handle } from '../../core/key.ts'
import { textOf } from './connection.ts'
import type { RedisClient } from './connection.ts'
import type { Keyspace } from './keyspace.ts'

interface Invalidating {
  on(event: 'invalidate', listener: (key: unknown) => void): unknown
  off?(event: 'invalidate', listener: (key: unknown) => void): unknown
}

/**
 * Calls `forget` for each record that the server says has changed, and without one when all have. Only node-redis'
 * `createClient` tells, where it was made with `RESP: 3` and `emitInvalidate: true`: the server then keeps track of what
 * was read over its connection. On any other client nothing happens. What is returned ends it.
 */
export function onInvalidated(
  client: RedisClient,
  keys: Keyspace,
  forget: (recordId?: Handle) => void,
): () => void {
  if (!('on' in client) || !('sendCommand' in client)) return () => {}
  const telling = client as unknown as Invalidating
  const hear = (key: unknown): void => {
    if (key === null) return forget()
    const recordId = keys.recordIdOf(textOf(key))
    if (recordId !== undefined) forget(recordId)
  }
  telling.on('invalidate', hear)
  return () => void telling.off?.('invalidate', hear)
}
