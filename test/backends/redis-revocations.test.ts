// The store of revocations that the documentation shows, on the real thing.
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createRedisRevocations } from '../../examples/revocations.ts'
import { revocationSuite } from './cookie/revocation-suite.ts'

const prefix = `revocation-${process.pid}:`
const client = createClient({ url: inject('redisUrl') })
client.on('error', () => {})

beforeAll(async () => {
  await client.connect()
})

afterAll(async () => {
  for await (const keys of client.scanIterator({ MATCH: `${prefix}*` })) {
    if (keys.length > 0) await client.unlink(keys)
  }
  client.destroy()
})

describe('createRedisRevocations', () => {
  revocationSuite(() => createRedisRevocations(client, prefix))

  it('lets Redis forget a moment when nobody needs it any more', async () => {
    await createRedisRevocations(client, prefix).setNotBefore('kept', 1, 5000)
    const ttl = await client.pTTL(`${prefix}kept`)
    expect(ttl).toBeGreaterThan(3000)
    expect(ttl).toBeLessThanOrEqual(5000)
  })
})
