import { assertAssurance, isAtLeast } from '../core/assurance.ts'
import { AuthenticationRequiredError } from '../core/errors.ts'
import type { AuthenticationShortfall } from '../core/errors.ts'
import { assertPeriod } from '../core/period.ts'
import type { Period } from '../core/period.ts'
import { isCleared, stateOf } from '../core/session.ts'
import type { Session, SessionState } from '../core/session.ts'
import { lifecycleOf } from './context.ts'
import type { ManagerContext } from './context.ts'
import type { RecentAuthenticationOptions } from './session-manager.ts'
import { gone } from './write.ts'

const MESSAGES: Readonly<Record<AuthenticationShortfall, string>> = {
  anonymous: 'nobody has logged in',
  too_long_ago: 'the user has not authenticated lately enough',
  assurance: 'the user has not authenticated by enough factors',
}

/** `SessionManager.requireRecentAuthentication`. */
export function requireRecentAuthentication<V>(
  context: ManagerContext<V>,
  session: Session<V> | undefined,
  seconds: Period,
  options: RecentAuthenticationOptions,
): void {
  assertRequirement(seconds, options)
  if (session === undefined) throw authenticationRequired('anonymous')
  lifecycleOf(context, 'requireRecentAuthentication')
  const state = stateOf(session)
  if (isCleared(state)) throw gone()
  const reason = shortfallOf(context, state, seconds, options)
  if (reason !== undefined) throw authenticationRequired(reason)
}

function authenticationRequired(reason: AuthenticationShortfall): AuthenticationRequiredError {
  return new AuthenticationRequiredError(MESSAGES[reason], { reason })
}

/** Checks what is asked for. A misspelt option would ask for less. */
function assertRequirement(seconds: Period, options: RecentAuthenticationOptions): void {
  assertPeriod('seconds', seconds)
  for (const option of Object.keys(options)) {
    if (option !== 'assurance') {
      throw new TypeError(`requireRecentAuthentication has no option "${option}"`)
    }
  }
  if (options.assurance !== undefined) assertAssurance(options.assurance)
}

function shortfallOf<V>(
  { clock }: ManagerContext<V>,
  { facts, factsAtMs }: SessionState<V>,
  seconds: Period,
  { assurance }: RecentAuthenticationOptions,
): AuthenticationShortfall | undefined {
  const { subject, authenticatedAtMs, nowMs, extra } = facts ?? {}
  if (subject === undefined || authenticatedAtMs === undefined || nowMs === undefined) {
    return 'anonymous'
  }
  const agoMs = Math.abs(nowMs + (clock.now() - factsAtMs) - authenticatedAtMs)
  if (!(agoMs < seconds * 1000)) return 'too_long_ago'
  if (assurance !== undefined && !isAtLeast(extra?.assurance, assurance)) return 'assurance'
  return undefined
}
