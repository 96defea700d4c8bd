import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Session } from '../../core/session.ts'

// What is made for one purpose must not pass for another (ASVS 9.2.2).
const PURPOSE = 'sojourn cross-site token 1'
const BYTES = 32
const SHAPE = /^[A-Za-z0-9_-]{86}$/

/**
 * A token of the session: an HMAC, behind a mask that is drawn anew for each, so that no two look alike and compressed
 * pages give nothing away (BREACH).
 */
export function tokenOf(session: Session, secrets: readonly string[] | undefined): string {
  const mask = randomBytes(BYTES)
  return Buffer.concat([mask, xor(mask, macOf(session, secrets?.[0]))]).toString('base64url')
}

/** Whether `token` is one of the session's. The time it takes does not depend on where the two differ. */
export function isTokenOf(
  session: Session,
  secrets: readonly string[] | undefined,
  token: string,
): boolean {
  if (!SHAPE.test(token)) return false
  const bytes = Buffer.from(token, 'base64url')
  const mac = xor(bytes.subarray(0, BYTES), bytes.subarray(BYTES))
  const accepted: readonly (string | undefined)[] = secrets ?? [undefined]
  return accepted.some((secret) => timingSafeEqual(mac, macOf(session, secret)))
}

/**
 * By the session's own secret, which every change of the key changes; or by the server's, on what renewals leave alone
 * and a login changes. Each part is framed by its length, so that none can be shifted into the next.
 */
function macOf(session: Session, secret: string | undefined): Buffer {
  const { key, handle = key, authenticatedAt } = session
  const parts = [PURPOSE, handle, String(authenticatedAt?.getTime() ?? '')]
  const message = parts.map((part) => `${part.length}:${part}`).join('')
  return createHmac('sha256', secret ?? key)
    .update(message)
    .digest()
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)))
}
