import { MemoryStore } from 'express-session'
import { Keyv } from 'keyv'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { createStorage } from 'unstorage'
import { afterAll, describe, expect, it } from 'vitest'
import { createExpressStoreBackend } from '../../src/backends/express-store.ts'
import { createKeyvBackend } from '../../src/backends/keyv.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createMysqlBackend } from '../../src/backends/mysql.ts'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { createUnstorageBackend } from '../../src/backends/unstorage.ts'

// None of them connects before it is used.
const pool = new Pool()
const mysql = createPool('mysql://nobody@127.0.0.1:1/none')
const redis = createClient()
afterAll(() => Promise.all([pool.end(), mysql.end()]))

const makers: readonly (readonly [string, (options: never) => { close(): void }])[] = [
  ['createMemoryBackend', (options) => createMemoryBackend(options)],
  ['createSqliteBackend', (options) => createSqliteBackend(':memory:', options)],
  ['createPostgresBackend', (options) => createPostgresBackend(pool, options)],
  ['createMysqlBackend', (options) => createMysqlBackend(mysql, options)],
  ['createRedisBackend', (options) => createRedisBackend(redis, options)],
  ['createUnstorageBackend', (options) => createUnstorageBackend(createStorage(), options)],
  ['createKeyvBackend', (options) => createKeyvBackend(new Keyv(), options)],
  ['createExpressStoreBackend', (options) => createExpressStoreBackend(new MemoryStore(), options)],
]

describe.each(makers)('%s', (name, make) => {
  it('refuses an option that it does not have, by its name', () => {
    const error = new TypeError(`${name} has no option "perod"`)
    expect(() => make({ period: 60, perod: 60 } as never)).toThrow(error)
  })

  it.each([null, 'period=60', 60])('refuses %j for its options', (options) => {
    expect(() => make(options as never)).toThrow(
      new TypeError(`the options of ${name} must be an object`),
    )
  })

  it('takes every option of a lifecycle, and none', () => {
    const policy = { period: 60, absolute: 600, maxPerSubject: 3, atLimit: 'refuse' }
    make({ ...policy, sealed: true, timeoutMs: 100 } as never).close()
    make({} as never).close()
    make(undefined as never).close()
  })
})

describe.each(makers.filter(([name]) => !/Redis|Express/.test(name)))('%s', (_name, make) => {
  it('refuses a signal that is none', () => {
    expect(() => make({ signal: 1 } as never)).toThrow(
      new TypeError('"signal" must be an AbortSignal'),
    )
  })
})
