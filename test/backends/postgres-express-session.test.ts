import { createRequire } from 'node:module'
import theirs from 'express-session'
import { beforeAll, describe } from 'vitest'
import { createPostgresBackend } from '../../src/backends/postgres.ts'
import { rollingSuite } from '../express-session/rolling.ts'
import { count, openPool, query, schema, tableName } from './postgres/open.ts'

const load = createRequire(import.meta.url)
const PgStore = (
  load('connect-pg-simple') as (from: typeof theirs) => new (o: object) => theirs.Store
)(theirs)
const table = tableName()

describe('from express-session and connect-pg-simple to a backend', () => {
  // As in its table.sql.
  beforeAll(async () => {
    await query(
      `CREATE TABLE ${schema}.session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`,
    )
    await createPostgresBackend(openPool().client, { table }).migrate()
  })

  rollingSuite({
    openStore: async () =>
      new PgStore({
        pool: openPool({ max: 2 }).client,
        schemaName: schema,
        tableName: 'session',
        pruneSessionInterval: false,
      }),
    openBackend: async () => createPostgresBackend(openPool({ max: 2 }).client, { table }),
    countOld: () => count(`SELECT count(*) FROM ${schema}.session`),
  })
})
