import type { Backend } from '../core/backend.ts'
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import { UnsupportedOperationError } from '../core/errors.ts'
import { hasLifecycle, isSessionBackend } from '../core/session-backend.ts'
import type { SessionBackend, StatelessBackend } from '../core/session-backend.ts'
import { cookiesFor } from '../http/chunked-cookie.ts'
import { checkCookie } from '../http/cookie-options.ts'
import type { Cookie } from '../http/cookie-options.ts'
import type { SessionManagerOptions } from './options.ts'
import { createForm, decodeUnchecked } from './values.ts'
import type { ValueForm } from './values.ts'

/** What every operation of one manager works with: its options, checked once. */
export interface ManagerContext<V> extends ValueForm<V> {
  readonly backend: Backend
  /** Whether the backend leaves it to the manager to publish events. */
  readonly tells: boolean
  /** The same backend where it has the whole lifecycle. */
  readonly lifecycle: SessionBackend | StatelessBackend | undefined
  /** The value of a text, where there is no schema. */
  readonly decode: (text: string) => V
  readonly cookie: Cookie
  /** How many cookies a key may take, where the backend is stateless. */
  readonly chunks: number | undefined
  readonly clock: Clock
  readonly timeoutMs: number
  /** Whether the backend has been seen to report no versions: then nobody asks it again. */
  unversioned: boolean
}

const OPTIONS = new Set([
  'backend',
  'cookie',
  'schema',
  'migrate',
  'codec',
  'freeze',
  'updateTimeoutMs',
  'clock',
])
const OPERATIONS = ['generate', 'get', 'set', 'clear'] as const

/**
 * Checks a manager's options.
 *
 * @throws TypeError for a missing or unknown option, or one of the wrong type.
 * @throws InvalidCookieError when the cookie breaks a rule of cookies.
 */
export function createContext<V, I>(options: SessionManagerOptions<V, I>): ManagerContext<V> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('createSessionManager needs an options object with a "backend"')
  }
  for (const option of Object.keys(options)) {
    if (!OPTIONS.has(option)) throw new TypeError(`createSessionManager has no option "${option}"`)
  }
  const { backend, cookie = {} } = options
  const { updateTimeoutMs = 10_000, clock = systemClock } = options
  assertBackend(backend)
  const form = createForm(options)
  if (!Number.isFinite(updateTimeoutMs) || updateTimeoutMs < 0 || updateTimeoutMs >= 2 ** 31) {
    throw new RangeError('"updateTimeoutMs" must be a number of milliseconds that a timer can wait')
  }
  const checked = checkCookie(cookie)
  const { maxKeyLength } = backend
  if (maxKeyLength !== undefined && !(maxKeyLength >= 1)) {
    throw new TypeError('"backend" must have a number as its maxKeyLength, or none')
  }
  return {
    backend,
    tells: backend.publishesEvents !== true,
    lifecycle: hasLifecycle(backend) ? backend : undefined,
    ...form,
    decode: (text) => decodeUnchecked(form, text),
    cookie: checked,
    chunks: maxKeyLength === undefined ? undefined : cookiesFor(checked.name, maxKeyLength),
    clock,
    timeoutMs: updateTimeoutMs,
    unversioned: false,
  }
}

function assertBackend(backend: Backend): void {
  if (typeof backend === 'object' && backend !== null) {
    if (OPERATIONS.every((name) => typeof backend[name] === 'function')) return
  }
  throw new TypeError(`"backend" must have the operations ${OPERATIONS.join(', ')}`)
}

/**
 * The backend with the whole lifecycle.
 *
 * @throws UnsupportedOperationError when there are only the five basic operations.
 */
export function lifecycleOf<V>(
  context: ManagerContext<V>,
  operation: string,
): SessionBackend | StatelessBackend {
  if (context.lifecycle !== undefined) return context.lifecycle
  throw new UnsupportedOperationError(
    `the backend has only the basic operations, not "${operation}"`,
  )
}

/**
 * The backend with the whole lifecycle and a store under it.
 *
 * @throws UnsupportedOperationError when there are only the five basic operations, or no store.
 */
export function storedLifecycleOf<V>(
  context: ManagerContext<V>,
  operation: string,
): SessionBackend {
  const lifecycle = lifecycleOf(context, operation)
  if (isSessionBackend(lifecycle)) return lifecycle
  throw new UnsupportedOperationError(`a stateless backend cannot do "${operation}"`)
}
