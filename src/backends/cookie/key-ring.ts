import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from 'node:crypto'
import { hkdfSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { drawText } from '../../core/key.ts'

/** A secret of the key ring: text of at least 32 characters, or at least 32 bytes. */
export type Secret = string | Uint8Array

/** The keys that seal and open. */
export interface KeyRing {
  /** Seals `plain` with the newest key: `<key id>.<base64url>`. */
  readonly seal: (plain: string) => string
  /** What `text` seals, or `undefined` when no key of the ring has sealed it for this audience. Never throws. */
  readonly open: (text: string) => { readonly plain: string; readonly newest: boolean } | undefined
}

/** What is derived from one secret. */
interface RingKey {
  readonly id: string
  readonly master: KeyObject
  readonly associated: Buffer
  readonly newest: boolean
}

const LEAST_SECRET = 32
const ID_BYTES = 6
const ID_LENGTH = 8
const SALT_BYTES = 24
const TAG_BYTES = 16
const ALGORITHM = 'aes-256-gcm'
// The id of a key is derived with the version and the algorithm in it, so that no sealed text can choose another
// (ASVS 9.1.2): a new version of either is a new id.
const VERSION = `sojourn/backends/cookie 1 ${ALGORITHM}`

/**
 * Makes the ring of `secrets`, newest first, for one audience.
 *
 * @throws TypeError when there is no secret, one is too short, or one is there twice.
 */
export function createKeyRing(secrets: readonly Secret[], audience: string): KeyRing {
  if (!Array.isArray(secrets) || secrets.length === 0) {
    throw new TypeError('"secrets" must be an array of at least one secret, the newest first')
  }
  const keys = secrets.map((secret, at) => deriveKey(bytesOf(secret, at), audience, at === 0))
  const byId = new Map(keys.map((key) => [key.id, key]))
  const [newest] = keys
  if (newest === undefined || byId.size !== keys.length) {
    throw new TypeError('"secrets" must hold each secret once')
  }
  return {
    seal: (plain) => seal(newest, plain),
    open: (text) => {
      const key = text[ID_LENGTH] === '.' ? byId.get(text.slice(0, ID_LENGTH)) : undefined
      const plain = key && open(key, text.slice(ID_LENGTH + 1))
      return plain === undefined ? undefined : { plain, newest: key === newest }
    },
  }
}

function bytesOf(secret: unknown, at: number): Buffer {
  const long = (typeof secret === 'string' || secret instanceof Uint8Array) && secret.length
  if (long === false || long < LEAST_SECRET) {
    throw new TypeError(
      `"secrets[${at}]" must be text of at least ${LEAST_SECRET} characters, or as many bytes`,
    )
  }
  return Buffer.from(secret as Uint8Array)
}

function deriveKey(secret: Buffer, audience: string, newest: boolean): RingKey {
  const derive = (use: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', `${VERSION} ${use}`, length))
  const id = derive('key id', ID_BYTES).toString('base64url')
  const associated = Buffer.from(`${VERSION} session\0${id}\0${audience}`)
  return { id, master: createSecretKey(derive('key', 32)), associated, newest }
}

/**
 * The key and the nonce of one sealed text. With 96 random bits of nonce under one key, GCM is safe for 2^32 texts
 * (NIST SP 800-38D §8.3), which a busy site reaches in weeks; with 192 random bits for both, nobody reaches the end.
 */
function materialOf({ master }: RingKey, salt: Buffer): { key: KeyObject; nonce: Buffer } {
  const material = createHmac('sha512', master).update(salt).digest()
  // As a `KeyObject`: what is none has Node 24 throw two errors of its own first, which costs more than the cipher.
  return { key: createSecretKey(material.subarray(0, 32)), nonce: material.subarray(32, 44) }
}

function seal(ring: RingKey, plain: string): string {
  const salt = Buffer.from(drawText(SALT_BYTES), 'base64url')
  const { key, nonce } = materialOf(ring, salt)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(ring.associated)
  const parts = [salt, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]
  return `${ring.id}.${Buffer.concat(parts).toString('base64url')}`
}

function open(ring: RingKey, body: string): string | undefined {
  const bytes = Buffer.from(body, 'base64url')
  if (bytes.length <= SALT_BYTES + TAG_BYTES) return undefined
  // The decoder passes over what is no base64url: one text must not have many spellings.
  if (bytes.toString('base64url') !== body) return undefined
  const { key, nonce } = materialOf(ring, bytes.subarray(0, SALT_BYTES))
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(ring.associated)
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const plain = decipher.update(bytes.subarray(SALT_BYTES, -TAG_BYTES))
    decipher.final()
    return plain.toString('utf8')
  } catch {
    return undefined
  }
}
