import { describe, expect, it } from 'vitest'
import type { Pool as MariadbPool } from 'mariadb'
import type { Pool as Mysql2Pool } from 'mysql2/promise'
import { createMysqlBackend } from '../../src/backends/mysql.ts'
import { BackendError } from '../../src/index.ts'
import { DRIVER_NAMES, open, openBackend, tableName } from './mysql/open.ts'
import type { DriverName, Settings } from './mysql/open.ts'

const TEXT = `ánn '"\`\\ 🧭 \0 \\'`

/** Settings of a pool, of either driver or of one. */
const SETTINGS: Readonly<Record<string, Partial<Record<DriverName, Settings>>>> = {
  'the character set latin1': { mysql2: { charset: 'latin1' }, mariadb: { charset: 'latin1' } },
  'the character set gbk': { mysql2: { charset: 'gbk' }, mariadb: { charset: 'gbk' } },
  'numbers as bigints or texts': {
    mysql2: { supportBigNumbers: true, bigNumberStrings: true, decimalNumbers: true },
    mariadb: { supportBigNumbers: true, bigNumberStrings: true, insertIdAsNumber: true },
  },
  'a cast of its own': {
    mysql2: { typeCast: () => 'cast' },
    mariadb: { typeCast: () => 'cast' },
  },
  'rows as arrays': { mysql2: { rowsAsArray: true }, mariadb: { rowsAsArray: true } },
  'rows as nested tables': { mysql2: { nestTables: true }, mariadb: { nestTables: true } },
  'named placeholders': {
    mysql2: { namedPlaceholders: true },
    mariadb: { namedPlaceholders: true },
  },
  'dates as texts': { mysql2: { dateStrings: true }, mariadb: { dateStrings: true } },
  'affected rows that are changed ones': {
    mysql2: { flags: ['-FOUND_ROWS'] },
    mariadb: { foundRows: false },
  },
  'metadata beside the rows': { mariadb: { metaAsArray: true } },
  'no cache of statements': {
    mariadb: { prepareCacheLength: 0 },
    mysql2: { maxPreparedStatements: 1 },
  },
  'parsers without eval': { mysql2: { disableEval: true } },
  compression: { mariadb: { compress: true } },
}

/** What a connection sets for its session. */
const SESSIONS: Readonly<Record<string, string>> = {
  'a time zone ahead by a part of an hour': "time_zone = '+12:45'",
  'a time zone behind': "time_zone = '-11:17'",
  'ANSI quotes': "sql_mode = 'ANSI_QUOTES'",
  'no backslash escapes': "sql_mode = 'NO_BACKSLASH_ESCAPES'",
  'no strict mode': "sql_mode = ''",
  'ANSI, with a NOT that binds first':
    "sql_mode = 'ANSI,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION'",
  'assignments at one time': "sql_mode = 'SIMULTANEOUS_ASSIGNMENT'",
  'read committed': "tx_isolation = 'READ-COMMITTED'",
  serializable: "tx_isolation = 'SERIALIZABLE'",
  'snapshots that notice changes': 'innodb_snapshot_isolation = 1',
  'no changes without a key, and one row': 'sql_safe_updates = 1, sql_select_limit = 1',
}

