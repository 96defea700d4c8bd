// What each of several processes on one store does once it is told "go": the worker of each backend opens the store
// and leaves the rest to this.
import { once } from 'node:events'
import { SessionGoneError } from '../../src/index.ts'
import type { Session, SessionManager, Store } from '../../src/index.ts'
import { draft } from '../../src/testing/store-contract/draft.ts'

/** A task by its name. */
export type Tasks = Readonly<Record<string, () => Promise<void>>>

/** Says that everything is prepared, and waits for the word. */
export async function ready(): Promise<void> {
  const told = once(process.stdin, 'data')
  console.log('ready')
  await told
  process.stdin.destroy()
}

/** Opens the sessions. Not before a task asks for it: how several begin on nothing is a task of its own. */
type Open = () => SessionManager<number> | Promise<SessionManager<number>>

/** The tasks on the session of `key`, and the first start of everyone on a new database. */
export function sessionTasks(open: Open, key: string): Tasks {
  async function load(sessions: SessionManager<number>): Promise<Session<number>> {
    const found = await sessions.fromKey(key)
    if (!found.ok) throw new Error('the session of the test is missing')
    return found.session
  }

  return {
    /** Sixteen increments of one session at once. */
    async increment() {
      const sessions = await open()
      const loaded = await Promise.all(Array.from({ length: 16 }, () => load(sessions)))
      await ready()
      await Promise.all(loaded.map((session) => sessions.update(session, (count) => count + 1)))
    },

    /** Increments until the session is gone. */
    async write() {
      const sessions = await open()
      const session = await load(sessions)
      await ready()
      for (let written = 0; ; written++) {
        try {
          await sessions.update(session, (count) => count + 1)
        } catch (error) {
          if (!(error instanceof SessionGoneError)) throw error
          console.log(written)
          return
        }
        if (written === 20) console.log('busy')
      }
    },

    /** Opens when all are told to, makes a session, and prints its key. */
    async start() {
      await ready()
      const sessions = await open()
      console.log((await sessions.generate(1)).key)
    },
  }
}

/** Eight sessions of a subject that may have five: four made as the subject's, and four bound to it. */
export async function crowd(store: Store, atLimit: string): Promise<void> {
  const limit = { maxPerSubject: 5, atLimit: atLimit as 'refuse' | 'evict_oldest' }
  const guests = Array.from({ length: 4 }, () => draft())
  for (const guest of guests) await store.create(guest)
  await ready()
  const results = await Promise.all([
    ...guests.map(async () => store.create(draft({ subject: 'ann' }), limit)),
    ...guests.map(async ({ recordId }) =>
      store.updateSecurity(recordId, { subject: 'ann' }, 1, limit),
    ),
  ])
  console.log(results.filter(({ ok }) => ok).length)
}
