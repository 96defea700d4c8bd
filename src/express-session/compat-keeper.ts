import { createHmac } from 'node:crypto'
import { SessionConflictError } from '../core/errors.ts'
import { isHandle, isKey } from '../core/key.ts'
import type { Key } from '../core/key.ts'
import type { SessionBackend } from '../core/session-backend.ts'
import { createBackendKeeper, occupy } from './backend-keeper.ts'
import type { Keeper, Kept, SentId } from './keeper.ts'
import type { Secret } from './signature.ts'

/** What becomes of the sessions in the old store: they stay there, or move to the backend at their next request. */
export type Compat = 'shared' | 'upgrade'

/** Options of `createCompatKeeper`. */
export interface CompatOptions {
  readonly old: Keeper
  readonly backend: SessionBackend
  readonly compat: Compat
  readonly secrets: readonly Secret[]
}

/**
 * The key that a session of the old store gets on the backend. It follows from the old id and the secret that has
 * signed its cookie: requests at once agree on it, whichever process they reach, and a client whose new cookie was
 * lost finds the session again by the old one. Whoever reads the old store cannot compute it.
 */
export function derivedKey(sid: string, secret: Secret): Key {
  const draw = (part: string, length: number): string =>
    createHmac('sha256', secret)
      .update(`sojourn express-session ${part} ${sid}`)
      .digest('base64url')
      .slice(0, length)
  return `${draw('record', 22)}.${draw('secret', 43)}` as Key
}

/**
 * Keeps sessions in two places on the way from one to the other. Both modes find a session wherever it is, so that
 * processes of both may run side by side; they differ in where new ones go, and in whether old ones move.
 */
export function createCompatKeeper({ old, backend, compat, secrets }: CompatOptions): Keeper {
  const ours = createBackendKeeper(backend)
  const homeOf = (sid: string): Keeper => (isKey(sid) ? ours : old)
  const derived = (sid: string): Key[] => secrets.map((secret) => derivedKey(sid, secret))

  async function move(kept: Kept, key: Key): Promise<void> {
    try {
      await ours.create(key, kept.texts, kept.cookie)
    } catch (error) {
      // Another request has moved it, or ended it.
      if (!(error instanceof SessionConflictError)) throw error
    }
    await old.destroy(kept.sid)
  }

  async function find(sent: SentId): Promise<Kept | undefined> {
    const { sid, secret } = sent
    if (homeOf(sid) === ours) return ours.find(sent)
    const kept = await old.find(sent)
    const keys = secret === undefined ? derived(sid) : [derivedKey(sid, secret)]
    if (kept !== undefined) {
      if (compat === 'shared' || secret === undefined) return kept
      for (const key of keys) await move(kept, key)
    }
    return firstOf(keys)
  }

  async function firstOf(keys: readonly Key[]): Promise<Kept | undefined> {
    for (const key of keys) {
      const found = await ours.find({ sid: key })
      if (found !== undefined) return found
    }
    return undefined
  }

  return {
    resaves: old.resaves,
    draw: (request) => (compat === 'shared' ? old : ours).draw(request),
    find,
    create: (sid, texts, cookie) => homeOf(sid).create(sid, texts, cookie),

    async save(kept, draft) {
      if (homeOf(kept.sid) === ours) return ours.save(kept, draft)
      const saved = await old.save(kept, draft)
      if (saved !== undefined) return saved
      const moved = await firstOf(derived(kept.sid))
      return moved && ours.save(moved, draft)
    },

    touch: (kept, session) => homeOf(kept.sid).touch(kept, session),

    async destroy(sid) {
      if (isKey(sid)) return occupy(backend, sid)
      // An id of the old store may look like a handle: it is ended as either.
      if (isHandle(sid)) await ours.destroy(sid)
      for (const key of derived(sid)) await occupy(backend, key)
      await old.destroy(sid)
    },

    async clear() {
      await ours.clear()
      await old.clear()
    },
  }
}
