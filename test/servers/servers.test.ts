import { createConnection } from 'mariadb'
import mysql from 'mysql2/promise'
import { Client } from 'pg'
import { createClient } from 'redis'
import { describe, expect, inject, it } from 'vitest'

describe('global setup', () => {
  it('provides a PostgreSQL', async () => {
    const client = new Client(inject('postgresUrl'))
    await client.connect()
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await client.end()
  })

  it('provides a Redis', async () => {
    const client = createClient({ url: inject('redisUrl') })
    await client.connect()
    expect(await client.ping()).toBe('PONG')
    await client.close()
  })

  it('provides a MariaDB, whose URL both drivers take', async () => {
    const one = await mysql.createConnection(inject('mariadbUrl'))
    expect((await one.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }])
    await one.end()
    const other = await createConnection(inject('mariadbUrl'))
    expect(await other.query('SELECT 1 AS one')).toMatchObject([{ one: 1 }])
    await other.end()
  })
})
