import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMysqlBackend } from '../../src/backends/mysql.ts'
import { createRequestSession, createSessionManager } from '../../src/index.ts'
import type { ResponseHead } from '../../src/index.ts'
import { startMariadb } from '../servers/mariadb.ts'
import type { MariadbServer } from '../servers/mariadb.ts'
import { DRIVER_NAMES, DRIVERS } from './mysql/open.ts'
import type { TestPool } from './mysql/open.ts'

const HEAD: ResponseHead = { sent: () => false, write: () => {} }

let server: MariadbServer
let observer: TestPool
// Ended after all tests: saying goodbye counts as a question.
const opened: TestPool[] = []

beforeAll(async () => {
  // One of its own, where nobody else asks anything.
  server = await startMariadb()
  observer = DRIVERS.mysql2(server.url, { connectionLimit: 1 })
})

afterAll(async () => {
  for (const { end } of opened) await end()
  await observer?.end()
  await server?.stop()
})

async function counted(): Promise<{ questions: number; executions: number }> {
  const rows = await observer.query(
    "SHOW GLOBAL STATUS WHERE variable_name IN ('Questions', 'Com_stmt_execute')",
  )
  const { Questions, Com_stmt_execute } = Object.fromEntries(rows) as Record<string, string>
  return { questions: Number(Questions), executions: Number(Com_stmt_execute) }
}

// mariadb's pool sends a ROLLBACK of its own after some calls, which nobody waits for: it could be counted at any time.
const SETTINGS = {
  mysql2: { connectionLimit: 1 },
  mariadb: { connectionLimit: 1, noControlAfterUse: true },
} as const

/** How many statements `run` makes the backend send; all of them must be prepared ones. */
async function tripsOf(run: () => Promise<unknown>): Promise<number> {
  const before = await counted()
  await run()
  const after = await counted()
  const executions = after.executions - before.executions
  // The second count is a question too.
  expect(after.questions - before.questions - 1).toBe(executions)
  return executions
}

const cookieOf = (key: string) => `__Host-session=${key}`

describe.each(DRIVER_NAMES)('the trips of createMysqlBackend on %s', (driver) => {
  /** A manager whose only connection is open, and has prepared every statement. */
  async function createWarm(options: { period?: number; maxPerSubject?: number } = {}) {
    const made = DRIVERS[driver](server.url, SETTINGS[driver])
    opened.push(made)
    const backend = createMysqlBackend(made.pool, { sweepEveryMs: 0, ...options })
    await backend.migrate()
    const sessions = createSessionManager<number>({ backend })
    const warm = await sessions.generate(1, { subject: 'warm' })
    await sessions.fromKey(warm.key)
    await sessions.update(warm, (count) => count + 1)
    await sessions.set(warm, { value: 3 })
    await sessions.set(warm, { expiry: 100 })
    await backend.touch(warm.key, { fromMs: 0, toMs: 1, period: 1 })
    await sessions.bind(warm, 'warm')
    await sessions.list('warm')
    await sessions.clearSubject('warm')
    await sessions.clear(warm)
    const { key } = await sessions.generate(1)
    return { sessions, key }
  }

  it('are none for a request that does not touch its session', async () => {
    const { sessions, key } = await createWarm()
    const trips = await tripsOf(async () => createRequestSession(sessions, cookieOf(key), HEAD))
    expect(trips).toBe(0)
  })

  it('is one for a read', async () => {
    const { sessions, key } = await createWarm()
    const request = createRequestSession(sessions, cookieOf(key), HEAD)
    expect(await tripsOf(async () => request.load())).toBe(1)
    expect(await tripsOf(async () => request.load())).toBe(0)
  })

  it('are two for a read with a touch due', async () => {
    const { sessions, key } = await createWarm({ period: 2 })
    // Half of the period has to pass.
    await new Promise((resolve) => setTimeout(resolve, 1050))
    const request = createRequestSession(sessions, cookieOf(key), HEAD)
    expect(await tripsOf(async () => request.load())).toBe(2)
    const found = await sessions.fromKey(key)
    expect(found.ok && found.session.expiryPeriod).toBe(2)
  })

  it('are two for a read and then an update or a set', async () => {
    const { sessions, key } = await createWarm()
    const update = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    const set = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.set(found.session, { value: 7 })
    }
    const last = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.set(found.session, { expiry: 100 })
    }
    for (const write of [update, set, last]) expect(await tripsOf(write)).toBe(2)
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 7, version: 3 } })
  })

  it('is one for the login of a visitor without a session, with a limit too', async () => {
    const { sessions } = await createWarm({ maxPerSubject: 2 })
    expect(await tripsOf(async () => sessions.generate(1, { subject: 'ann' }))).toBe(1)
  })

  it('is one for each of the rest', async () => {
    const { sessions, key } = await createWarm()
    const session = async () => {
      const found = await sessions.fromKey(key)
      if (!found.ok) throw new Error('the session of the test is missing')
      return found.session
    }
    const loaded = await session()
    expect(await tripsOf(async () => sessions.bind(loaded, 'ann'))).toBe(1)
    expect(await tripsOf(async () => sessions.list('ann'))).toBe(1)
    expect(await tripsOf(async () => sessions.clearSubject('ann'))).toBe(1)
    expect(await tripsOf(async () => sessions.clear(loaded))).toBe(1)
  })
})
