import { whenDone } from '../awaitable.ts'
import type { Awaitable } from '../backend.ts'
import { BackendError } from '../errors.ts'
import { NO_EXTRA } from '../extra.ts'
import type { Extra } from '../extra.ts'
import type { Key } from '../key.ts'
import type { SessionFound } from '../session-backend.ts'
import { sealing } from './on-demand.ts'
import type { CheckedPolicy } from './policy.ts'

type Sealing = Pick<CheckedPolicy, 'sealed'>

/** What a new session begins with: its value as the store is to keep it, and the parts beside it. */
export interface First {
  readonly value: string | null
  readonly extra: Extra
}

/** What a new session under `key` begins with. */
export function firstOf(
  { sealed }: Sealing,
  key: Key,
  value: string | undefined,
  extra: Extra,
): Awaitable<First> {
  if (!sealed) return { value: value ?? null, extra }
  return whenDone(sealing(), ({ firstSealed }) => firstSealed(key, value, extra))
}

/**
 * What was found under `key`, with its value in clear.
 *
 * @throws BackendError when the policy seals and this is not sealed or does not open, or the other way about.
 */
export function clearOf(
  { sealed }: Sealing,
  key: Key,
  found: SessionFound,
): Awaitable<SessionFound> {
  const { extra = NO_EXTRA } = found.facts
  if (sealed) return whenDone(sealing(), ({ opened }) => opened(key, extra, found))
  assertPlain(extra)
  return found
}

/**
 * The parts of a session of which `keys` are good from now on, the current one first. The value stays as it is.
 *
 * @throws BackendError as `clearOf` does.
 */
export function partsFor(
  { sealed }: Sealing,
  key: Key,
  keys: readonly Key[],
  extra: Extra,
): Awaitable<Extra> {
  if (sealed) return whenDone(sealing(), ({ rewrapped }) => rewrapped(key, keys, extra))
  assertPlain(extra)
  return extra
}

/** Sealed text taken for a value would be served or, where it does not decode, be replaced by a new session. */
function assertPlain({ dataKeys }: Extra): void {
  if (dataKeys === undefined) return
  throw new BackendError('the session in the store is sealed, and the option "sealed" is off')
}