/** Does everything once, and expects what it is told. */
async function useAll(pool: Mysql2Pool | MariadbPool, table: string): Promise<void> {
  const backend = createMysqlBackend(pool, { table, sweepEveryMs: 0, period: 60 })
  await backend.migrate()
  const key = await backend.generate({ value: TEXT, subject: TEXT, labels: { text: TEXT } })
  expect(await backend.get(key)).toMatchObject({ value: TEXT, period: 60, version: 1 })
  expect(await backend.set(key, `${TEXT}2`, { version: 1 })).toEqual({
    ok: true,
    version: 2,
    period: 60,
  })
  expect(await backend.set(key, TEXT, { version: 1 })).toEqual({ ok: false, reason: 'conflict' })
  expect(await backend.set(key, TEXT)).toEqual({ ok: true, version: 3, period: 60 })
  const others = [await backend.generate(), await backend.generate()]
  const written = await Promise.all(others.map((other) => backend.set(other, TEXT)))
  expect(written).toEqual(others.map(() => ({ ok: true, version: 2, period: 60 })))
  for (const other of others) expect(await backend.get(other)).toMatchObject({ value: TEXT })
  const found = await backend.get(key)
  expect(found).toMatchObject({ value: TEXT, version: 3, facts: { subject: TEXT } })
  const { createdAtMs } = (found as { facts: { createdAtMs: number } }).facts
  expect(Math.abs(createdAtMs - Date.now())).toBeLessThan(60_000)
  const due = { fromMs: createdAtMs, toMs: createdAtMs, period: 1 }
  expect(await backend.touch(key, due)).toBe(false)
  expect(await backend.list(TEXT)).toMatchObject([{ labels: { text: TEXT } }])
  await backend.generate({ subject: TEXT })
  expect(await backend.list(TEXT)).toHaveLength(2)
  const rotated = await backend.rotate(key, 1, { subject: 'bob', authenticated: true })
  expect(rotated).toMatchObject({ ok: true, securityVersion: 2, period: 60 })
  expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_found' })
  expect(await backend.sweep()).toBe(0)
  expect(await backend.clearSubject('bob')).toBe(1)
  expect(await backend.clearAll()).toBe(3)
}

describe.each(DRIVER_NAMES)('createMysqlBackend on %s', (driver) => {
  const cases = Object.entries(SETTINGS).flatMap(([name, { [driver]: settings }]) =>
    settings === undefined ? [] : ([[name, settings]] as const),
  )

  it.each(cases)('works on a pool that is set to %s', async (_, settings) => {
    const { pool, end } = open(driver, settings)
    await useAll(pool, tableName())
    await end()
  })

  it.each(Object.entries(SESSIONS))('works on connections that set %s', async (_, assignment) => {
    const setting = `SET SESSION ${assignment}`
    const { pool, end } = open(driver, driver === 'mariadb' ? { initSql: setting } : {})
    if (driver === 'mysql2') {
      ;(pool as Mysql2Pool).on('connection', (connection) => {
        void connection.query(setting)
      })
    }
    await useAll(pool, tableName())
    await end()
  })

  it.each([
    ['no autocommit', 'autocommit = 0'],
    ['a COMMIT that begins another transaction', "completion_type = 'CHAIN'"],
  ])('refuses to read over connections with %s, which go on showing the past', async (_, set) => {
    const plain = open(driver)
    const { table } = await openBackend(plain)
    const key = await createMysqlBackend(plain.pool, { table, sweepEveryMs: 0 }).generate({
      subject: 'ann',
    })
    const setting = `SET SESSION ${set}`
    const without = open(driver, {
      connectionLimit: 1,
      ...(driver === 'mariadb' && { initSql: setting }),
    })
    if (driver === 'mysql2') {
      ;(without.pool as Mysql2Pool).on('connection', (connection) => {
        void connection.query(setting)
      })
    }
    const backend = createMysqlBackend(without.pool, { table, sweepEveryMs: 0 })
    // What is acknowledged is committed all the same.
    expect(await backend.set(key, 'b', { version: 1 })).toMatchObject({ ok: true })
    const kept = await createMysqlBackend(plain.pool, { table, sweepEveryMs: 0 }).get(key)
    expect(kept).toMatchObject({ value: 'b', version: 2 })
    for (const read of [() => backend.get(key), () => backend.list('ann')]) {
      const error = await read().catch((error: unknown) => error)
      expect(error).toBeInstanceOf(BackendError)
      expect((error as { cause: Error }).cause.message).toBe(
        'the connections of the pool must have autocommit on, and completion_type NO_CHAIN',
      )
    }
    await expect(backend.migrate()).rejects.toThrow(
      new BackendError(
        'the connections of the pool must have autocommit on, and completion_type NO_CHAIN',
      ),
    )
    await without.end()
  })
})
