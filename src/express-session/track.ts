import { settingsOf } from './cookie.ts'
import type { Keeper, Kept } from './keeper.ts'
import type { Session } from './session.ts'
import { changeOf, textsOf } from './texts.ts'
import type { Texts } from './texts.ts'

const tracks = new WeakMap<Session, Track>()

/** What the middleware knows of a session; `undefined` for one that it has not made. */
export function trackOf(session: unknown): Track | undefined {
  return typeof session === 'object' && session !== null
    ? tracks.get(session as Session)
    : undefined
}

/** What a session asks of its request's middleware. */
export interface TrackHost {
  readonly keeper: Keeper
  /** Puts a new session in the place of the one that was there. */
  renew(): void
  /** Hears that the application has ended a session. */
  ended(session: Session): void
  /** Puts a session in the place of the one that was there, as it is kept now. */
  show(kept: Kept): void
}

/** One session object beside what is kept of it. */
export class Track {
  readonly #session: Session
  readonly #host: TrackHost
  /** The session as it was when last read or saved. */
  #before: Texts
  #settings: string
  #work: Promise<void> | undefined
  #kept: Kept | undefined
  #ended = false
  #confirmed = false
  #changed = false
  #cookieChanged = false

  constructor(session: Session, host: TrackHost, kept: Kept | undefined) {
    this.#session = session
    this.#host = host
    this.#kept = kept
    this.#before = kept === undefined ? new Map() : textsOf(session)
    this.#settings = settingsOf(session.cookie)
    tracks.set(session, this)
  }

  /** What is kept of the session; `undefined` for one that was never saved. */
  get kept(): Kept | undefined {
    return this.#kept
  }

  /** Whether the session has ended while this object was in use. */
  get ended(): boolean {
    return this.#ended
  }

  /** Whether the keeper has been seen to have the session since it was put on the request. */
  get confirmed(): boolean {
    return this.#confirmed
  }

  /** Whether a change has been saved. */
  get changed(): boolean {
    return this.#changed
  }

  /** Whether a change of the cookie has been saved. */
  get cookieChanged(): boolean {
    return this.#cookieChanged
  }

  /** What is under way; `undefined` where nothing is. */
  get work(): Promise<void> | undefined {
    return this.#work
  }

  /** Whether there is a change to save: in the data, or in the cookie of a session that is kept. */
  isModified(): boolean {
    if (changeOf(this.#before, textsOf(this.#session)).size > 0) return true
    return this.#kept !== undefined && settingsOf(this.#session.cookie) !== this.#settings
  }

  /** Saves the session: what has been changed of it, or that it is in use. */
  save(): Promise<void> {
    return this.#inTurn(() => this.#write())
  }

  /** Looks whether the session is still kept. */
  async confirm(): Promise<void> {
    if ((await this.#host.keeper.find({ sid: this.#session.id })) === undefined) this.#ended = true
    else this.#confirmed = true
  }

  touch(): Promise<void> | undefined {
    return this.#kept === undefined || this.#ended
      ? undefined
      : this.#host.keeper.touch(this.#kept, this.#session)
  }

  async reload(): Promise<void> {
    await this.#work
    const kept = await this.#host.keeper.find({ sid: this.#session.id })
    if (kept === undefined) throw new Error('failed to load session')
    this.#host.show({ ...kept, sid: this.#session.id })
  }

  destroy(): Promise<void> {
    return this.#inTurn(async () => {
      this.#ended = true
      if (this.#kept !== undefined) await this.#host.keeper.destroy(this.#session.id)
      this.#host.ended(this.#session)
    })
  }

  async regenerate(): Promise<void> {
    await this.destroy()
    this.#host.renew()
  }

  async #write(): Promise<void> {
    if (this.#ended) return
    const { keeper } = this.#host
    const { id: sid, cookie } = this.#session
    const now = textsOf(this.#session)
    const settings = settingsOf(cookie)
    const change = changeOf(this.#before, now)
    if (this.#kept === undefined) {
      this.#kept = await keeper.create(sid, now, cookie)
      this.#changed = true
    } else {
      const cookieChanged = settings !== this.#settings
      const kept = await keeper.save(this.#kept, { change, cookie, cookieChanged })
      if (kept === undefined) {
        this.#ended = true
        return
      }
      this.#kept = kept
      this.#changed ||= change.size > 0
      this.#cookieChanged ||= cookieChanged
    }
    this.#confirmed = true
    this.#before = now
    this.#settings = settings
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#work === undefined ? step() : this.#work.then(step)
    const work = done.then(ignore, ignore).then(() => {
      if (this.#work === work) this.#work = undefined
    })
    this.#work = work
    return done
  }
}

function ignore(): void {}
