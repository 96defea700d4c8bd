import { beforeAll, describe, inject } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { rollingSuite } from '../express-session/rolling.ts'
import { count, openPool, query, schema } from './postgres/open.ts'

describe('from express-session and connect-pg-simple to a backend', () => {
  // As in its table.sql.
  beforeAll(async () => {
    await query(
      `CREATE TABLE ${schema}.session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`,
    )
    await createPostgresBackend(openPool().client, { table: `${schema}.sojourn` }).migrate()
  })

  rollingSuite({
    stores: ['connect-pg-simple', 'connect-pg-simple'],
    place: () => [inject('postgresUrl'), schema],
    countOld: () => count(`SELECT count(*) FROM ${schema}.session`),
  })
})
