/** What the walk through a value leaves as it is: it has no parts, or parts that a type cannot close. */
type Whole =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | ((...parameters: never[]) => unknown)
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | ArrayBufferView
  | PromiseLike<unknown>

/** A tuple, where the length does not tell: one with a rest. */
type Rest = readonly [unknown, ...unknown[]] | readonly [...unknown[], unknown]

/**
 * `T` with everything inside it read-only: properties, arrays, tuples, `Map` and `Set`, however deep. A `Date`, a
 * regular expression, an error, bytes and functions stay what they are. `unknown` and `any` stay too.
 */
export type DeepReadonly<T> = T extends Whole
  ? T
  : T extends readonly (infer E)[]
    ? number extends T['length']
      ? T extends Rest
        ? ReadonlyParts<T>
        : // Not mapped like a tuple: of JSON, which is defined by itself, that would be without end.
          readonly DeepReadonly<E>[]
      : ReadonlyParts<T>
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
      : T extends ReadonlySet<infer V>
        ? ReadonlySet<DeepReadonly<V>>
        : T extends object
          ? ReadonlyParts<T>
          : T

type ReadonlyParts<T> = { readonly [K in keyof T]: DeepReadonly<T[K]> }

/** What may be written as a `T`: one that is open, or with closed parts, such as those of a value that was read. */
export type Given<T> = T | DeepReadonly<T>
