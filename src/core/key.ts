import { hash, randomFillSync, timingSafeEqual } from 'node:crypto'

declare const keyBrand: unique symbol
declare const handleBrand: unique symbol
declare const secretHashBrand: unique symbol

/** A session key: `<record id>.<secret>`. It is secret, and lives in the cookie and nowhere else. */
export type Key = string & { readonly [keyBrand]: true }

/** The public half of a key: it names the record, never changes, and authorises nothing. */
export type Handle = string & { readonly [handleBrand]: true }

/** SHA-256 of a key's secret half in base64url. The only form in which a store sees it. */
export type SecretHash = string & { readonly [secretHashBrand]: true }

/** The two halves of a well-formed key, the secret one hashed. */
export interface ParsedKey {
  readonly handle: Handle
  readonly secretHash: SecretHash
}

// 16 random bytes are 22 base64url characters, 32 are 43 (RFC 4648 §5, without padding).
const HANDLE_BYTES = 16
const SECRET_BYTES = 32
const HANDLE_LENGTH = 22
const KEY_LENGTH = HANDLE_LENGTH + 1 + 43
// Where the dot is, and how long it is all together, are looked at apart: counting costs such an expression half its time.
const KEY_SHAPE = /^[\w-]+\.[\w-]+$/
const HANDLE_SHAPE = /^[\w-]{22}$/

// One call to the CSPRNG costs about as much for 48 bytes as for 4 KiB, so keys are cut from a pool. It is filled for the
// first key and not before: Workers refuse to load a module that draws random bytes.
const pool = Buffer.alloc((HANDLE_BYTES + SECRET_BYTES) * 85)
let used = pool.length

/** Draws `bytes` random bytes, at most 48, in base64url. */
export function drawText(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const text = pool.toString('base64url', used, used + bytes)
  // What has been handed out must not be readable from the heap later.
  pool.fill(0, used, used + bytes)
  used += bytes
  return text
}

/**
 * Draws a new key: 128 random bits that name the record and 256 that prove its owner (ASVS 7.2.3).
 * The original's `gensym`, in an alphabet that needs no escaping anywhere.
 */
export function generateKey(): Key {
  return `${drawText(HANDLE_BYTES)}.${drawText(SECRET_BYTES)}` as Key
}

/** Draws a new key for a record that exists: the same handle, a new secret. */
export function generateSuccessor(handle: Handle): Key {
  return `${handle}.${drawText(SECRET_BYTES)}` as Key
}

/** Tells whether `text` has a key's length and alphabet. It says nothing about whether it was ever issued. */
export function isKey(text: unknown): text is Key {
  return (
    typeof text === 'string' &&
    text.length === KEY_LENGTH &&
    text[HANDLE_LENGTH] === '.' &&
    KEY_SHAPE.test(text)
  )
}

/** Tells whether `text` has a handle's length and alphabet. */
export function isHandle(text: unknown): text is Handle {
  return typeof text === 'string' && HANDLE_SHAPE.test(text)
}

/** The public half of a well-formed key. */
export function handleOf(key: Key): Handle {
  return key.slice(0, HANDLE_LENGTH) as Handle
}

/**
 * The same as a text of its own, for whoever keeps it: a slice is a view of the whole key, and would keep the secret in
 * memory as long as itself.
 */
export function detachedHandleOf(key: Key): Handle {
  return detached(handleOf(key))
}

/** A handle that may be a slice of its key, as a text of its own. */
export function detached(handle: Handle): Handle {
  return Buffer.from(handle, 'latin1').toString('latin1') as Handle
}

/** The secret half of a well-formed key. */
export function secretOf(key: Key): string {
  return key.slice(HANDLE_LENGTH + 1)
}

/** The hash of a well-formed key's secret half, as the store keeps it. */
export function secretHashOf(key: Key): SecretHash {
  return hash('sha256', secretOf(key), 'base64url') as SecretHash
}

/** Both halves of `text`, the secret one hashed, or `undefined` when it is not shaped like a key. */
export function parseKey(text: string): ParsedKey | undefined {
  if (!isKey(text)) return undefined
  return { handle: handleOf(text), secretHash: secretHashOf(text) }
}

const encoder = new TextEncoder()
const left = new Uint8Array(43)
const right = new Uint8Array(43)

/** Compares two hashes in a time that does not depend on where they differ (ASVS 11.2.4). */
export function sameSecretHash(a: SecretHash, b: SecretHash): boolean {
  if (a.length !== left.length || b.length !== right.length) return false
  encoder.encodeInto(a, left)
  encoder.encodeInto(b, right)
  return timingSafeEqual(left, right)
}
