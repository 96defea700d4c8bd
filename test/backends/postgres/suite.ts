import { describe, expect, it } from 'vitest'
import { createPostgresBackend } from '../../../src/backends/postgres.ts'
import { createSessionManager } from '../../../src/index.ts'
import { storeContract } from '../../../src/testing/index.ts'
import { sealedSuite } from '../sealed-suite.ts'
import { valuesSuite } from '../values-suite.ts'
import { describeContract } from './contract.ts'
import { openStore, tableName } from './open.ts'
import type { Opened } from './open.ts'

// A busy machine is no fault of the store's.
const quiet = { sweepEveryMs: 0, timeoutMs: 30_000 }

/** What holds on every driver. */
export function describeDriver(open: () => Opened | Promise<Opened>): void {
  const opened = Promise.resolve(open())

  async function create(options: object = {}) {
    const { client } = await opened
    const backend = createPostgresBackend(client, { ...quiet, table: tableName(), ...options })
    await backend.migrate()
    return backend
  }

  // As in the other contract.
  describe.concurrent('storeContract', () => {
    const createStore = async () => (await openStore((await opened).client)).store
    for (const { name, run } of storeContract({ create: createStore })) it(name, run)
  })

  describeContract(() => create({ period: 60 }))

  valuesSuite(create)

  sealedSuite(() => create({ sealed: true }))

  it('counts every increment of many updates at once', async () => {
    const sessions = createSessionManager<number>({ backend: await create() })
    const { key } = await sessions.generate(0)
    const increment = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    await Promise.all(Array.from({ length: 64 }, increment))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64 } })
  })

  it('does without prepared statements', async () => {
    const backend = await create({ prepare: false, maxPerSubject: 1 })
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    expect(await backend.set(key, 'b', { version: 1 })).toMatchObject({ ok: true, version: 2 })
    expect(await backend.rotate(key, 1, { authenticated: true })).toMatchObject({ ok: true })
    expect(await backend.clearSubject('ann')).toBe(1)
  })

  it('leaves the client open, however often it is closed', async () => {
    const backend = await create({ sweepEveryMs: 1000 })
    backend.close()
    backend.close()
    expect(await backend.clearAll()).toBe(0)
  })
}
