import { describe, expect, it } from 'vitest'
import { createMysqlBackend, mysqlSchema } from '../../src/backends/mysql.ts'
import { BackendError } from '../../src/index.ts'
import type { NewRecord } from '../../src/index.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { DRIVER_NAMES, DRIVERS, open, openBackend, openStore, tableName } from './mysql/open.ts'

const pool = open('mysql2')

async function faultOf(promise: Promise<unknown>): Promise<BackendError> {
  const error = await promise.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(BackendError)
  return error as BackendError
}

describe.each(DRIVER_NAMES)('migrate on %s', (driver) => {
  const own = open(driver)

  it('may be called again, and keeps what is there', async () => {
    const backend = await openBackend(own)
    const key = await backend.generate({ value: 'a' })
    await backend.migrate()
    expect(await backend.get(key)).toMatchObject({ value: 'a' })
  })

  it('takes the tables of the release before over, beside which that goes on', async () => {
    const table = tableName()
    const before = mysqlSchema(table).filter((sql) => !sql.includes('_update_many'))
    for (const sql of before) await pool.query(sql.replaceAll('_v2_', '_v1_'))
    const rows = await pool.query(`SELECT version FROM ${table}_locks WHERE slot = 0`)
    const [one, two] = [draft(), draft()]
    for (const { recordId, secretHash } of [one, two]) {
      const values = [recordId, secretHash, 'a', 60_000, 60_000]
      await pool.query(
        `CALL ${table}_v1_create(?, ?, ?, ?, ?, NULL, NULL, 0, NULL, NULL, NULL, 0)`,
        values,
      )
    }
    const store = await openStore(own, table)
    const update = async ({ recordId, secretHash }: NewRecord) =>
      store.update(recordId, secretHash, { value: 'b' })
    expect(await Promise.all([one, two].map(update))).toMatchObject([
      { version: 2 },
      { version: 2 },
    ])
    await pool.query(`CALL ${table}_v1_update(?, ?, 1, 'c', NULL, 2)`, [
      one.recordId,
      one.secretHash,
    ])
    expect(await store.read(one.recordId)).toMatchObject({ value: 'c', version: 3 })
    // What that release looks at when it starts again.
    expect(await pool.query(`SELECT version FROM ${table}_locks WHERE slot = 0`)).toEqual(rows)
  })

  it('refuses a table that a newer version has made, and changes nothing', async () => {
    const backend = await openBackend(own)
    await pool.query(`UPDATE ${backend.table}_locks SET version = 2`)
    const fault = await faultOf(backend.migrate())
    expect(fault.message).toBe('the MySQL table was made by a newer version of this library')
  })

  it.each(['', '_locks'])('refuses a table “%s” of the application’s', async (suffix) => {
    const table = tableName()
    await pool.query(`CREATE TABLE ${table}${suffix} (id INT PRIMARY KEY, name TEXT)`)
    const backend = createMysqlBackend(own.pool, { table, sweepEveryMs: 0 })
    const fault = await faultOf(backend.migrate())
    expect(fault.message).toBe('a table of this name is there, and is none of this library')
    const procedures = await pool.query(
      'SELECT routine_name FROM information_schema.routines WHERE routine_name LIKE ?',
      [`${table}%`],
    )
    expect(procedures).toEqual([])
  })

  it('is what an operation without it asks for', async () => {
    const backend = createMysqlBackend(own.pool, { table: tableName(), sweepEveryMs: 0 })
    const wellFormed = `${'a'.repeat(22)}.${'a'.repeat(43)}`
    for (const operation of [
      () => backend.generate(),
      () => backend.get(wellFormed),
      () => backend.set(wellFormed, 'a', { version: 1 }),
      () => backend.list('ann'),
      () => backend.sweep(),
    ]) {
      const { message, cause } = await faultOf(operation())
      expect(message).toBe('the tables of the MySQL backend are missing: run its migrate()')
      expect(cause).toBeInstanceOf(Error)
    }
  })
})

describe('migrate on a server that is set to sysdate-is-now', () => {
  it('refuses it: a write that waited would be judged by the time before', async () => {
    const server = await startMariadb({ settings: { 'sysdate-is-now': '1' } })
    const stopped = DRIVERS.mysql2(server.url, {})
    try {
      const backend = createMysqlBackend(stopped.pool, { sweepEveryMs: 0 })
      const fault = await faultOf(backend.migrate())
      expect(fault.message).toBe('the MySQL server must not be set to sysdate-is-now')
    } finally {
      await stopped.end()
      await server.stop()
    }
  })
})

describe('mysqlSchema', () => {
  it('is all that migrate does, for those who run it by hand, and may be run again', async () => {
    const table = tableName()
    for (let run = 0; run < 2; run++) {
      for (const statement of mysqlSchema(table)) await pool.query(statement)
    }
    const backend = createMysqlBackend(pool.pool, { table, sweepEveryMs: 0 })
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    expect(await backend.set(key, 'b')).toMatchObject({ version: 2 })
    expect(await backend.rotate(key, 1)).toMatchObject({ ok: true })
    expect(await backend.clearSubject('ann')).toBe(1)
    expect(await backend.sweep()).toBe(0)
    expect(await backend.clearAll()).toBe(0)
    await backend.migrate()
  })

  it('makes the table of createMysqlBackend by default', () => {
    expect(mysqlSchema()[0]).toContain('CREATE TABLE IF NOT EXISTS `sojourn_sessions` (')
  })

  it('refuses what is no plain name', () => {
    expect(() => mysqlSchema('a`b')).toThrow(TypeError)
  })
})
