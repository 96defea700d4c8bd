import type { SchemaResult, StandardSchema } from '../../src/index.ts'
import { createManager } from '../manager/fixture.ts'
import type { Fixture, FixtureOptions } from '../manager/fixture.ts'

/** A schema out of one function. */
export function schemaOf<I, V>(
  validate: (value: unknown) => SchemaResult<V> | Promise<SchemaResult<V>>,
): StandardSchema<I, V> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

export interface Counter {
  readonly count: number
}

/** What is wrong with a value that is no counter. */
const WRONG = { issues: [{ message: 'Expected number', path: ['count'] }] } as const

/** Accepts counters, and makes no promises. */
export const COUNTER = schemaOf<Counter, Counter>((value) => {
  const { count } = (value ?? {}) as Partial<Counter>
  return typeof count === 'number' ? { value: { count } } : WRONG
})

/** The same, later. */
export const LATER = schemaOf<Counter, Counter>((value) =>
  Promise.resolve().then(() => COUNTER['~standard'].validate(value)),
)

/** A manager of counters on memory. */
export function createCounters(manager: FixtureOptions<Counter>['manager'] = {}): Fixture<Counter> {
  return createManager<Counter>({ manager: { schema: COUNTER, ...manager } })
}
