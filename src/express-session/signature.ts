import { createHmac, timingSafeEqual } from 'node:crypto'
import type { BinaryLike, KeyObject } from 'node:crypto'

/** What signs the cookie: whatever `crypto.createHmac` takes. */
export type Secret = BinaryLike | KeyObject

/** `value` and its signature, as express-session signs: HMAC-SHA256 in base64 without padding, after a dot. */
export function sign(value: string, secret: Secret): string {
  return `${value}.${signatureOf(value, secret)}`
}

/** The value that was signed, and the first of `secrets` that signed it; `undefined` where none did. */
export function unsign(
  signed: string,
  secrets: readonly Secret[],
): { readonly value: string; readonly secret: Secret } | undefined {
  const dot = signed.lastIndexOf('.')
  if (dot === -1) return undefined
  const value = signed.slice(0, dot)
  const signature = Buffer.from(signed.slice(dot + 1))
  const secret = secrets.find((each) => {
    const expected = Buffer.from(signatureOf(value, each))
    return expected.length === signature.length && timingSafeEqual(expected, signature)
  })
  return secret === undefined ? undefined : { value, secret }
}

function signatureOf(value: string, secret: Secret): string {
  return createHmac('sha256', secret).update(value).digest('base64').replace(/=+$/, '')
}
