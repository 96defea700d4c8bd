// Not a library either: most of what Sojourn does in a request, written by hand for one value and a store in memory that
// is never swept. No renewal, subjects, second cookies of the same name, events or copies for whoever looks.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ATTRIBUTES, keyIn, NAME } from './cookie.mjs'
import { DAY, valueOf } from './value.mjs'

const SHAPE = /^[\w-]{22}\.[\w-]{43}$/
const ABSOLUTE = 30 * DAY
const TOUCH_MS = (DAY / 20) * 1000

const hashOf = (key) => hash('sha256', key.slice(23), 'base64url')

/**
 * Keys of a public and a secret half; the hash compared in constant time; both timeouts; a use that moves the expiry
 * when that is due; a write that changes only the version that was read, and gives what was stored.
 */
function createGuarded() {
  const records = new Map()
  const find = (key) => {
    const nowMs = Date.now()
    const record = SHAPE.test(key) ? records.get(key.slice(0, 22)) : undefined
    if (record === undefined || nowMs >= record.expiresAtMs) throw new Error('no session')
    if (!timingSafeEqual(Buffer.from(record.hash), Buffer.from(hashOf(key)))) throw new Error('no')
    return { record, nowMs }
  }
  const expiryOf = ({ deadlineMs }, nowMs) => Math.min(nowMs + DAY * 1000, deadlineMs)
  return {
    login: () => {
      const key = `${randomBytes(16).toString('base64url')}.${randomBytes(32).toString('base64url')}`
      const nowMs = Date.now()
      const record = { hash: hashOf(key), version: 1, text: JSON.stringify(valueOf(0)) }
      record.deadlineMs = nowMs + ABSOLUTE * 1000
      record.expiresAtMs = expiryOf(record, nowMs)
      records.set(key.slice(0, 22), record)
      return key
    },
    /** Tells whether the cookie must be set again, too. */
    read: (key) => {
      const { record, nowMs } = find(key)
      const moved = expiryOf(record, nowMs)
      const touched = moved - record.expiresAtMs >= TOUCH_MS
      if (touched) record.expiresAtMs = moved
      return { value: JSON.parse(record.text), version: record.version, touched }
    },
    write: (key, value, version) => {
      const { record, nowMs } = find(key)
      if (record.version !== version) throw new Error('conflict')
      record.text = JSON.stringify(value)
      record.version++
      record.expiresAtMs = expiryOf(record, nowMs)
      // What a write gives is what the next read will give.
      return JSON.parse(record.text)
    },
  }
}

/** What the endpoints of a server do by it, with the headers that belong to it: as `floorVisits`. */
export function guardedVisits({ cookieOf, setHeader }) {
  const guarded = createGuarded()
  const announce = (key, given) => {
    setHeader('Set-Cookie', NAME + key + ATTRIBUTES, ...given)
    setHeader('Cache-Control', 'no-store', ...given)
  }
  const read = async (key, given) => {
    setHeader('Vary', 'Cookie', ...given)
    const found = guarded.read(key)
    if (found.touched) announce(key, given)
    return found
  }
  return {
    login: async (...given) => announce(guarded.login(), given),
    read: async (...given) => (await read(keyIn(cookieOf(...given)), given)).value,
    count: async (...given) => {
      const key = keyIn(cookieOf(...given))
      const { value, version } = await read(key, given)
      value.n++
      const written = guarded.write(key, value, version)
      announce(key, given)
      return written.n
    },
  }
}
