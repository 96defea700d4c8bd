import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import type { SessionManager } from '../../src/index.ts'
import { startPostgres, startReplica } from '../servers/postgres.ts'
import type { PostgresReplica, PostgresServer } from '../servers/postgres.ts'
import { until } from '../servers/until.ts'

let primary: PostgresServer
let replica: PostgresReplica
let sql: postgres.Sql
let sessions: SessionManager<number>

beforeAll(async () => {
  primary = await startPostgres()
  replica = await startReplica(primary)
  // Whichever of the two takes writes.
  const hosts = `127.0.0.1:${primary.port},127.0.0.1:${replica.port}`
  sql = postgres(`postgres://sojourn:any@${hosts}/postgres?target_session_attrs=primary`, {
    max: 4,
    connect_timeout: 1,
    fetch_types: false,
    onnotice: () => {},
  })
  const backend = createPostgresBackend(sql, { sweepEveryMs: 0, timeoutMs: 2000 })
  await backend.migrate()
  sessions = createSessionManager<number>({ backend })
  // From here on a write is acknowledged when the replica has it on its disk.
  await sql.unsafe(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
  await sql.unsafe('SELECT pg_reload_conf()')
  const standby = "SELECT count(*)::int AS n FROM pg_stat_replication WHERE sync_state = 'sync'"
  await until('the replica is synchronous', async () => (await sql.unsafe(standby))[0]?.['n'] === 1)
})

afterAll(async () => {
  await sql?.end({ timeout: 1 })
  await replica?.stop()
  await primary?.stop()
})

describe('createPostgresBackend on a primary with a synchronous replica', () => {
  it('loses no login, no logout and no value when the primary is killed and the replica takes over', async () => {
    const kept = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => sessions.generate(n, { subject: 'ann' })),
    )
    const ended = kept.splice(25)
    await Promise.all([
      ...kept.map(async (session) => sessions.update(session, (n) => n + 1000)),
      ...ended.map(async (session) => sessions.clear(session)),
    ])
    await primary.kill('SIGKILL')
    const outage = await sessions.fromKey(kept[0]!.key).catch((error: unknown) => error)
    expect(outage).toBeInstanceOf(BackendError)
    await replica.promote()
    await expect
      .poll(async () => sessions.fromKey(kept[0]!.key).catch(String), { timeout: 30_000 })
      .toMatchObject({ ok: true })
    for (const [n, session] of kept.entries()) {
      expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: n + 1000 } })
    }
    for (const { key } of ended) {
      expect(await sessions.fromKey(key)).toEqual({ ok: false, reason: 'not_found' })
    }
    expect(await sessions.list('ann')).toHaveLength(25)
    await sessions.update(kept[0]!, (n) => n + 1)
    expect(await sessions.fromKey(kept[0]!.key)).toMatchObject({ session: { value: 1001 } })
  })

  it('says that a write is not possible where only a replica is left', async () => {
    const reader = await startReplica(replica)
    try {
      const only = postgres(reader.url, { max: 1, connect_timeout: 1 })
      const readOnly = createSessionManager<number>({
        backend: createPostgresBackend(only, { sweepEveryMs: 0 }),
      })
      await expect(readOnly.generate(1)).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
      await only.end({ timeout: 1 })
    } finally {
      await reader.stop()
    }
  })
})
