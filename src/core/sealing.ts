import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { hkdfSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { BackendError } from './errors.ts'
import type { Extra } from './extra.ts'
import { handleOf, secretOf } from './key.ts'
import type { Handle, Key } from './key.ts'

/** The key under which all values of one session are sealed. It never changes, and is stored wrapped alone. */
export type DataKey = Uint8Array

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
// In what every key is derived from and every tag covers: a sealed text chooses neither algorithm nor form
// (ASVS 9.1.2), and nothing that was sealed for another purpose opens.
const FORM = `sojourn sealed 1 ${ALGORITHM}`

/** Draws the data key of a new session: 256 random bits. */
export function generateDataKey(): DataKey {
  return randomBytes(KEY_BYTES)
}

/** Wraps the data key for whoever has `key`. */
export function wrapDataKey(key: Key, dataKey: DataKey): string {
  return seal(wrappingKeyOf(key), wrapContext(handleOf(key)), dataKey)
}

/**
 * The data key that is wrapped for `key`.
 *
 * @throws BackendError when there is none, or none that opens: the store gives back what it was never given.
 */
export function dataKeyOf(key: Key, { dataKeys }: Extra): DataKey {
  if (dataKeys === undefined) throw new BackendError('the session in the store is not sealed')
  const wrapping = wrappingKeyOf(key)
  const context = wrapContext(handleOf(key))
  for (const wrapped of dataKeys) {
    const dataKey = open(wrapping, context, wrapped)
    if (dataKey?.length === KEY_BYTES) return dataKey
  }
  throw tampered()
}

/**
 * The 256-bit key that whoever has `key` wraps others under (HKDF-SHA-256, RFC 5869). The hash of the secret that a
 * store keeps does not lead to it.
 */
function wrappingKeyOf(key: Key): KeyObject {
  const bytes = hkdfSync('sha256', secretOf(key), handleOf(key), FORM, 32)
  return createSecretKey(new Uint8Array(bytes))
}

/** Seals the value that becomes version `version` of this session's. */
export function sealValue(
  dataKey: DataKey,
  handle: Handle,
  version: number,
  value: string,
): string {
  return seal(createSecretKey(dataKey), valueContext(handle, version), Buffer.from(value))
}

/**
 * The value that `sealValue` sealed for this version of this session's.
 *
 * @throws BackendError when it was sealed for another, or is no longer as it was.
 */
export function openValue(
  dataKey: DataKey,
  handle: Handle,
  version: number,
  sealed: string,
): string {
  const value = open(createSecretKey(dataKey), valueContext(handle, version), sealed)
  if (value === undefined) throw tampered()
  return value.toString('utf8')
}

function wrapContext(handle: Handle): string {
  return `${FORM} data key\0${handle}`
}

function valueContext(handle: Handle, version: number): string {
  return `${FORM} value\0${handle}\0${version}`
}

/**
 * `base64url(nonce, ciphertext, tag)`. Random nonces of 96 bits are safe for 2^32 texts under one key
 * (NIST SP 800-38D §8.3): one session would be written a thousand times a second for seven weeks. The key is a `KeyObject`:
 * what is none has Node 24 throw two errors of its own first, which costs more than the cipher.
 */
function seal(key: KeyObject, context: string, plain: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(context))
  const parts = [nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(parts).toString('base64url')
}

/** What `seal` sealed under this key in this context, or `undefined`. */
function open(key: KeyObject, context: string, text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
  // The decoder passes over what is no base64url: one text must not have many spellings.
  if (bytes.toString('base64url') !== text) return undefined
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

function tampered(): BackendError {
  return new BackendError('the session in the store is not as it was sealed')
}
