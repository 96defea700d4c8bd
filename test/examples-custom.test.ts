import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { createMapBackend } from '../examples/custom-backend.ts'
import { createSqlStore } from '../examples/custom-store.ts'
import { createBackend, createSessionManager } from '../src/index.ts'
import type { SessionManager } from '../src/index.ts'
import { backendContract, createTestClock } from '../src/testing/index.ts'

// The contracts of the two examples themselves are in examples.test.ts; here is what their users do with them.

const folder = mkdtempSync(join(tmpdir(), 'sojourn-custom-'))
const databases: DatabaseSync[] = []

afterAll(() => {
  for (const database of databases) database.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Opens the file, as a process of its own would. */
function openFile(name: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, name), { timeout: 5000 })
  databases.push(database)
  return database
}

async function load<V>(sessions: SessionManager<V>, key: string) {
  const found = await sessions.fromKey(key)
  if (!found.ok) throw new Error(`not loaded: ${found.reason}`)
  return found.session
}

describe('createMapBackend under a manager', () => {
  it('brings a value back by the cookie it was sent with', async () => {
    const sessions = createSessionManager<string[]>({ backend: createMapBackend() })
    const session = await sessions.generate(['tea'])
    const [cookie] = sessions.toCookieHeaders(session)[0]?.[1].split(';') ?? []
    const found = await sessions.fromHeaders(cookie)
    expect(found).toMatchObject({ ok: true, session: { value: ['tea'], expiryPeriod: 3600 } })
  })

  it('loses none of fifty updates at once', async () => {
    const sessions = createSessionManager<number>({ backend: createMapBackend() })
    const { key } = await sessions.generate(0)
    const loaded = await Promise.all(Array.from({ length: 50 }, async () => load(sessions, key)))
    await Promise.all(loaded.map(async (session) => sessions.update(session, (n) => n + 1)))
    expect((await load(sessions, key)).value).toBe(50)
  })

  it('refuses a write that another request has overtaken', async () => {
    const sessions = createSessionManager<string>({ backend: createMapBackend() })
    const { key } = await sessions.generate('first')
    const [one, other] = [await load(sessions, key), await load(sessions, key)]
    await sessions.set(one, { value: 'second' })
    await expect(sessions.set(other, { value: 'late' })).rejects.toMatchObject({
      code: 'ERR_SESSION_CONFLICT',
    })
    expect((await load(sessions, key)).value).toBe('second')
  })

  it('ends a session at its hour, and a cleared one at once', async () => {
    const clock = createTestClock()
    const sessions = createSessionManager<number>({ backend: createMapBackend(clock.now) })
    const [short, cleared] = [await sessions.generate(1), await sessions.generate(2)]
    await sessions.clear(cleared)
    const gone = { ok: false, reason: 'not_found' }
    expect(await sessions.fromKey(cleared.key)).toEqual(gone)
    clock.advance(3599.999)
    expect(await load(sessions, short.key)).toMatchObject({ value: 1, expiryPeriod: 1 })
    clock.advance(0.001)
    expect(await sessions.fromKey(short.key)).toEqual(gone)
    await expect(sessions.set(short, { value: 3 })).rejects.toMatchObject({
      code: 'ERR_SESSION_GONE',
    })
  })

  it('reads its clock once, so that no live session has 0 seconds left', async () => {
    let nowMs = 0
    const backend = createMapBackend(() => nowMs++)
    const key = await backend.generate({ value: 'a', expiry: 1 })
    nowMs = 999
    expect(await backend.get(key)).toMatchObject({ ok: true, period: 1 })
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_found' })
  })

  it('says that it knows no subjects', async () => {
    const sessions = createSessionManager<number>({ backend: createMapBackend() })
    const session = await sessions.generate(1)
    await expect(sessions.bind(session, 'ann')).rejects.toMatchObject({
      code: 'ERR_SESSION_UNSUPPORTED_OPERATION',
    })
  })
})

describe('createBackend on createSqlStore', () => {
  const clock = createTestClock()
  const create = () => createBackend(createSqlStore(new DatabaseSync(':memory:'), clock.now))
  it.each(backendContract({ create, advance: clock.advance }))(
    'keeps the contract of a backend: $name',
    async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    },
  )

  it('kills the old key at a login, and no clock set back revives it', async () => {
    let nowMs = Date.UTC(2026, 0, 1)
    const store = createSqlStore(new DatabaseSync(':memory:'), () => nowMs)
    const sessions = createSessionManager<string>({ backend: createBackend(store) })
    const session = await sessions.generate('guest')
    const planted = await load(sessions, session.key)
    await sessions.bind(session, 'ann')
    nowMs -= 60_000
    expect(await sessions.fromKey(planted.key)).toEqual({ ok: false, reason: 'not_found' })
    await expect(sessions.set(planted, { value: 'stolen' })).rejects.toMatchObject({
      code: 'ERR_SESSION_GONE',
    })
    expect(await load(sessions, session.key)).toMatchObject({ value: 'guest', subject: 'ann' })
  })

  it('shares a file between two connections: updates add up, and a logout holds for both', async () => {
    const managers = [1, 2].map(() =>
      createSessionManager<number>({ backend: createBackend(createSqlStore(openFile('two.db'))) }),
    )
    const [one, other] = managers as [SessionManager<number>, SessionManager<number>]
    const { key } = await one.generate(0)
    const turns = Array.from({ length: 20 }, async (_, turn) => {
      const sessions = turn % 2 === 0 ? one : other
      await sessions.update(await load(sessions, key), (n) => n + 1)
    })
    await Promise.all(turns)
    const late = await load(other, key)
    expect(late.value).toBe(20)
    await one.clear(await load(one, key))
    await expect(other.set(late, { value: 0 })).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
    expect(await other.fromKey(key)).toEqual({ ok: false, reason: 'not_found' })
  })
})
