import type { Session, SessionManager, Store } from '../../../src/index.ts'
import { createBackend, createSessionManager, isSessionError } from '../../../src/index.ts'
import type { Draw, Order } from './turns.ts'
import { createDraw, createTurns } from './turns.ts'

/** What came of many trials. */
export interface LogoutFigures {
  trials: number
  /** Writes that were made before the logout, and that were refused because of it or of each other. */
  written: number
  refused: number
  /** Sessions that were alive after a logout: there must be none. */
  alive: number
  /** Errors that no race explains: there must be none. */
  strange: number
}

interface Trial {
  readonly sessions: SessionManager<number>
  readonly store: Store
  readonly draw: Draw
  readonly key: string
  readonly figures: LogoutFigures
}

const SUBJECT = 'ann'
const ORDERS: readonly Order[] = ['delete first', 'delete last', 'random', 'random']
const EXPECTED = new Set(['ERR_SESSION_GONE', 'ERR_SESSION_CONFLICT'])

type Write = (sessions: SessionManager<number>, session: Session<number>) => Promise<unknown>

const WRITES: readonly Write[] = [
  (sessions, session) => sessions.update(session, (n) => n + 1),
  (sessions, session) => sessions.update(session, async (n) => n + 1, { expiry: 60 }),
  (sessions, session) => sessions.set(session, { value: 7 }),
  (sessions, session) => sessions.set(session, { expiry: 60 }),
  (sessions, session) => sessions.touch(session),
  (sessions, session) => sessions.rotate(session),
  (sessions, session) => sessions.rotate(session, { authenticated: true }),
  (sessions, session) => sessions.bind(session, SUBJECT),
]

type Logout = (sessions: SessionManager<number>, session: Session<number>) => Promise<unknown>

const LOGOUTS: readonly Logout[] = [
  (sessions, session) => sessions.clear(session),
  (sessions, session) => sessions.clear(session),
  (sessions, session) => sessions.clearHandle(session.handle ?? ''),
  (sessions) => sessions.clearSubject(SUBJECT),
]

/** Makes a store and says by which clock it goes. */
export type CreateStore = (now: () => number) => Store

/**
 * Races a logout against one to four other requests on the same session, trial after trial. Each request loads
 * the session, and only when all have loaded it does the first write commit; then every step of every
 * operation happens in an order drawn at random, with the logout first or last in every other trial.
 */
export async function raceLogouts(
  create: CreateStore,
  trials: number,
  seed: number,
): Promise<LogoutFigures> {
  const figures: LogoutFigures = { trials, written: 0, refused: 0, alive: 0, strange: 0 }
  const draw = createDraw(seed)
  let nowMs = Date.UTC(2026, 0, 1)
  const store = create(() => nowMs)
  for (let trial = 0; trial < trials; trial++) {
    const turns = createTurns(draw)
    const backend = createBackend(turns.over(store), { period: 100 })
    const sessions = createSessionManager<number>({ backend, clock: turns.clock })
    const { key } = await sessions.generate(0, { subject: SUBJECT })
    // Half the period, so that every session loaded has a touch due.
    nowMs += 50_000
    const requests = race({ sessions, store, draw, key, figures })
    await turns.run(await requests, ORDERS[trial % ORDERS.length] ?? 'random')
    figures.alive += await store.deleteAll()
  }
  return figures
}

/** Loads the session for each request, and gives the race, ready to be run. */
async function race(trial: Trial): Promise<() => Promise<void>> {
  const { sessions, draw, key } = trial
  const loaded: Session<number>[] = []
  const requests = 2 + draw(4)
  for (let n = 0; n < requests; n++) loaded.push(await load(sessions, key))
  const [leaver, ...writers] = loaded as [Session<number>, ...Session<number>[]]
  // One writer in three shares the object with the logout, as the parallel calls of one request do.
  const shared = writers.map((writer) => (draw(3) === 0 ? leaver : writer))
  return async () => {
    const writing = shared.map((session) => write(trial, session, 1 + draw(3)))
    await Promise.all([...writing, leave(trial, leaver)])
  }
}

async function load(sessions: SessionManager<number>, key: string): Promise<Session<number>> {
  const found = await sessions.fromKey(key)
  if (!found.ok) throw new Error(`the session of a trial is ${found.reason}`)
  return found.session
}

async function write(trial: Trial, session: Session<number>, times: number): Promise<void> {
  const { sessions, draw, figures } = trial
  for (let n = 0; n < times; n++) {
    const run = WRITES[draw(WRITES.length)] as Write
    try {
      await run(sessions, session)
      figures.written++
    } catch (error) {
      if (isSessionError(error) && EXPECTED.has(error.code)) figures.refused++
      else figures.strange++
    }
  }
}

async function leave(trial: Trial, session: Session<number>): Promise<void> {
  const { sessions, store, draw, figures } = trial
  const logout = LOGOUTS[draw(LOGOUTS.length)] as Logout
  try {
    await logout(sessions, session)
  } catch {
    figures.strange++
  }
  // At this moment the user is told so, whatever is still under way.
  figures.alive += (await store.list(SUBJECT)).length
}
