import { describe } from 'vitest'
import { drivers } from './postgres/open.ts'
import { describeDriver } from './postgres/suite.ts'

describe.each(drivers)('createPostgresBackend on $name', ({ open }) => {
  describeDriver(open)
})
