import { describe, it } from 'vitest'
import { createRedisBackend } from '../../../src/backends/redis.ts'
import type { RedisClient } from '../../../src/backends/redis.ts'
import { connectionOf } from '../../../src/backends/redis/connection.ts'
import { createRedisStore } from '../../../src/backends/redis/store.ts'
import { isSessionBackend } from '../../../src/core/session-backend.ts'
import type { Backend } from '../../../src/index.ts'
import { backendContract, storeContract } from '../../../src/testing/index.ts'
import { newPrefix } from './clients.ts'

/** Runs both contracts, each case on a prefix of its own, which it leaves empty. The server's clock cannot be moved. */
export function runContracts(client: () => RedisClient): void {
  describe.concurrent('storeContract', () => {
    const create = () => createRedisStore(connectionOf(client()), newPrefix())
    const destroy = async (store: ReturnType<typeof create>) => {
      await store.deleteAll()
    }
    for (const { name, run } of storeContract({ create, destroy })) it(name, run)
  })

  describe.concurrent('backendContract', () => {
    const create = () => createRedisBackend(client(), { prefix: newPrefix(), period: 60 })
    const destroy = async (backend: Backend) => {
      if (isSessionBackend(backend)) await backend.clearAll()
    }
    for (const { name, run } of backendContract({ create, destroy })) it(name, run)
  })
}
