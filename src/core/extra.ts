import { isAssurance } from './assurance.ts'
import type { Assurance } from './assurance.ts'
import { BackendError } from './errors.ts'
import { isJsonObject, parseJson } from './json.ts'
import type { Period } from './period.ts'

/**
 * What the policy keeps in the security part's `extra`, each part under its name. Whoever needs another part names it
 * here, checks it in `isExtra`, and says in `rotatedExtra` whether it outlives a rotation. A part that this version
 * does not know is one of a newer version, and is kept as it is.
 */
export interface Extra {
  /** The salt of a renewal that awaits its confirmation, in base64url. */
  readonly salt?: string | undefined
  /** When a new key was last seen for the first time, in the store's epoch milliseconds; kept under `renewAfter`. */
  readonly renewedAtMs?: number | undefined
  /** What the last authentication was worth. */
  readonly assurance?: Assurance | undefined
  /** The most seconds from an authentication on, where the last one that named any had less than the policy's. */
  readonly absolute?: Period | undefined
  /** The session's data key, wrapped under the current secret, and then under the previous one; of sealed sessions. */
  readonly dataKeys?: readonly string[] | undefined
}

// A record has a current secret, and a previous one.
const MOST_SECRETS = 2

/** No parts. */
export const NO_EXTRA: Extra = Object.freeze({})

/** The text under which a store keeps the parts, or `null` when there are none. */
export function encodeExtra(extra: Extra): string | null {
  if (extra === NO_EXTRA) return null
  const text = JSON.stringify(extra)
  return text === '{}' ? null : text
}

/**
 * The parts in a text that `encodeExtra` made.
 *
 * @throws BackendError when it is another: the store has given back what nobody gave it.
 */
export function decodeExtra(text: string | null): Extra {
  if (text === null) return NO_EXTRA
  const extra = parseJson(text)
  if (!isExtra(extra)) {
    throw new BackendError('the store gave back a security part that it was never given')
  }
  return extra
}

/** The parts after a rotation, or after the confirmation of a renewal: nothing is under way any more. */
export function rotatedExtra(extra: Extra): Extra {
  return extra.salt === undefined ? extra : { ...extra, salt: undefined }
}

function isExtra(extra: unknown): extra is Extra {
  if (!isJsonObject(extra)) return false
  const { salt, renewedAtMs, assurance, absolute, dataKeys } = extra
  if (assurance !== undefined && !isAssurance(assurance)) return false
  if (absolute !== undefined && typeof absolute !== 'number') return false
  if (renewedAtMs !== undefined && typeof renewedAtMs !== 'number') return false
  if (dataKeys !== undefined && !areDataKeys(dataKeys)) return false
  return salt === undefined || typeof salt === 'string'
}

function areDataKeys(dataKeys: unknown): boolean {
  if (!Array.isArray(dataKeys) || dataKeys.length > MOST_SECRETS) return false
  return dataKeys.every((wrapped) => typeof wrapped === 'string')
}
