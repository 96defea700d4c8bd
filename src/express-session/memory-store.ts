import { parseJson } from '../core/json.ts'
import { ONE_WEEK } from '../core/period.ts'
import { cookieOf } from './cookie.ts'
import { settle } from './session.ts'
import type { Callback } from './session.ts'
import { extendClass, Store } from './store.ts'
import type { Answer, SessionStore, StoredSession } from './store.ts'

declare abstract class MemoryStoreShape extends (Store as unknown as new () => SessionStore) {
  sessions: Map<string, Entry>
}

/** The class of memory stores. */
export interface MemoryStoreClass {
  new (): SessionStore & Required<Pick<SessionStore, 'all' | 'length' | 'clear' | 'touch'>>
  (this: unknown): void
}

interface Entry {
  text: string
  endsAtMs: number
}

// Two per creation outrun creation itself, so that a full round is always under way.
const SWEPT_PER_SET = 2

function MemoryStoreBase(this: MemoryStoreShape | undefined): unknown {
  if (!(this instanceof MemoryStoreBase)) return new MemoryStore()
  Reflect.apply(Store, this, [])
  this.sessions = new Map()
  return undefined
}

const METHODS = {
  get(this: MemoryStoreShape, sid: string, callback: Answer): void {
    const data = read(this.sessions, sid)
    setImmediate(callback, null, data)
  },

  set(this: MemoryStoreShape, sid: string, session: StoredSession, callback?: Callback): void {
    const text = JSON.stringify(session)
    sweep(this.sessions)
    this.sessions.delete(sid)
    this.sessions.set(sid, { text, endsAtMs: endOf(session) })
    settle(Promise.resolve(), callback)
  },

  destroy(this: MemoryStoreShape, sid: string, callback?: Callback): void {
    this.sessions.delete(sid)
    settle(Promise.resolve(), callback)
  },

  touch(this: MemoryStoreShape, sid: string, session: StoredSession, callback?: Callback): void {
    const data = read(this.sessions, sid)
    if (data !== undefined) {
      const text = JSON.stringify({ ...data, cookie: session.cookie })
      this.sessions.set(sid, { text, endsAtMs: endOf(session) })
    }
    settle(Promise.resolve(), callback)
  },

  all(
    this: MemoryStoreShape,
    callback: (error: unknown, sessions: Record<string, StoredSession>) => void,
  ): void {
    setImmediate(callback, null, all(this.sessions))
  },

  length(this: MemoryStoreShape, callback: (error: unknown, length: number) => void): void {
    setImmediate(callback, null, Object.keys(all(this.sessions)).length)
  },

  clear(this: MemoryStoreShape, callback?: Callback): void {
    this.sessions.clear()
    settle(Promise.resolve(), callback)
  },
}
extendClass(MemoryStoreBase, 'MemoryStore', Store, METHODS)

/** Sessions in the memory of one process. What has ended is dropped, a session without `maxAge` after a week unused. */
export const MemoryStore: MemoryStoreClass = MemoryStoreBase as unknown as MemoryStoreClass

function read(sessions: Map<string, Entry>, sid: string): StoredSession | undefined {
  const entry = sessions.get(sid)
  if (entry === undefined) return undefined
  if (Date.now() < entry.endsAtMs) return parseJson(entry.text) as StoredSession
  sessions.delete(sid)
  return undefined
}

function all(sessions: Map<string, Entry>): Record<string, StoredSession> {
  const live = [...sessions.keys()].map((sid) => [sid, read(sessions, sid)] as const)
  return Object.fromEntries(
    live.flatMap(([sid, data]) => (data === undefined ? [] : [[sid, data]])),
  )
}

function endOf(session: { readonly cookie?: unknown }): number {
  const { expires } = cookieOf(JSON.parse(JSON.stringify(session.cookie ?? null)))
  return expires instanceof Date ? expires.getTime() : Date.now() + ONE_WEEK * 1000
}

// The oldest entries come first. One that is live goes to the end, so that the next call looks at others.
function sweep(sessions: Map<string, Entry>): void {
  let looked = 0
  for (const [sid, entry] of sessions) {
    if (looked++ === SWEPT_PER_SET) return
    sessions.delete(sid)
    if (Date.now() < entry.endsAtMs) sessions.set(sid, entry)
  }
}
