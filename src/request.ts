import { assertBinding } from './core/authentication.ts'
import { callAtOnce, isPromise, whenDone } from './core/awaitable.ts'
import type { Awaitable } from './core/backend.ts'
import { HeadersSentError, INVALID, InvalidValueError } from './core/errors.ts'
import { assertFunction } from './core/options.ts'
import type { Period } from './core/period.ts'
import type { DeepReadonly, Given } from './core/readonly.ts'
import { assertSession, isCleared, stateOf } from './core/session.ts'
import type { Session } from './core/session.ts'
import { assertSubject } from './core/subject.ts'
import type { HeaderSource } from './http/header-source.ts'
import type {
  BindSessionOptions,
  Change,
  GenerateSessionOptions,
  HeaderField,
  LookupReason,
  RecentAuthenticationOptions,
  RotateSessionOptions,
  SessionManager,
  UpdateOptions,
} from './manager/session-manager.ts'
import { makeDue } from './request/due.ts'
import { checkRequestOptions } from './request/options.ts'
import type {
  RequestSession,
  RequestSessionOptions,
  ResponseHead,
} from './request/request-session.ts'

export type * from './request/request-session.ts'

/**
 * Makes the session of one request. Adapters call it; applications use an adapter.
 *
 * @throws TypeError for an option of the wrong type.
 */
export function createRequestSession<V, I = V>(
  manager: SessionManager<V, I>,
  headers: HeaderSource,
  head: ResponseHead,
  options: RequestSessionOptions = {},
): RequestSession<V, I> {
  return new LazySession(manager, headers, head, checkRequestOptions(options))
}

const VARY: readonly HeaderField[] = [['Vary', 'Cookie']]

/** Whether `session` is one that `createRequestSession` has made for that manager. */
export function isSessionOf(session: unknown, manager: object): boolean {
  return session instanceof LazySession && session.isOf(manager)
}

class LazySession<V, I> implements RequestSession<V, I> {
  readonly #manager: SessionManager<V, I>
  readonly #headers: HeaderSource
  readonly #head: ResponseHead
  readonly #options: Required<RequestSessionOptions>
  // Nothing before the first use; from then on the session that there is, or `null` if there is none.
  #session: Awaitable<Session<V> | null> | undefined
  #creation: Promise<Session<V>> | undefined
  // The session that this request made last: the cookie is its own from then on.
  #made: Session<V> | undefined
  #missed: LookupReason | 'no_cookie' | undefined

  constructor(
    manager: SessionManager<V, I>,
    headers: HeaderSource,
    head: ResponseHead,
    options: Required<RequestSessionOptions>,
  ) {
    this.#manager = manager
    this.#headers = headers
    this.#head = head
    this.#options = options
  }

  isOf(manager: object): boolean {
    return this.#manager === manager
  }

  async load(): Promise<Session<V> | undefined> {
    return this.#live()
  }

