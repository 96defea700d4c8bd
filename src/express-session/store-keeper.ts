import { randomBytes } from 'node:crypto'
import { createBridgeQueue } from '../core/bridge-queue.ts'
import type { BridgeQueue } from '../core/bridge-queue.ts'
import { answerOf, isAbsence } from '../core/store-callback.ts'
import { cookieOf } from './cookie.ts'
import type { Cookie } from './cookie.ts'
import type { Keeper, Kept } from './keeper.ts'
import { applyChange, objectOf, textsOf } from './texts.ts'
import type { Texts } from './texts.ts'

/** The part of a store made for express-session that is called here. */
export interface ExpressStore {
  get(sid: string, callback: (error: unknown, session?: unknown) => void): unknown
  set(sid: string, session: never, callback: (error?: unknown) => void): unknown
  destroy(sid: string, callback: (error?: unknown) => void): unknown
  touch?(sid: string, session: never, callback: (error?: unknown) => void): unknown
  clear?(callback: (error?: unknown) => void): unknown
}

// By store and not by keeper: two middlewares over one store keep one order.
const queues = new WeakMap<ExpressStore, BridgeQueue>()

/**
 * Keeps sessions in a store made for express-session. Such a store has no conditional write, so each save reads, merges
 * and writes, in order within this process. Across processes that is the best that can be done, and no more.
 */
export function createStoreKeeper(
  store: ExpressStore,
  draw: (request: object) => string = () => randomBytes(24).toString('base64url'),
): Keeper {
  const queue = queues.get(store) ?? createBridgeQueue()
  queues.set(store, queue)

  async function find({ sid }: { readonly sid: string }): Promise<Kept | undefined> {
    let data: unknown
    try {
      data = await answerOf((callback) => store.get(sid, callback))
    } catch (error) {
      if (isAbsence(error, sid)) return undefined
      throw error
    }
    if (typeof data !== 'object' || data === null) return undefined
    const cookie = cookieOf('cookie' in data ? data.cookie : undefined)
    return { sid, texts: textsOf(data), cookie }
  }

  async function write(sid: string, texts: Texts, cookie: Cookie): Promise<Kept> {
    const session = { ...objectOf(texts), cookie }
    await answerOf((callback) => store.set(sid, session as never, callback))
    return { sid, texts, cookie }
  }

  return {
    resaves: true,
    draw,
    find,
    create: (sid, texts, cookie) => queue.exclusive([sid], () => write(sid, texts, cookie)),

    save: (kept, { change, cookie, cookieChanged }) =>
      queue.exclusive([kept.sid], async () => {
        const current = await find(kept)
        if (current === undefined) return undefined
        const own = cookieChanged ? cookie : current.cookie
        if (own.originalMaxAge !== null) own.maxAge = own.originalMaxAge
        return write(kept.sid, applyChange(current.texts, change), own)
      }),

    touch({ sid }, session) {
      if (typeof store.touch !== 'function') return undefined
      const touched = answerOf((callback) => store.touch?.(sid, session as never, callback))
      return touched.then(() => {})
    },

    destroy: (sid) =>
      queue.exclusive([sid], async () => {
        await answerOf((callback) => store.destroy(sid, callback))
      }),

    async clear() {
      if (typeof store.clear !== 'function') throw new TypeError('the store has no "clear"')
      await answerOf((callback) => store.clear?.(callback))
    },
  }
}
