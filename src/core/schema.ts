import { isPromise } from './awaitable.ts'
import type { Awaitable } from './backend.ts'
import { InvalidValueError, SchemaFaultError } from './errors.ts'

/**
 * What zod, valibot, arktype and others have in common: version 1 of Standard Schema (standardschema.dev). `Input` is what
 * it takes, `Output` what it makes of that.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    /** What `value` is, or what is wrong with it. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** For the compiler alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string
  /** Where in the value: keys, or objects with a `key`. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Tells whether `schema` is a Standard Schema of version 1. */
export function isSchema(schema: unknown): schema is StandardSchema {
  // A schema of arktype is a function.
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return false
  const { '~standard': standard } = schema as Partial<StandardSchema>
  return standard?.version === 1 && typeof standard.validate === 'function'
}

/**
 * What `schema` makes of `value`; a promise only where the schema gives one.
 *
 * @throws InvalidValueError with `message` and the paths of the issues, when the value does not fit.
 * @throws SchemaFaultError when the schema throws.
 */
export function applySchema<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  message: string,
): Awaitable<Output> {
  const result = callSchema('the schema', () => schema['~standard'].validate(value))
  return isPromise(result)
    ? result.then((settled) => outputOf(settled, message))
    : outputOf(result, message)
}

/**
 * Calls a function that the application has given for its values.
 *
 * @throws SchemaFaultError when it throws; `who` says which it was.
 */
export function callSchema<T>(who: string, run: () => T | PromiseLike<T>): Awaitable<T> {
  const blame = (): never => {
    // Whatever it threw may quote the value: no word of it is kept.
    throw new SchemaFaultError(`${who} threw`)
  }
  try {
    const result = run()
    return isPromise(result) ? result.then(undefined, blame) : result
  } catch {
    return blame()
  }
}

// `Array.from`, since lists of arktype are classes of their own, and so would be what their `map` makes.
function outputOf<Output>(result: SchemaResult<Output>, message: string): Output {
  if (typeof result !== 'object' || result === null) throw unusable()
  const { issues } = result
  if (issues !== undefined) {
    if (!Array.isArray(issues)) throw unusable()
    throw new InvalidValueError(message, {
      paths: Array.from<SchemaIssue, PropertyKey[]>(issues, pathOf),
    })
  }
  if (result.value === undefined) throw new InvalidValueError('the schema makes undefined of it')
  return result.value
}

function unusable(): SchemaFaultError {
  return new SchemaFaultError('the schema gave no usable answer')
}

function pathOf({ path = [] }: SchemaIssue): PropertyKey[] {
  return Array.from(path, (part) => (typeof part === 'object' ? part.key : part))
}
