import { promised, whenDone } from './core/awaitable.ts'
import { INVALID, InvalidValueError } from './core/errors.ts'
import { assertOneOf, assertOptions } from './core/options.ts'
import type { Given } from './core/readonly.ts'
import type { Session } from './core/session.ts'
import type { HeaderSource } from './http/header-source.ts'
import { createContext, lifecycleOf } from './manager/context.ts'
import type { ManagerContext } from './manager/context.ts'
import { clearHeaders, toCookieHeaders } from './manager/headers.ts'
import { candidatesOf, lookUpHeaders, lookUpKey } from './manager/lookup.ts'
import type { HeaderLookup } from './manager/lookup.ts'
import type { SessionManagerOptions } from './manager/options.ts'
import {
  bind,
  clearAll,
  clearHandle,
  clearSubject,
  list,
  renew,
  rotate,
  touch,
} from './manager/ownership.ts'
import type {
  CreateOptions,
  Lookup,
  LookupReason,
  SessionManager,
} from './manager/session-manager.ts'
import { requireRecentAuthentication } from './manager/step-up.ts'
import { askBackend, tellCleared } from './manager/tell.ts'
import { update } from './manager/update.ts'
import { clear, generate, set } from './manager/write.ts'

/**
 * Makes the session manager of one backend and one cookie: the original's `Make(Backend)`. All its
 * methods that ask the backend return promises and never throw otherwise.
 *
 * @throws TypeError for a missing or unknown option, or one of the wrong type.
 * @throws InvalidCookieError when the cookie breaks a rule of cookies.
 * @example
 * ```ts
 * import { createSessionManager } from 'sojourn'
 * import { createSqliteBackend } from 'sojourn/backends/sqlite'
 *
 * const sessions = createSessionManager<{ visits: number }>({
 *   backend: createSqliteBackend('sessions.db'),
 * })
 * ```
 */
export function createSessionManager<V = unknown, I = V>(
  options: SessionManagerOptions<V, I>,
): SessionManager<V, I> {
  const context = createContext(options)
  return {
    fromKey: promised((key) => whenDone(lookUpKey(context, key), publicLookup)),
    fromHeaders: promised((headers) => whenDone(lookUpHeaders(context, headers), publicLookup)),
    fromHeadersOrCreate: async (headers, value, create = {}) =>
      fromHeadersOrCreate(context, headers, value, create),
    generate: async (value, generation = {}) => generate(context, value, generation),
    set: promised((session, change) => set(context, session, change)),
    update: promised((session, fn, updating = {}) => update(context, session, fn, updating)),
    clear: async (session) => clear(context, session),
    clearFromHeaders: async (headers) => clearFromHeaders(context, headers),
    touch: async (session) => touch(context, session),
    rotate: async (session, options = {}) => {
      assertOptions('rotate', options, ['authenticated', 'assurance', 'absolute', 'labels'])
      return rotate(context, session, options)
    },
    renew: async (session) => renew(context, session),
    bind: async (session, subject, options = {}) => bind(context, session, subject, options),
    requireRecentAuthentication: async (session, seconds, options = {}) =>
      requireRecentAuthentication(context, session, seconds, options),
    list: async (subject, options = {}) => {
      assertOptions('list', options, ['current'])
      return list(context, subject, options.current)
    },
    clearHandle: async (handle) => clearHandle(context, handle),
    clearSubject: async (subject, options = {}) => {
      assertOptions('clearSubject', options, ['except'])
      return clearSubject(context, subject, options.except)
    },
    clearAll: async () => clearAll(context),
    toCookieHeaders: (session, headers = {}) => toCookieHeaders(context, session, headers),
    clearHeaders: (attributes = {}) => clearHeaders(context, attributes),
    describePolicy: () => lifecycleOf(context, 'describePolicy').describePolicy(),
  }
}

/** A look-up without the key that settled it: a result may be logged. */
function publicLookup<V, Reason extends string>(
  found: { ok: true; session: Session<V> } | { ok: false; reason: Reason },
): Lookup<V, Reason> {
  return found.ok ? found : { ok: false, reason: found.reason }
}

async function fromHeadersOrCreate<V, I>(
  context: ManagerContext<V>,
  headers: HeaderSource,
  value: Given<I>,
  { onInvalid = 'reject', ...options }: CreateOptions,
): Promise<Session<V>> {
  assertOneOf('onInvalid', onInvalid, ['reject', 'create'])
  const found = await lookUpHeaders(context, headers)
  if (found.ok) return found.session
  if (found.reason === 'invalid' && onInvalid === 'reject') {
    throw new InvalidValueError(INVALID)
  }
  // What is wrong with the new session must not cost the old one.
  const begin = isStranded(found) ? () => endKeys(context, [found.key]) : undefined
  return generate(context, value, options, begin)
}

/** Whether a live record was found that nobody will use again once the cookie names another. */
function isStranded<V>(
  found: HeaderLookup<V>,
): found is { ok: false; reason: LookupReason; key: string } {
  return !found.ok && (found.reason === 'not_set' || found.reason === 'invalid')
}

async function clearFromHeaders<V>(
  context: ManagerContext<V>,
  headers: HeaderSource,
): Promise<boolean> {
  const keys = candidatesOf(context, headers)
  await endKeys(context, keys)
  return keys.length > 0
}

async function endKeys<V>(context: ManagerContext<V>, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    // One after the other: at most four, and almost always one.
    await askBackend(context, 'clear', () => context.backend.clear(key))
    tellCleared(context, key, undefined)
  }
}
