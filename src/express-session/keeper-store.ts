import { SessionGoneError } from '../core/errors.ts'
import type { Keeper, Kept } from './keeper.ts'
import { settle } from './session.ts'
import type { Callback } from './session.ts'
import { cookieOf } from './cookie.ts'
import { Store } from './store.ts'
import type { Answer, StoredSession } from './store.ts'
import { changeOf, objectOf, textsOf } from './texts.ts'

/**
 * What `req.sessionStore` is on a backend: its sessions, as a store of express-session shows them. A write here
 * replaces the whole session, creates none, and gives `SessionGoneError` where there is none.
 */
export class KeeperStore extends Store {
  readonly #keeper: Keeper

  constructor(keeper: Keeper) {
    super()
    this.#keeper = keeper
  }

  override get(sid: string, callback: Answer): void {
    this.#keeper.find({ sid }).then(
      (kept) => process.nextTick(callback, null, kept && dataOf(kept)),
      (error: unknown) => process.nextTick(callback, error),
    )
  }

  override set(sid: string, session: StoredSession, callback?: Callback): void {
    settle(this.#set(sid, session), callback)
  }

  override touch(sid: string, session: StoredSession, callback?: Callback): void {
    const touching = this.#keeper.find({ sid }).then(async (kept) => {
      if (kept !== undefined) await this.#keeper.touch(kept, session as never)
    })
    settle(touching, callback)
  }

  override destroy(sid: string, callback?: Callback): void {
    settle(this.#keeper.destroy(sid), callback)
  }

  override clear(callback?: Callback): void {
    settle(this.#keeper.clear(), callback)
  }

  async #set(sid: string, session: StoredSession): Promise<void> {
    const kept = await this.#keeper.find({ sid })
    const change = kept && changeOf(kept.texts, textsOf(session))
    const cookie = cookieOf(session.cookie)
    const saved = change && (await this.#keeper.save(kept, { change, cookie, cookieChanged: true }))
    if (saved === undefined) throw new SessionGoneError('the session has ended')
  }
}

function dataOf({ texts, cookie }: Kept): StoredSession {
  return { ...objectOf(texts), cookie }
}
