// The store of revocations that the documentation shows, on the real thing.
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { createPostgresRevocations, REVOCATIONS_SCHEMA } from '../../examples/revocations.ts'
import { revocationSuite } from './cookie/revocation-suite.ts'

const pool = new Pool({ connectionString: inject('postgresUrl'), max: 8 })

beforeAll(() => pool.query(REVOCATIONS_SCHEMA))

afterAll(async () => {
  await pool.query('DROP TABLE revocation')
  await pool.end()
})

describe('createPostgresRevocations', () => {
  revocationSuite(() => createPostgresRevocations(pool))
})
