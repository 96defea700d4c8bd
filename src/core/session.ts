import type { Assurance } from './assurance.ts'
import { isPromise } from './awaitable.ts'
import type { Awaitable } from './backend.ts'
import type { Clock } from './clock.ts'
import { SessionConflictError, SessionGoneError } from './errors.ts'
import { handleOf, isKey } from './key.ts'
import type { Handle, Key } from './key.ts'
import { NO_LABELS } from './labels.ts'
import type { Period } from './period.ts'
import type { DeepReadonly } from './readonly.ts'
import type { Labels, Renewal, SessionFacts, TouchDue } from './session-backend.ts'

declare const sessionBrand: unique symbol

/**
 * One session as its manager last saw it: a snapshot, and read-only. Only the manager makes one, and
 * only the manager's `set`, `update`, `clear`, `rotate`, `bind` and `touch` change what it shows – each
 * after the store has agreed. The original's `type t = private { … }`.
 *
 * `util.inspect` and `JSON.stringify` show neither key nor value.
 */
export interface Session<V = unknown> {
  readonly [sessionBrand]: true
  /** The secret key, as in the cookie. */
  readonly key: Key
  /** The value as stored, read-only however deep; `undefined` once the session is cleared. */
  readonly value: DeepReadonly<V>
  /** Seconds left when last read or written; 0 once cleared. */
  readonly expiryPeriod: Period
  /** Whether there is something to tell the client: set by every successful write, never reset. */
  readonly modified: boolean
  /** The version of the value, or `undefined` on a backend without versions. */
  readonly version: number | undefined
  /** The public name of the session, safe to show and log; `undefined` on a backend with keys of its own form. */
  readonly handle: Handle | undefined
  readonly createdAt: Date | undefined
  /** Whom the session belongs to, or `undefined`. */
  readonly subject: string | undefined
  /** When that subject last authenticated, or `undefined`. */
  readonly authenticatedAt: Date | undefined
  /** What that authentication was worth, or `undefined` where nobody has said. */
  readonly assurance: Assurance | undefined
  readonly labels: Labels
}

/** What a manager knows of a session. Only `core` and the manager see it. */
export interface SessionState<V> {
  key: Key
  /** The value as stored; `undefined` once cleared. */
  text: string | undefined
  /** The value decoded, or `undefined` until someone looks. */
  decoded: V | undefined
  expiryPeriod: Period
  modified: boolean
  version: number | undefined
  facts: SessionFacts | undefined
  /** The manager's clock when its backend had told the facts. */
  factsAtMs: number
  touchDue: TouchDue | undefined
  /** There when a cookie with this key should be set not at all, or in any case. */
  renewal: Renewal | undefined
  /** The value of a text, where nobody has looked yet. */
  readonly decode: (text: string) => V
  /** Whether the value decoded has been handed out. */
  shown: boolean
  /** The end of the line of writes on this object. */
  lastWrite: Turn | undefined
}

class ManagedSession<V> implements Session<V> {
  declare readonly [sessionBrand]: true
  readonly #state: SessionState<V>

  constructor(state: SessionState<V>) {
    this.#state = state
  }

  static stateOf<V>(session: Session<V>): SessionState<V> | undefined {
    return #state in session ? (session as unknown as ManagedSession<V>).#state : undefined
  }

  get key(): Key {
    return this.#state.key
  }

  get value(): DeepReadonly<V> {
    const state = this.#state
    state.shown = true
    if (state.decoded === undefined && state.text !== undefined) {
      state.decoded = state.decode(state.text)
    }
    return state.decoded as DeepReadonly<V>
  }

  get expiryPeriod(): Period {
    return this.#state.expiryPeriod
  }

  get modified(): boolean {
    return this.#state.modified
  }

  get version(): number | undefined {
    return this.#state.version
  }

