import { afterAll, describe, expect, it } from 'vitest'
import { storeContract } from '../../src/testing/index.ts'
import { created } from '../../src/testing/store-contract/draft.ts'
import { startMysql } from '../servers/mariadb.ts'
import { DRIVER_NAMES, DRIVERS, drop, openStore } from './mysql/open.ts'

// Where there is no MySQL, this says so, and everything here is skipped.
const server = await startMysql()

afterAll(() => server?.stop())

describe.skipIf(server === undefined).each(DRIVER_NAMES)('a store on MySQL by %s', (driver) => {
  const table = `sojourn_${process.pid}_${driver}`
  const pool = server && DRIVERS[driver](server.url, {})

  afterAll(async () => {
    if (pool === undefined) return
    await drop(pool, table)
    await pool.end()
  })

  const create = async () => {
    const store = await openStore(pool!, table)
    await store.deleteAll()
    return store
  }
  for (const { name, run } of storeContract({ create })) it(name, run)

  it('makes updates at a version by a plain statement', async () => {
    const store = await create()
    const { recordId, secretHash } = await created(store)
    // Without the procedure, only that is left.
    await pool!.query(`DROP PROCEDURE ${table}_v2_update`)
    await store.read(recordId)
    const done = await store.update(recordId, secretHash, { value: 'b' }, 1)
    expect(done).toMatchObject({ ok: true, version: 2 })
    const conflict = await store.update(recordId, secretHash, { value: 'c' }, 1)
    expect(conflict).toEqual({ ok: false, reason: 'conflict' })
  })
})
