import { createHmac } from 'node:crypto'
import { drawText, handleOf, secretOf } from './key.ts'
import type { Key } from './key.ts'

// 256 bits.
const SALT_BYTES = 32

/** Draws the salt of a renewal. */
export function generateSalt(): string {
  return drawText(SALT_BYTES)
}

/**
 * The key that follows a well-formed key in a renewal: whoever has that key finds it by the salt, and nobody finds it
 * without that key.
 */
export function successorOf(key: Key, salt: string): Key {
  const handle = handleOf(key)
  const text = `sojourn renewal ${handle} ${salt}`
  const secret = createHmac('sha256', secretOf(key)).update(text)
  return `${handle}.${secret.digest('base64url')}` as Key
}