  get handle(): Handle | undefined {
    return publicHandleOf(this.#state.key, this.#state.facts)
  }

  get createdAt(): Date | undefined {
    return dateOf(this.#state.facts?.createdAtMs)
  }

  get subject(): string | undefined {
    return this.#state.facts?.subject
  }

  get authenticatedAt(): Date | undefined {
    return dateOf(this.#state.facts?.authenticatedAtMs)
  }

  get assurance(): Assurance | undefined {
    return this.#state.facts?.extra?.assurance
  }

  get labels(): Labels {
    return this.#state.facts?.labels ?? NO_LABELS
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { expiryPeriod, modified, version } = this.#state
    return `Session { handle: ${this.handle}, version: ${version}, expiryPeriod: ${expiryPeriod}, modified: ${modified} }`
  }
}

/** The public name of the session with this key, if there is one. */
export function publicHandleOf(key: string, facts: SessionFacts | undefined): Handle | undefined {
  return isKey(key) ? handleOf(key) : facts?.handle
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}

/** Makes a session that shows `state`, whatever it becomes. */
export function createSession<V>(state: SessionState<V>): Session<V> {
  return new ManagedSession(state)
}

/**
 * The state behind a session.
 *
 * @throws TypeError when `session` was not made by a manager.
 */
export function stateOf<V>(session: Session<V>): SessionState<V> {
  const state =
    typeof session === 'object' && session !== null ? ManagedSession.stateOf(session) : undefined
  if (state === undefined) throw new TypeError('"session" must be a session made by a manager')
  return state
}

/** @throws TypeError when `session` was not made by a manager. */
export function assertSession<V>(session: Session<V> | undefined): asserts session is Session<V> {
  stateOf(session as Session<V>)
}

/** Shows the session as cleared: no value, nothing left, something to tell the client. */
export function clearState<V>(state: SessionState<V>): void {
  state.text = undefined
  state.decoded = undefined
  state.expiryPeriod = 0
  state.touchDue = undefined
  state.modified = true
}

/** Tells whether the session has been cleared through this object. */
export function isCleared<V>(state: SessionState<V>): boolean {
  return state.text === undefined
}

/**
 * Runs `write` after the writes already waiting on this object, so that each starts from the outcome
 * of the one before.
 *
 * @throws SessionGoneError when the session has been cleared through this object.
 * @throws SessionConflictError when its turn has not come after `timeoutMs`, as for a write that an
 *   `update` on the same object makes itself and then awaits.
 */
export function queueWrite<V, T>(
  state: SessionState<V>,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
  write: () => Awaitable<T>,
): Awaitable<T> {
  const before = state.lastWrite
  const turn = new Turn()
  state.lastWrite = turn
  if (before === undefined) return begin(state, turn, write)
  const done = within(timeoutMs, clock, before.ended()).then(() => writeOn(state, write))
  // Whoever gives up waiting leaves the line, but does not let the next one past the write at its head.
  void Promise.all([before.ended(), done.then(ignore, ignore)]).then(() => end(state, turn))
  return done
}

/** The write at the head of the line, at once. */
function begin<V, T>(state: SessionState<V>, turn: Turn, write: () => Awaitable<T>): Awaitable<T> {
  let done
  try {
    done = writeOn(state, write)
  } catch (error) {
    end(state, turn)
    throw error
  }
  if (isPromise(done)) {
    const after = (): void => end(state, turn)
    done.then(after, after)
  } else {
    end(state, turn)
  }
  return done
}

function writeOn<V, T>(state: SessionState<V>, write: () => Awaitable<T>): Awaitable<T> {
  if (isCleared(state)) throw new SessionGoneError('the session was cleared')
  return write()
}

function end<V>(state: SessionState<V>, turn: Turn): void {
  if (state.lastWrite === turn) state.lastWrite = undefined
  turn.end()
}

/** A write in the line of its object. Most are alone there, so the promise of its end is made for who asks for it. */
export class Turn {
  #ended: Promise<void> | undefined
  #end = ignore

  ended(): Promise<void> {
    this.#ended ??= new Promise((resolve) => {
      this.#end = resolve
    })
    return this.#ended
  }

  end(): void {
    this.#end()
  }
}

async function within(timeoutMs: number, clock: Clock, turn: Promise<void>): Promise<void> {
  const timer = new AbortController()
  const late = clock.sleep(timeoutMs, timer.signal).then(() => 'late' as const)
  const first = await Promise.race([turn, late])
  timer.abort()
  if (first === 'late') {
    throw new SessionConflictError('an earlier write on this session object has not finished')
  }
}

function ignore(): void {}
