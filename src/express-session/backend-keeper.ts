import { systemClock } from '../core/clock.ts'
import { InvalidValueError, SessionConflictError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import { generateKey, isHandle } from '../core/key.ts'
import type { Key } from '../core/key.ts'
import { MAX_PERIOD } from '../core/period.ts'
import type { Period } from '../core/period.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import { cookieOf } from './cookie.ts'
import type { Cookie } from './cookie.ts'
import type { Draft, Keeper, Kept } from './keeper.ts'
import { applyChange, jsonOf, textsOf } from './texts.ts'
import type { Texts } from './texts.ts'

const DEADLINE_MS = 10_000
const LONGEST_WAIT_MS = 32

/** The value of a session that has ended, for as long as a request that knew it may be under way. */
const ENDED = 'null'
const ENDED_PERIOD: Period = 300

/** Keeps sessions on a backend: each id is a key, each write is conditional, and none creates. */
export function createBackendKeeper(backend: SessionBackend): Keeper {
  async function find({ sid }: { readonly sid: string }): Promise<Kept | undefined> {
    const found = await backend.get(sid)
    if (!found.ok) return undefined
    const { value, version, period, touchDue } = found
    const read = keptOf(sid, value)
    if (read === undefined) return undefined
    // The end is the backend's affair: what is stored of the cookie says only how long each use lasts.
    const { cookie } = read
    if (cookie.originalMaxAge !== null) cookie._expires = new Date(Date.now() + period * 1000)
    return { ...read, version, touchDue }
  }

  async function save(kept: Kept, { change, cookie, cookieChanged }: Draft) {
    const deadline = systemClock.now() + DEADLINE_MS
    let current: Kept | undefined = kept
    for (let attempt = 0; current !== undefined; attempt++) {
      const texts = applyChange(current.texts, change)
      const own = cookieChanged ? cookie : current.cookie
      const options = { version: current.version, expiry: expiryOf(own) }
      const done = await backend.set(kept.sid, textOf(texts, own), options)
      if (done.ok) return { sid: kept.sid, texts, cookie: own, version: done.version }
      if (done.reason === 'not_found') return undefined
      if (systemClock.now() >= deadline) throw new SessionConflictError('too many writes at once')
      await systemClock.sleep(Math.random() * Math.min(2 ** attempt / 4, LONGEST_WAIT_MS))
      current = await find(kept)
    }
    return undefined
  }

  return {
    resaves: false,
    draw: () => generateKey(),
    find,
    save,

    async create(sid, texts, cookie) {
      const value = textOf(texts, cookie)
      await backend.generate({ key: sid as Key, value, expiry: expiryOf(cookie) })
      return { sid, texts, cookie, version: 1 }
    },

    touch({ sid, touchDue }) {
      return touchDue === undefined ? undefined : backend.touch(sid, touchDue).then(() => {})
    },

    async destroy(sid) {
      if (isHandle(sid)) await backend.clearHandle(sid)
      else await backend.clear(sid)
    },

    async clear() {
      await backend.clearAll()
    },
  }
}

/**
 * Ends the session of `key` and keeps its place for a while, so that a request that has read what was there before
 * does not make it again.
 */
export async function occupy(backend: SessionBackend, key: Key): Promise<void> {
  const ended = await backend.set(key, ENDED, { expiry: ENDED_PERIOD })
  if (ended.ok) return
  try {
    await backend.generate({ key, value: ENDED, expiry: ENDED_PERIOD })
  } catch (error) {
    if (!(error instanceof SessionConflictError)) throw error
    // Made since: it is there now to be ended.
    await backend.set(key, ENDED, { expiry: ENDED_PERIOD })
  }
}

/** The seconds that a cookie asks for, or `undefined` for the backend's own. */
function expiryOf({ originalMaxAge }: Cookie): Period | undefined {
  if (originalMaxAge === null) return undefined
  return Math.min(Math.max(Math.ceil(originalMaxAge / 1000), 0), MAX_PERIOD)
}

function textOf(texts: Texts, cookie: Cookie): string {
  return jsonOf(texts, { ...cookie.data, expires: undefined })
}

function keptOf(sid: string, value: string): Kept | undefined {
  if (value === ENDED) return undefined
  const data = parseJson(value)
  if (typeof data !== 'object' || data === null) {
    throw new InvalidValueError('the stored value is no session of express-session')
  }
  return { sid, texts: textsOf(data), cookie: cookieOf('cookie' in data ? data.cookie : undefined) }
}
