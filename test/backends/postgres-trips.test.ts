import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import type { PostgresClient } from '../../src/backends/postgres.ts'
import { connectionOf } from '../../src/backends/postgres/client.ts'
import { createRequestSession, createSessionManager } from '../../src/index.ts'
import { openPool, openPostgresJs, tableName } from './postgres/open.ts'

// Of one connection each: the server numbers the transactions of a connection, and each statement of the backend is
// one, whatever the driver and the library say that they have sent.
const single = [
  { name: 'a Pool of pg', open: () => openPool({ max: 1 }) },
  { name: 'postgres.js', open: () => openPostgresJs({ max: 1 }) },
]

const TRANSACTION = `SELECT split_part(virtualtransaction, '/', 2) FROM pg_locks
  WHERE pid = pg_backend_pid() AND locktype = 'virtualxid'`

async function transactionOf(client: PostgresClient): Promise<number> {
  const [row] = await connectionOf(client, false, 5000).ask({ text: TRANSACTION }, [])
  return Number(row?.[0])
}

describe.each(single)('the statements that reach the server by $name', ({ open }) => {
  const { client } = open()
  const response = { sent: () => false, write: () => {} }

  async function start(period: number) {
    const options = { table: tableName(), sweepEveryMs: 0, period }
    const backend = createPostgresBackend(client, options)
    await backend.migrate()
    return createSessionManager<number>({ backend })
  }

  async function statements(run: () => unknown): Promise<number> {
    const before = await transactionOf(client)
    await run()
    return (await transactionOf(client)) - before - 1
  }

  const cookieOf = ({ key }: { readonly key: string }) => `__Host-session=${key}`

  it('are none for a request that does not touch its session', async () => {
    const sessions = await start(60)
    const cookie = cookieOf(await sessions.generate(1))
    expect(await statements(() => createRequestSession(sessions, cookie, response))).toBe(0)
    expect(await statements(() => sessions.fromHeaders('__Host-session=no-key'))).toBe(0)
  })

  it('are one for a read, and two when a touch is due', async () => {
    const sessions = await start(2)
    const cookie = cookieOf(await sessions.generate(1))
    const load = () => createRequestSession(sessions, cookie, response).load()
    expect(await statements(load)).toBe(1)
    await pause(1100)
    expect(await statements(load)).toBe(2)
    expect(await statements(load)).toBe(1)
  })

  it('are two for a read and an update or a set', async () => {
    const sessions = await start(60)
    const cookie = cookieOf(await sessions.generate(1))
    const read = async () => {
      const found = await sessions.fromHeaders(cookie)
      if (!found.ok) throw new Error('the session is missing')
      return found.session
    }
    expect(await statements(async () => sessions.update(await read(), (count) => count + 1))).toBe(
      2,
    )
    expect(await statements(async () => sessions.set(await read(), { value: 7 }))).toBe(2)
  })

  it('are one for each other step, the login of a visitor without a session too', async () => {
    const sessions = await start(60)
    expect(await statements(() => sessions.generate(1))).toBe(1)
    expect(await statements(() => sessions.generate(1, { subject: 'ann' }))).toBe(1)
    const session = await sessions.generate(1)
    expect(await statements(() => sessions.bind(session, 'ann'))).toBe(1)
    expect(await statements(() => sessions.rotate(session))).toBe(1)
    expect(await statements(() => sessions.list('ann'))).toBe(1)
    expect(await statements(() => sessions.clear(session))).toBe(1)
    expect(await statements(() => sessions.clearSubject('ann'))).toBe(1)
  })
})
