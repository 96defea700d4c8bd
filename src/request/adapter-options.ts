import { assertOptions } from '../core/options.ts'
import { checkRequestOptions } from './options.ts'
import type { RequestSessionOptions } from './request-session.ts'

/** Options of an adapter that puts the session where its framework keeps what belongs to a request. */
export interface NamedSessionOptions extends RequestSessionOptions {
  /** The name that handlers find the session by. Default: `session`. */
  readonly property?: string | undefined
}

/** The same, checked and complete. */
export interface NamedSession extends Required<RequestSessionOptions> {
  readonly property: string
}

const NAMES = ['discard', 'onInvalid']

/**
 * Checks the options of `maker`, which makes an adapter, and fills in what they leave out.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 */
export function checkAdapterOptions(
  maker: string,
  options: RequestSessionOptions,
): Required<RequestSessionOptions> {
  assertOptions(maker, options, NAMES)
  return checkRequestOptions(options)
}

/**
 * The same where the session has a name.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 */
export function checkNamedOptions(maker: string, options: NamedSessionOptions): NamedSession {
  assertOptions(maker, options, [...NAMES, 'property'])
  const { property = 'session' } = options
  if (typeof property !== 'string' || property === '') {
    throw new TypeError('"property" must be a name')
  }
  return { ...checkRequestOptions(options), property }
}

/**
 * Puts the session on what its framework hands from one handler to the next.
 *
 * @throws TypeError where something else has that name: another session library, or the adapter of another manager.
 */
export function attachSession(target: object, property: string, session: object): void {
  const named = target as Record<string, unknown>
  if (named[property] === session) return
  assertFree(property, named[property])
  named[property] = session
}

/**
 * Refuses a name that something has.
 *
 * @throws TypeError if there is anything.
 */
export function assertFree(property: string, there: unknown): void {
  if (there === undefined || there === null) return
  throw new TypeError(`"${property}" is taken: give the adapter another "property"`)
}
