import type { Backend } from '../core/backend.ts'
import type { Clock } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import type { StandardSchema } from '../core/schema.ts'
import type { CookieOptions } from '../http/cookie-options.ts'

/** Options of `createSessionManager`. `V` is the type of the values, `I` what a schema makes them of. */
export interface SessionManagerOptions<V, I = V> {
  /** Where sessions live. There is no default: memory would be a silent choice for production. */
  readonly backend: Backend
  /** Name and attributes of the cookie. Default: `__Host-session`, Secure, HttpOnly, SameSite=Lax, Path=/. */
  readonly cookie?: CookieOptions | undefined
  /**
   * What a value must be: any Standard Schema, such as one of zod, valibot or arktype. It gives values their type, is applied
   * to each value before it is stored, and again when it is read. Default: none; the type is then a promise.
   */
  readonly schema?: StandardSchema<I, V> | undefined
  /** Makes of a stored value that does not fit the schema one that does. May be async. Default: none; it is `invalid`. */
  readonly migrate?: Migrate | undefined
  /** How values become text. Default: JSON. */
  readonly codec?: Codec<V, unknown> | undefined
  /**
   * Freezes values that are read, however deep, so that a change to one throws in place of being lost. Default: unless
   * `NODE_ENV` is `production`.
   */
  readonly freeze?: boolean | undefined
  /** Milliseconds after which `update` gives up on a contended session. Default: 10,000. */
  readonly updateTimeoutMs?: number | undefined
  /** The clock that `update` waits by. Default: the machine's. */
  readonly clock?: Clock | undefined
}

/**
 * Makes of a stored value that does not fit the schema one that does; `undefined`, or what does not fit either, leaves
 * the session `invalid`. Gets the value as decoded – `undefined` where the codec cannot decode it – and the stored text.
 * It runs again at each read until the session is written, and throws only when it cannot know: see `SchemaFaultError`.
 */
export type Migrate = (value: unknown, text: string) => unknown
