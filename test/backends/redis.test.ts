import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import { DRIVERS, newPrefix } from './redis/clients.ts'
import type { Connected } from './redis/clients.ts'
import { runContracts } from './redis/contracts.ts'
import { sealedSuite } from './sealed-suite.ts'
import { valuesSuite } from './values-suite.ts'

const url = inject('redisUrl')

describe.each(DRIVERS)('createRedisBackend on $name', ({ connect }) => {
  let connected: Connected

  beforeAll(async () => {
    connected = await connect(url)
  })

  afterAll(async () => {
    await connected.close()
  })

  const make = (options: { readonly sealed?: boolean } = {}) =>
    createRedisBackend(connected.client, { prefix: newPrefix(), ...options })

  runContracts(() => connected.client)

  valuesSuite(make)

  sealedSuite(() => make({ sealed: true }))

  it('counts every increment of many updates at once', async () => {
    const sessions = createSessionManager<number>({ backend: make() })
    const session = await sessions.generate(0)
    const increment = async () => {
      const found = await sessions.fromKey(session.key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    await Promise.all(Array.from({ length: 64 }, increment))
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: 64 } })
    await sessions.clear(session)
  })

  it('takes spans of any size, and shows whole milliseconds', async () => {
    const backend = make()
    const key = await backend.generate({ value: 'a', expiry: 34_560_000, subject: 'ann' })
    const [summary] = await backend.list('ann')
    const born = summary?.createdAt.getTime() ?? NaN
    // The absolute lifetime of 30 days bounds it.
    expect(summary?.expiresAt.getTime()).toBe(born + 2_592_000_000)
    await backend.generate({ value: 'b', expiry: -34_560_000, subject: 'ann' })
    expect(await backend.list('ann')).toHaveLength(1)
    await backend.clear(key)
  })

  it('reports a closed client as a fault and not as a missing session', async () => {
    const closing = await connect(url)
    const backend = createRedisBackend(closing.client, { prefix: newPrefix(), timeoutMs: 2000 })
    const key = await backend.generate({ value: 'a', expiry: 5 })
    await closing.close()
    const operations = [
      () => backend.get(key),
      () =>
        Promise.any([backend.get(key), backend.get(key)]).catch(({ errors }) =>
          Promise.reject(errors[1]),
        ),
      () => backend.set(key, 'b'),
      () => backend.clear(key),
      () => backend.generate({ value: 'c' }),
      () => backend.rotate(key, 1),
      () => backend.list('ann'),
      () => backend.clearSubject('ann'),
      () => backend.clearAll(),
    ]
    for (const operation of operations) {
      const error = await operation().catch((error: unknown) => error)
      expect(error).toBeInstanceOf(BackendError)
      expect((error as BackendError).message).not.toContain(key)
    }
    backend.close()
  })
})