  async loadOrCreate(value: Given<I>, options: GenerateSessionOptions = {}): Promise<Session<V>> {
    return (await this.load()) ?? (await this.#createOnce(value, options)).session
  }

  async set(value: Given<I>, options: { expiry?: Period | undefined } = {}): Promise<Session<V>> {
    this.#assertOpen()
    let session = await this.#live()
    if (session === undefined) {
      const made = await this.#createOnce(value, options)
      if (made.created) return made.session
      session = made.session
    }
    const change = { value, expiry: options.expiry }
    await this.#write(session, () => callAtOnce(this.#manager, 'set', session, change))
    return session
  }

  async update(
    fn: Change<DeepReadonly<V> | undefined, I>,
    options: UpdateOptions = {},
  ): Promise<DeepReadonly<V> | undefined> {
    this.#assertOpen()
    assertFunction('fn', fn)
    let session = await this.#live()
    if (session === undefined) {
      const value = await fn(undefined)
      if (value === undefined) return undefined
      const made = await this.#createOnce(value, { expiry: options.expiry })
      if (made.created) return made.session.value
      session = made.session
    }
    return this.#write(session, () => callAtOnce(this.#manager, 'update', session, fn, options))
  }

  async clear(): Promise<void> {
    this.#assertOpen()
    const creation = this.#creation
    const session = await this.#current()
    if (session !== undefined) {
      await this.#write(session, () => this.#manager.clear(session))
    } else if (this.#missed !== 'no_cookie') {
      const had = await this.#manager.clearFromHeaders(this.#headers)
      if (had && this.#creation === creation) this.#send(this.#manager.clearHeaders())
    }
    // A session that another call of this request has begun meanwhile is not the one that was to end.
    if (this.#creation !== creation) return
    // From here on the request is one without a cookie.
    this.#missed = 'no_cookie'
    this.#session = null
    this.#creation = undefined
  }

  async rotate(options: RotateSessionOptions = {}): Promise<void> {
    this.#assertOpen()
    const session = await this.load()
    if (session === undefined) return
    await this.#write(session, () => this.#manager.rotate(session, options))
  }

  async bind(
    subject: string,
    value: Given<I>,
    options: BindSessionOptions<V, I> = {},
  ): Promise<Session<V>> {
    this.#assertOpen()
    assertSubject(subject)
    assertBinding(options)
    const { carryOver: _, ...generation } = options
    let session = await this.load()
    while (session === undefined || isOfAnother(session, subject)) {
      // What one user left in a session is not for the next one at the same browser.
      if (session !== undefined) await this.clear()
      const made = await this.#createOnce(value, { ...generation, subject })
      if (made.created) return made.session
      session = made.session
    }
    const bound = session
    await this.#write(bound, () => this.#manager.bind(bound, subject, options))
    return bound
  }

  async requireRecentAuthentication(
    seconds: Period,
    options: RecentAuthenticationOptions = {},
  ): Promise<Session<V>> {
    const session = await this.load()
    await this.#manager.requireRecentAuthentication(session, seconds, options)
    // One that is wrapped might let nobody pass.
    assertSession(session)
    return session
  }

  #live(): Awaitable<Session<V> | undefined> {
    return whenDone(this.#load(), liveOf)
  }

  /** The session that the request came with, read at the first call; a fault is not remembered. */
  #load(): Awaitable<Session<V> | null> {
    if (this.#session !== undefined) return this.#session
    const reading = this.#read()
    this.#session = reading
    if (isPromise(reading)) {
      reading.then(undefined, () => {
        if (this.#session === reading) this.#session = undefined
      })
    }
    return reading
  }

  #read(): Awaitable<Session<V> | null> {
    if (!this.#head.sent()) this.#head.write(VARY)
    return whenDone(callAtOnce(this.#manager, 'fromHeaders', this.#headers), (found) => {
      if (found.ok) {
        const { touchDue, renewal } = stateOf(found.session)
        const idle = touchDue === undefined && renewal === undefined
        return idle ? found.session : this.#renewed(found.session)
      }
      this.#missed = found.reason
      if (found.reason === 'invalid' && this.#options.onInvalid === 'reject') {
        throw new InvalidValueError(INVALID)
      }
      return null
    })
  }

  async #renewed(session: Session<V>): Promise<Session<V>> {
    await makeDue(this.#manager, session, this.#head, () => this.#announce(session))
    return session
  }

  /** The session as far as it has been loaded or made; a failed load counts as none. */
  async #current(): Promise<Session<V> | undefined> {
    try {
      return liveOf((await this.#creation) ?? (await this.#session))
    } catch {
      return undefined
    }
  }

  /** Makes the session, unless another call of this request is making it already. */
  async #createOnce(
    value: Given<I>,
    options: GenerateSessionOptions,
  ): Promise<{ session: Session<V>; created: boolean }> {
    for (let pending = this.#creation; pending !== undefined; pending = this.#creation) {
      const session = liveOf(await pending)
      if (session !== undefined) return { session, created: false }
      if (this.#creation === pending) this.#creation = undefined
    }
    this.#assertOpen()
    const creation = this.#create(value, options)
    this.#creation = creation
    try {
      const session = await creation
      return { session, created: session.modified }
    } catch (error) {
      if (this.#creation === creation) this.#creation = undefined
      throw error
    }
  }

  async #create(value: Given<I>, options: GenerateSessionOptions): Promise<Session<V>> {
    const session = await this.#generate(value, options)
    // Nobody would ever learn the key of a session made too late for a cookie.
    if (this.#head.sent() && session.modified) await this.#manager.clear(session)
    this.#made = session
    this.#announce(session)
    this.#session = session
    return session
  }

  /** A new session; where the cookie names one that nobody can use, that one is ended first. */
  #generate(value: Given<I>, options: GenerateSessionOptions): Promise<Session<V>> {
    if (this.#missed !== 'not_set' && this.#missed !== 'invalid') {
      return this.#manager.generate(value, options)
    }
    const create = { ...options, onInvalid: 'create' } as const
    return this.#manager.fromHeadersOrCreate(this.#headers, value, create)
  }

  #write<T>(session: Session<V>, run: () => Awaitable<T>): Awaitable<T> {
    this.#assertOpen()
    return whenDone(run(), (result) => {
      if (session.modified) this.#announce(session)
      return result
    })
  }

  #announce(session: Session<V>): void {
    // A write that answers late, on a session replaced meanwhile, must not take the cookie of the new one.
    if (this.#made !== undefined && this.#made !== session) return
    this.#send(this.#manager.toCookieHeaders(session, { discard: this.#options.discard }))
  }

  #send(fields: readonly HeaderField[]): void {
    this.#assertOpen()
    this.#head.write(fields)
  }

  #assertOpen(): void {
    if (this.#head.sent()) {
      throw new HeadersSentError('the session was used after the response headers had been sent')
    }
  }
}

function liveOf<V>(session: Session<V> | null | undefined): Session<V> | undefined {
  return !session || isCleared(stateOf(session)) ? undefined : session
}

function isOfAnother<V>({ subject: owner }: Session<V>, subject: string): boolean {
  return owner !== undefined && owner !== subject
}
