/**
 * Server-side sessions: the manager, the two contracts, the errors.
 *
 * @module `sojourn`
 */
export type { Assurance } from './core/assurance.ts'
export type { Authentication } from './core/authentication.ts'
export type {
  Awaitable,
  Backend,
  Found,
  GenerateOptions,
  Missed,
  SetOptions,
  SetResult,
} from './core/backend.ts'
export type { Clock } from './core/clock.ts'
export { jsonCodec } from './core/codec.ts'
export type { Codec } from './core/codec.ts'
export {
  AuthenticationRequiredError,
  BackendError,
  CrossSiteRequestError,
  HeadersSentError,
  InvalidCookieError,
  InvalidPeriodError,
  InvalidValueError,
  isSessionError,
  SchemaFaultError,
  SessionConflictError,
  SessionError,
  SessionGoneError,
  SubjectLimitError,
  UnsupportedOperationError,
} from './core/errors.ts'
export type {
  AnySessionError,
  AuthenticationShortfall,
  RefusalReason,
  SessionErrorCode,
} from './core/errors.ts'
export type {
  BackendOperation,
  CookieDuplicated,
  KeyMalformed,
  KeyRejected,
  KeyReused,
  OfSession,
  SessionCleared,
  SessionConfirmed,
  SessionConflicted,
  SessionCreated,
  SessionEventName,
  SessionEvents,
  SessionInvalid,
  SessionRead,
  SessionRefused,
  SessionRenewed,
  SessionRotated,
  SessionTouched,
  SessionWritten,
  StoreFault,
  StoreOperation,
  StoreSwept,
} from './core/event-messages.ts'
export { onSessionEvent } from './core/events.ts'
export type { Extra } from './core/extra.ts'
export { generateKey, isHandle, isKey } from './core/key.ts'
export type { Handle, Key, SecretHash } from './core/key.ts'
export { createBackend } from './core/lifecycle.ts'
export type { LifecyclePolicy } from './core/lifecycle.ts'
export { MAX_PERIOD, ONE_WEEK, THIRTY_DAYS } from './core/period.ts'
export type { Period } from './core/period.ts'
export type { PolicyDescription } from './core/policy-description.ts'
export type { Profile, Timeout } from './core/profile.ts'
export type { DeepReadonly, Given } from './core/readonly.ts'
export type { SchemaIssue, SchemaResult, StandardSchema } from './core/schema.ts'
export { isSessionBackend } from './core/session-backend.ts'
export type {
  ClearOptions,
  GetOptions,
  Labels,
  Renewal,
  RenewResult,
  RotateOptions,
  RotateResult,
  SessionBackend,
  SessionFacts,
  SessionFound,
  SessionGenerateOptions,
  SessionSetOptions,
  SessionSummary,
  StatelessBackend,
  StatelessFound,
  TouchDue,
} from './core/session-backend.ts'
export type { Session } from './core/session.ts'
export type {
  Created,
  ListedRecord,
  NewRecord,
  RecordChange,
  SecurityChange,
  SecurityPart,
  Store,
  StoredRecord,
  SubjectLimit,
  UpdateResult,
  UpdateSecurityResult,
} from './core/store.ts'
export { startSweeper } from './core/sweeper.ts'
export type { SweeperOptions } from './core/sweeper.ts'
export { clientLabels } from './http/client-labels.ts'
export type { ClientLabelsOptions } from './http/client-labels.ts'
export type { CookieAttributes, CookieOptions } from './http/cookie-options.ts'
export type { HeaderSource } from './http/header-source.ts'
export { createSessionManager } from './manager.ts'
export type { Migrate, SessionManagerOptions } from './manager/options.ts'
export type {
  BindSessionOptions,
  Change,
  CookieHeaderOptions,
  CreateOptions,
  GenerateSessionOptions,
  HeaderField,
  ListedSession,
  Lookup,
  LookupReason,
  RecentAuthenticationOptions,
  RotateSessionOptions,
  SessionManager,
  SetChange,
  UpdateOptions,
} from './manager/session-manager.ts'
export { createRequestSession } from './request.ts'
export type {
  RequestSession,
  RequestSessionOf,
  RequestSessionOptions,
  ResponseHead,
} from './request.ts'
export { takeFlash } from './request/flash.ts'
export type { OptionalField } from './request/flash.ts'
