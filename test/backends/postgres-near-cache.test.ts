import { describe, expect, it } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { createRequestSession, createSessionManager } from '../../src/index.ts'
import { nearCacheSuite } from './near-cache-suite.ts'
import { openPool, openPostgresJs, tableName } from './postgres/open.ts'

const quiet = { sweepEveryMs: 0, timeoutMs: 30_000 }
const LONG = { maxStaleness: 60 }
const TRANSACTION = {
  text: `SELECT split_part(virtualtransaction, '/', 2) FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'virtualxid'`,
  rowMode: 'array',
} as const
const response = { sent: () => false, write: () => {} }

describe('a near cache before PostgreSQL', () => {
  const { client: pool } = openPool({ max: 4 })
  const { client } = openPool({ max: 1 })
  const { client: sql } = openPostgresJs({ max: 4 })

  nearCacheSuite(async (nearCache) => {
    const table = tableName()
    const here = createPostgresBackend(pool, { ...quiet, table, nearCache })
    await here.migrate()
    return [here, createPostgresBackend(sql, { ...quiet, table, nearCache })]
  })

  it('sends one statement for many requests of a session, and one more after a write', async () => {
    // Of one connection: the server numbers its transactions, and each statement is one.
    const table = tableName()
    const backend = createPostgresBackend(client, { ...quiet, table, nearCache: LONG })
    await backend.migrate()
    const sessions = createSessionManager<number>({ backend })
    const { key } = await sessions.generate(0)
    const request = () => createRequestSession(sessions, `__Host-session=${key}`, response)
    const load = () => Promise.all(Array.from({ length: 50 }, () => request().load()))
    async function statements(run: () => unknown): Promise<number> {
      const number = async () => Number((await client.query<[string]>(TRANSACTION)).rows[0]?.[0])
      const before = await number()
      await run()
      return (await number()) - before - 1
    }
    expect(await statements(load)).toBe(1)
    expect(await statements(load)).toBe(0)
    expect(await statements(() => request().update((value = 0) => value + 1))).toBe(1)
    expect(await statements(load)).toBe(1)
  })

  it('is part of the policy, in which it says how old an answer may be', () => {
    const describe = (options: object) =>
      createPostgresBackend(pool, { ...quiet, ...options }).describePolicy()
    expect(describe({ nearCache: LONG })).toEqual({ ...describe({}), maxStaleness: 60 })
  })

  it('refuses options that are not as described', () => {
    const make = (nearCache: unknown) => () => createPostgresBackend(pool, { nearCache } as never)
    expect(make({})).toThrow(/"maxStaleness"/)
    expect(make({ maxStaleness: 1, ttl: 1 })).toThrow(/no option "ttl"/)
    expect(make(null)).toThrow(TypeError)
  })
})
