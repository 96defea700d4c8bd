import { isPromise } from './awaitable.ts'
import type { Awaitable } from './backend.ts'
import type { BackendOperation } from './event-messages.ts'
import { operationStart, publishFault, publishOperation } from './events.ts'

/** The code of every error that Sojourn throws on purpose. Stable: switch on it. */
export type SessionErrorCode = AnySessionError['code']

/** Any error of this library, as a union: `switch (error.code)` narrows and is exhaustive. */
export type AnySessionError =
  | AuthenticationRequiredError
  | BackendError
  | CrossSiteRequestError
  | HeadersSentError
  | InvalidCookieError
  | InvalidPeriodError
  | InvalidValueError
  | SchemaFaultError
  | SessionConflictError
  | SessionGoneError
  | SubjectLimitError
  | UnsupportedOperationError

/**
 * What all errors of this library have in common: a `code`. Messages name the option or the
 * operation at fault and never a key, a value, a cookie or a connection string.
 */
export abstract class SessionError extends Error {
  abstract readonly code: string
}

/**
 * Why a session is not enough: `anonymous`, nobody has logged in; `too_long_ago`, not lately enough; `assurance`, not by
 * enough factors.
 */
export type AuthenticationShortfall = 'anonymous' | 'too_long_ago' | 'assurance'

/**
 * The user has to authenticate, or to do so again; let them, and answer what cannot wait with `status`. It is 403 and
 * not 401, which must name an authentication scheme (RFC 9110 §15.5.2), and cookies have none.
 */
export class AuthenticationRequiredError extends SessionError {
  override readonly name = 'AuthenticationRequiredError'
  override readonly code = 'ERR_SESSION_AUTHENTICATION_REQUIRED' as const
  readonly status = 403
  readonly reason: AuthenticationShortfall

  constructor(
    message: string,
    { reason = 'anonymous', ...options }: ErrorOptions & { reason?: AuthenticationShortfall } = {},
  ) {
    super(message, options)
    this.reason = reason
  }
}

/** The store failed or gave no usable answer; `cause` is the fault as the store reported it. */
export class BackendError extends SessionError {
  override readonly name = 'BackendError'
  override readonly code = 'ERR_SESSION_BACKEND' as const
}

/**
 * Why a guard refuses a request: `cross_site`, `same_site` and `cross_origin`, it comes from a page of another origin;
 * `navigation`, a link led to what no link may do; `opaque_origin` and `no_evidence`, nothing says where it comes from;
 * `destination`, another site may not load this; `header_missing`, `token_missing` and `token_invalid`, it lacks what
 * the guard asks for.
 */
export type RefusalReason =
  | 'cross_site'
  | 'same_site'
  | 'cross_origin'
  | 'navigation'
  | 'opaque_origin'
  | 'no_evidence'
  | 'destination'
  | 'header_missing'
  | 'token_missing'
  | 'token_invalid'

/** A guard refused a request that another site may have made; answer it with `status`. */
export class CrossSiteRequestError extends SessionError {
  override readonly name = 'CrossSiteRequestError'
  override readonly code = 'ERR_SESSION_CROSS_SITE' as const
  readonly status = 403
  readonly reason: RefusalReason

  constructor(
    message: string,
    { reason = 'no_evidence', ...options }: ErrorOptions & { reason?: RefusalReason } = {},
  ) {
    super(message, options)
    this.reason = reason
  }
}

/** A session header had to be written after the response's headers had been sent. */
export class HeadersSentError extends SessionError {
  override readonly name = 'HeadersSentError'
  override readonly code = 'ERR_SESSION_HEADERS_SENT' as const
}

/** A cookie name, value or attribute that RFC 6265bis or its name prefix forbids. */
export class InvalidCookieError extends SessionError {
  override readonly name = 'InvalidCookieError'
  override readonly code = 'ERR_SESSION_INVALID_COOKIE' as const
}

/** A period that is not a whole number of seconds in the accepted range. */
export class InvalidPeriodError extends SessionError {
  override readonly name = 'InvalidPeriodError'
  override readonly code = 'ERR_SESSION_INVALID_PERIOD' as const
}

/**
 * A value that cannot be encoded or does not fit the schema, or a stored one that no longer decodes or fits; a subject
 * or label that is no text.
 */
export class InvalidValueError extends SessionError {
  override readonly name = 'InvalidValueError'
  override readonly code = 'ERR_SESSION_INVALID_VALUE' as const
  // Private, so that nothing which shows errors shows them: the keys of a record are data of users.
  readonly #paths: readonly (readonly PropertyKey[])[]

