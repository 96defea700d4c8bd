import { Redis as Valkey } from 'iovalkey'
import { afterAll, beforeAll, describe } from 'vitest'
import { startValkey } from '../servers/redis.ts'
import { runContracts } from './redis/contracts.ts'

const server = await startValkey()

describe.skipIf(server === undefined)('createRedisBackend on Valkey', () => {
  let client: Valkey

  beforeAll(() => {
    client = new Valkey(server?.url ?? '')
  })

  afterAll(async () => {
    client?.disconnect()
    await server?.stop()
  })

  runContracts(() => client)
})
