import { isSessionError } from '../../src/index.ts'
import type {
  AnySessionError,
  AuthenticationShortfall,
  BackendError,
  RefusalReason,
  SessionConflictError,
  SessionErrorCode,
  SessionGoneError,
} from '../../src/index.ts'

/** Every code is named once; a new one that is not named here makes the last line fail. */
export function describeError(error: AnySessionError): string {
  switch (error.code) {
    case 'ERR_SESSION_AUTHENTICATION_REQUIRED': {
      const status: 403 = error.status
      const reason: AuthenticationShortfall = error.reason
      return `${status} ${reason}`
    }
    case 'ERR_SESSION_BACKEND': {
      const narrowed: BackendError = error
      return narrowed.name
    }
    case 'ERR_SESSION_CONFLICT': {
      const narrowed: SessionConflictError = error
      return narrowed.name
    }
    case 'ERR_SESSION_CROSS_SITE': {
      const status: 403 = error.status
      const reason: RefusalReason = error.reason
      return `${status} ${reason}`
    }
    case 'ERR_SESSION_GONE': {
      const narrowed: SessionGoneError = error
      // @ts-expect-error
      const other: BackendError = error
      void other
      return narrowed.name
    }
    case 'ERR_SESSION_HEADERS_SENT':
    case 'ERR_SESSION_INVALID_COOKIE':
    case 'ERR_SESSION_INVALID_PERIOD':
    case 'ERR_SESSION_INVALID_VALUE':
    case 'ERR_SESSION_SCHEMA_FAULT':
    case 'ERR_SESSION_SUBJECT_LIMIT':
    case 'ERR_SESSION_UNSUPPORTED_OPERATION':
      return error.name
    default: {
      const none: never = error
      return none
    }
  }
}

/** A code that no error has is a mistake, and one code is not all of them. */
export function isOutage(error: AnySessionError): boolean {
  // @ts-expect-error
  if (error.code === 'ERR_SESSION_MISSPELT') return false
  if (error.code === 'ERR_SESSION_BACKEND') return true
  // @ts-expect-error
  const none: never = error
  return none
}

/** What is caught is narrowed by one question. */
export function codeOf(error: unknown): SessionErrorCode | undefined {
  // @ts-expect-error
  void error.code
  return isSessionError(error) ? error.code : undefined
}
