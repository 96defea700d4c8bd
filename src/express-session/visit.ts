import { readCookies } from '../http/cookie-header.ts'
import { Cookie, evictionOf } from './cookie.ts'
import type { GatedResponse } from './gate.ts'
import type { Keeper, Kept, SentId } from './keeper.ts'
import type { CheckedOptions } from './options.ts'
import { isSecure, resolveAuto } from './secure.ts'
import type { SecureRequest } from './secure.ts'
import { Session } from './session.ts'
import type { SessionHolder } from './session.ts'
import { sign, unsign } from './signature.ts'
import type { Secret } from './signature.ts'
import { objectOf } from './texts.ts'
import { Track, trackOf } from './track.ts'
import type { TrackHost } from './track.ts'

/** What is read of a request, and put on it. */
export interface VisitedRequest extends SessionHolder, SecureRequest {
  readonly originalUrl?: string
  readonly url?: string
}

/** What is read of a response, and written to it. */
export interface VisitedResponse extends GatedResponse {
  getHeader?(name: string): unknown
}

// Of cookies with one name, so many are looked up: as in this package's own managers.
const MOST_READS = 4
const warned = new WeakSet<CheckedOptions>()
const visits = new WeakMap<object, Visit>()

/** Puts a new session on a request that the middleware has seen. */
export function renewSession(request: object): void {
  visits.get(request)?.renew()
}

/** One request's way through the middleware. */
export class Visit implements TrackHost {
  readonly keeper: Keeper
  readonly #options: CheckedOptions
  readonly #request: VisitedRequest
  readonly #response: VisitedResponse
  readonly #sent: readonly SentId[]
  /** The id of the client's cookie. */
  #sentId: string | undefined
  /** The session that was last put on the request. */
  #last: Track | undefined
  /** The cookie of the client's session, when that has been ended by this request. */
  #evicted: Cookie | undefined

  constructor(options: CheckedOptions, request: VisitedRequest, response: VisitedResponse) {
    this.#options = options
    this.#request = request
    this.#response = response
    this.keeper = options.keeper
    this.#sent = sentIds(request.headers.cookie ?? '', options.name, options.secrets)
    this.#sentId = this.#sent[0]?.sid
    visits.set(request, this)
  }

  /** Puts the client's session on the request, or a new one: at once, where the client has sent no id. */
  start(): Promise<void> | undefined {
    if (this.#sent.length > 0) return this.#find()
    this.renew()
    return undefined
  }

  renew(): void {
    const request = this.#request
    request.sessionID = this.keeper.draw(request)
    const { cookieOf, proxy } = this.#options
    this.#put(new Cookie(resolveAuto(cookieOf(request), isSecure(request, proxy))), {}, undefined)
  }

  show(kept: Kept): void {
    this.#request.sessionID = kept.sid
    this.#put(kept.cookie, objectOf(kept.texts), kept)
  }

  ended({ id, cookie }: Session): void {
    if (id === this.#sentId) this.#evicted = cookie
  }

  /** Saves what is to be saved, and sets the cookie. */
  finish(): Promise<void> | undefined {
    const work = this.#settle(false)
    if (work !== undefined) return work.then(() => this.#setCookie())
    this.#setCookie()
    return undefined
  }

  /** Saves what has been changed since the headers left. A session that was never saved has no cookie, and is dropped. */
  finishBody(): Promise<void> | undefined {
    return this.#settle(true)
  }

  async #find(): Promise<void> {
    for (const each of this.#sent) {
      const kept = await this.keeper.find(each)
      if (kept === undefined) continue
      this.#sentId = each.sid
      return this.show(kept)
    }
    return this.renew()
  }

  #put(cookie: Cookie, data: object, kept: Kept | undefined): void {
    const session = new Session(this.#request, { ...data, cookie })
    this.#request.session = session
    this.#last = new Track(session, this, kept)
  }

  #settle(headersLeft: boolean): Promise<void> | undefined {
    const last = this.#last
    // A save that failed has told its caller. What it has left undone is tried again.
    if (last?.work !== undefined) return last.work.then(() => this.#settle(headersLeft))
    const { session } = this.#request
    if (session === undefined || session === null) {
      const destroys = this.#options.unsetDestroys && last?.ended === false
      return destroys ? last.destroy() : undefined
    }
    const track = trackOf(session)
    if (track === undefined || track.ended) return undefined
    if (!headersLeft) return this.#keep(track, session as Session)
    return track.kept !== undefined && track.isModified() ? track.save() : undefined
  }

  #keep(track: Track, session: Session): Promise<void> | undefined {
    const { resave, saveUninitialized } = this.#options
    const modified = track.isModified()
    session.touch()
    if (track.kept === undefined) return modified || saveUninitialized ? track.save() : undefined
    if (modified || (resave && this.keeper.resaves && !track.confirmed)) return track.save()
    if (track.confirmed) return undefined
    const touching = track.touch()
    // One that has moved gets a cookie, and must not get it after it has ended.
    return session.id === this.#sentId
      ? touching
      : Promise.resolve(touching).then(() => track.confirm())
  }

  #setCookie(): void {
    const { session } = this.#request
    const track = trackOf(session)
    const { name, proxy, rolling, secrets } = this.#options
    if (track === undefined || track.kept === undefined || track.ended) {
      if (this.#evicted !== undefined) this.#append(evictionOf(this.#evicted, name))
      return
    }
    const { id, cookie } = session as Session
    const known = id === this.#sentId && this.#evicted === undefined
    if (known && !rolling && !track.cookieChanged && !(track.changed && cookie.expires)) return
    if (cookie.secure && !isSecure(this.#request, proxy)) return this.#warn()
    const [secret] = secrets
    if (secret !== undefined) this.#append(cookie.serialize(name, `s:${sign(id, secret)}`))
  }

  #append(line: string): void {
    const response = this.#response
    const before = response.getHeader?.('Set-Cookie') ?? []
    response.setHeader?.('Set-Cookie', [before, line].flat())
    if (response.getHeader?.('Cache-Control') === undefined) {
      response.setHeader?.('Cache-Control', 'no-store')
    }
  }

  #warn(): void {
    if (warned.has(this.#options)) return
    warned.add(this.#options)
    process.emitWarning(
      'the session cookie is "secure" and the connection is not, so it was not set: behind a proxy, set "trust proxy"',
    )
  }
}

function sentIds(header: string, name: string, secrets: readonly Secret[]): readonly SentId[] {
  const found = new Map<string, SentId>()
  for (const raw of readCookies(header, name)) {
    const text = decoded(raw)
    const signed = text.startsWith('s:') ? unsign(text.slice(2), secrets) : undefined
    if (signed === undefined || found.has(signed.value) || found.size === MOST_READS) continue
    found.set(signed.value, { sid: signed.value, secret: signed.secret })
  }
  return [...found.values()]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
