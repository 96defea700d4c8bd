import { BackendError } from '../errors.ts'
import { NO_EXTRA } from '../extra.ts'
import type { Extra } from '../extra.ts'
import { handleOf } from '../key.ts'
import type { Key } from '../key.ts'
import { dataKeyOf, generateDataKey, openValue, sealValue, wrapDataKey } from '../sealing.ts'
import type { SessionFound } from '../session-backend.ts'
import type { CheckedPolicy } from './policy.ts'

type Sealing = Pick<CheckedPolicy, 'sealed'>

/**
 * What a new session under `key` begins with: its value as the store is to keep it, and the parts beside it, those of
 * `extra` among them.
 */
export function firstSealed(
  { sealed }: Sealing,
  key: Key,
  value: string | undefined,
  extra: Extra,
): { readonly value: string | null; readonly extra: Extra } {
  if (!sealed) return { value: value ?? null, extra }
  const dataKey = generateDataKey()
  return {
    value: value === undefined ? null : sealValue(dataKey, handleOf(key), 1, value),
    extra: { ...extra, dataKeys: [wrapDataKey(key, dataKey)] },
  }
}

/**
 * What was found under `key`, with its value in clear.
 *
 * @throws BackendError when the policy seals and this is not sealed or does not open, or the other way about.
 */
export function opened(policy: Sealing, key: Key, found: SessionFound): SessionFound {
  const { extra = NO_EXTRA } = found.facts
  if (!policy.sealed) {
    assertPlain(extra)
    return found
  }
  const value = openValue(dataKeyOf(key, extra), handleOf(key), found.version, found.value)
  return { ...found, value }
}

/**
 * The parts of a session of which `keys` are good from now on, the current one first. The value stays as it is.
 *
 * @throws BackendError as `opened` does.
 */
export function rewrapped(policy: Sealing, key: Key, keys: readonly Key[], extra: Extra): Extra {
  if (!policy.sealed) {
    assertPlain(extra)
    return extra
  }
  const dataKey = dataKeyOf(key, extra)
  return { ...extra, dataKeys: keys.map((next) => wrapDataKey(next, dataKey)) }
}

/** Sealed text taken for a value would be served or, where it does not decode, be replaced by a new session. */
function assertPlain({ dataKeys }: Extra): void {
  if (dataKeys === undefined) return
  throw new BackendError('the session in the store is sealed, and the option "sealed" is off')
}
