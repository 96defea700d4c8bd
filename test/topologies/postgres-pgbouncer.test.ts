import { Pool } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { createSessionManager } from '../../src/index.ts'
import type { BackendError } from '../../src/index.ts'
import { describeContract } from '../backends/postgres/contract.ts'
import { startPgBouncer } from '../servers/pgbouncer.ts'
import type { PgBouncer } from '../servers/pgbouncer.ts'
import { startPostgres } from '../servers/postgres.ts'
import type { PostgresServer } from '../servers/postgres.ts'

let server: PostgresServer
let bouncer: PgBouncer

beforeAll(async () => {
  server = await startPostgres()
  // Three connections for ten callers: a statement seldom meets the connection of the one before.
  bouncer = await startPgBouncer(server, { settings: { default_pool_size: '3' } })
})

afterAll(async () => {
  await bouncer?.stop()
  await server?.stop()
})

const drivers = [
  {
    name: 'pg',
    connect: () => {
      const client = new Pool({ connectionString: bouncer.url, max: 10 })
      return { client, end: () => client.end() }
    },
  },
  {
    name: 'postgres.js',
    connect: () => {
      const client = postgres(bouncer.url, { max: 10, prepare: false })
      return { client, end: () => client.end({ timeout: 5 }) }
    },
  },
]

describe.each(drivers)('a backend behind PgBouncer in transaction mode ($name)', ({ connect }) => {
  let connected: ReturnType<typeof connect>
  let tables = 0

  beforeAll(() => {
    connected = connect()
  })
  afterAll(() => connected.end())

  async function create(options: object = {}) {
    const table = `t_${process.pid}_${tables++}`
    const settings = { table, sweepEveryMs: 0, period: 60, prepare: false, ...options }
    const backend = createPostgresBackend(connected.client, settings)
    await backend.migrate()
    return backend
  }

  describeContract(() => create())

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

  it('keeps a bound on a subject’s sessions, whichever connections they came by', async () => {
    const backend = await create({ maxPerSubject: 3 })
    const logins = Array.from({ length: 12 }, () => backend.generate({ subject: 'ann' }))
    const results = await Promise.allSettled(logins)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(await backend.clearSubject('ann')).toBe(3)
    expect(await backend.sweep()).toBe(0)
  })
})

describe('a backend that prepares statements behind a PgBouncer that does not track them', () => {
  it('says what to do', async () => {
    const client = new Pool({ connectionString: bouncer.url, max: 10 })
    const options = { table: `t_${process.pid}_prepared`, sweepEveryMs: 0 }
    const backend = createPostgresBackend(client, options)
    await backend.migrate()
    const attempts = Array.from({ length: 40 }, () => backend.generate({ value: 'a' }))
    const results = await Promise.allSettled(attempts)
    const errors = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as BackendError] : [],
    )
    expect(errors.length).toBeGreaterThan(0)
    for (const { message, cause } of errors) {
      expect(message).toContain('set "prepare" to false')
      expect(cause).toMatchObject({ code: expect.stringMatching(/^(26000|42P05)$/) as string })
    }
    await client.end()
  })
})
