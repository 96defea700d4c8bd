import { describe } from 'vitest'
import { openPglite } from './postgres/open.ts'
import { describeDriver } from './postgres/suite.ts'

// In a file of its own: it is a server within this process, and whatever else runs there waits for it.
describe('createPostgresBackend on PGlite', () => {
  describeDriver(openPglite)
})