  constructor(
    message: string,
    {
      paths = [],
      ...options
    }: ErrorOptions & { paths?: readonly (readonly PropertyKey[])[] | undefined } = {},
  ) {
    super(message, options)
    this.#paths = paths
  }

  /** Where in the value the schema found something wrong; empty when no schema did. Not shown by `inspect` or `JSON.stringify`. */
  get paths(): readonly (readonly PropertyKey[])[] {
    return this.#paths
  }
}

/** What is said of a stored value that the codec, the schema and `migrate` have given up. */
export const INVALID = 'the stored value no longer decodes or fits'

/**
 * The schema or `migrate` threw, in place of saying what is wrong with the value. So nothing is known of it: nothing was
 * stored, and no session counts as `invalid`. What was thrown is dropped, since it may quote the value.
 */
export class SchemaFaultError extends SessionError {
  override readonly name = 'SchemaFaultError'
  override readonly code = 'ERR_SESSION_SCHEMA_FAULT' as const
}

/** Another request changed the session since it was loaded, and this write was not applied. */
export class SessionConflictError extends SessionError {
  override readonly name = 'SessionConflictError'
  override readonly code = 'ERR_SESSION_CONFLICT' as const
}

/** The session was cleared, expired or rotated away, and this write was not applied. */
export class SessionGoneError extends SessionError {
  override readonly name = 'SessionGoneError'
  override readonly code = 'ERR_SESSION_GONE' as const
}

/** The subject already has as many sessions as the policy allows. */
export class SubjectLimitError extends SessionError {
  override readonly name = 'SubjectLimitError'
  override readonly code = 'ERR_SESSION_SUBJECT_LIMIT' as const
}

/** The backend has only the five basic operations and cannot do what was asked of it. */
export class UnsupportedOperationError extends SessionError {
  override readonly name = 'UnsupportedOperationError'
  override readonly code = 'ERR_SESSION_UNSUPPORTED_OPERATION' as const
}

/**
 * Tells whether `error` is one of this library's errors, by its code, so that it also
 * recognises errors of a second installed copy.
 */
export function isSessionError(error: unknown): error is AnySessionError {
  if (!(error instanceof Error) || !('code' in error)) return false
  return typeof error.code === 'string' && error.code.startsWith('ERR_SESSION_')
}

type Verb = 'set' | 'clear' | 'touch' | 'rotate' | 'renew'

// Of those whose name does not say what they do to a session.
const TASKS: Readonly<Record<Exclude<BackendOperation, Verb>, string>> & {
  readonly [Operation in Verb]?: string
} = {
  generate: 'create a session',
  get: 'read a session',
  list: 'list sessions',
  clearHandle: 'clear a session',
  clearSubject: "clear a subject's sessions",
  clearAll: 'clear all sessions',
  sweep: 'sweep',
  migrate: 'make its tables',
}

/**
 * Runs one operation of a backend or store. A `SessionError` passes through; whatever else it
 * throws or rejects with is wrapped, once, in `BackendError`. Its message says `task`, or what the operation is for.
 */
export function guardBackend<T>(
  operation: BackendOperation,
  run: () => Awaitable<T>,
  task?: string,
): Awaitable<T> {
  const fail = (cause: unknown): never => {
    throw backendFault(operation, cause, task)
  }
  try {
    const result = run()
    return isPromise(result) ? Promise.resolve(result).catch(fail) : result
  } catch (cause) {
    return fail(cause)
  }
}

/** What `guardBackend` throws for `cause`: where a wait more would be dear, it is caught on the spot. */
export function backendFault(
  operation: BackendOperation,
  cause: unknown,
  task: string = TASKS[operation] ?? `${operation} a session`,
): Error {
  const error = isSessionError(cause)
    ? cause
    : new BackendError(`the backend failed to ${task}`, { cause })
  if (isFault(error)) publishFault(operation, error)
  return error
}

/** `guardBackend` for what is one call of a store: whoever listens is told how long it took. */
export function measureBackend<T>(
  operation: BackendOperation,
  run: () => Awaitable<T>,
): Awaitable<T> {
  const start = operationStart()
  return start === undefined ? guardBackend(operation, run) : measure(operation, start, run)
}

async function measure<T>(
  operation: BackendOperation,
  start: number,
  run: () => Awaitable<T>,
): Promise<T> {
  try {
    const result = await guardBackend(operation, run)
    publishOperation(operation, start, 'ok')
    return result
  } catch (error) {
    // A store that refuses what it was asked has answered.
    publishOperation(operation, start, isFault(error) ? 'fault' : 'ok')
    throw error
  }
}

function isFault(error: unknown): boolean {
  return isSessionError(error) && error.code === 'ERR_SESSION_BACKEND'
}
