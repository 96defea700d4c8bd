import { isPromise } from '../core/awaitable.ts'
import { decodeValue, encodeText, encodeValue, jsonCodec } from '../core/codec.ts'
import type { Codec } from '../core/codec.ts'
import { InvalidValueError } from '../core/errors.ts'
import { freezeDeeply } from '../core/freeze.ts'
import { assertBoolean, assertFunction } from '../core/options.ts'
import { applySchema, callSchema, isSchema } from '../core/schema.ts'
import type { StandardSchema } from '../core/schema.ts'
import type { Migrate, SessionManagerOptions } from './options.ts'

/** How the values of one manager become text and come back. */
export interface ValueForm<V> {
  readonly codec: Codec<V, unknown>
  readonly schema: StandardSchema<unknown, V> | undefined
  readonly migrate: Migrate | undefined
  /** Whether what is handed out is frozen. */
  readonly freeze: boolean
}

/**
 * Checks the options that are about values.
 *
 * @throws TypeError for one of the wrong type.
 */
export function createForm<V, I>({
  codec = jsonCodec,
  schema,
  migrate,
  freeze = isDevelopment(),
}: SessionManagerOptions<V, I>): ValueForm<V> {
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new TypeError('"codec" must have the functions encode and decode')
  }
  if (schema !== undefined && !isSchema(schema)) {
    throw new TypeError('"schema" must be a Standard Schema of version 1')
  }
  if (migrate !== undefined) assertFunction('migrate', migrate)
  if (migrate !== undefined && schema === undefined) {
    throw new TypeError('"migrate" needs a "schema", which says what must be migrated')
  }
  assertBoolean('freeze', freeze)
  return { codec, schema, migrate, freeze }
}

function isDevelopment(): boolean {
  // Not every runtime has a process, or lets everyone read its environment.
  try {
    return globalThis.process?.env['NODE_ENV'] !== 'production'
  } catch {
    return true
  }
}

/** A value ready to be stored. */
export interface Prepared<V> {
  readonly text: string
  /** What a read of `text` gives; `undefined` where nobody has looked yet. */
  readonly shown: V | undefined
}

/**
 * Makes a value ready to be stored: a promise only where there is a schema.
 *
 * @throws InvalidValueError when it does not fit, has no text, or would not be read again as what it is.
 * @throws SchemaFaultError when the schema throws.
 */
export function prepareValue<V>(
  form: ValueForm<V>,
  value: unknown,
): Prepared<V> | Promise<Prepared<V>> {
  return form.schema === undefined
    ? { text: encodeValue(form.codec, value as V), shown: undefined }
    : prepareChecked(form, form.schema, value)
}

async function prepareChecked<V>(
  { codec, freeze }: ValueForm<V>,
  schema: StandardSchema<unknown, V>,
  value: unknown,
): Promise<Prepared<V>> {
  const fitting = applySchema(schema, value, '"value" does not fit the schema')
  const output = isPromise(fitting) ? await fitting : fitting
  const text = encodeText(codec, output)
  // A schema that transforms may refuse what it has made, or change it once more: the next request would find out.
  const shown = await applySchema(
    schema,
    decodeValue(codec, text),
    '"value" would not fit the schema when it is read again',
  )
  if (encodeText(codec, shown) !== text && encodeText(codec, output) === text) {
    throw new InvalidValueError('the schema would change "value" when it is read again')
  }
  return { text, shown: freeze ? freezeDeeply(shown) : shown }
}

/**
 * The value of a stored text, checked: a promise only where there is a schema.
 *
 * @throws InvalidValueError when it does not decode or fit, and `migrate` does not help.
 * @throws SchemaFaultError when the schema or `migrate` throws.
 */
export function restoreValue<V>(form: ValueForm<V>, text: string): V | Promise<V> {
  return form.schema === undefined
    ? decodeUnchecked(form, text)
    : restoreChecked(form, form.schema, text)
}

/** The value of a stored text where there is no schema. Throws as `decodeValue` does. */
export function decodeUnchecked<V>({ codec, freeze }: ValueForm<V>, text: string): V {
  const value = decodeValue(codec, text) as V
  return freeze ? freezeDeeply(value) : value
}

async function restoreChecked<V>(
  form: ValueForm<V>,
  schema: StandardSchema<unknown, V>,
  text: string,
): Promise<V> {
  const value = await checkStored(form, schema, text)
  return form.freeze ? freezeDeeply(value) : value
}

async function checkStored<V>(
  { codec, migrate }: ValueForm<V>,
  schema: StandardSchema<unknown, V>,
  text: string,
): Promise<V> {
  try {
    const decoded = decodeValue(codec, text)
    return await applySchema(schema, decoded, 'the stored value does not fit the schema')
  } catch (error) {
    if (migrate === undefined || !(error instanceof InvalidValueError)) throw error
  }
  // Anew: a schema may change what it is given on its way to refusing it.
  const migrated = await callSchema('"migrate"', () => migrate(decodedOf(codec, text), text))
  if (migrated === undefined)
    throw new InvalidValueError('the stored value is one of no known form')
  return applySchema(schema, migrated, 'the migrated value does not fit the schema')
}

/** The value of a stored text, or `undefined` where the codec cannot decode it. */
function decodedOf<V>(codec: Codec<V, unknown>, text: string): unknown {
  try {
    return decodeValue(codec, text)
  } catch {
    return undefined
  }
}
