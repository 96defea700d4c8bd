import { onTestFinished } from 'vitest'
import { onSessionEvent } from '../../src/core/events.ts'
import type { SessionEventName, SessionEvents } from '../../src/core/event-messages.ts'

/** An event with its name, without `sojourn:`. */
export type Heard = readonly [name: string, message: SessionEvents[SessionEventName]]

// Every event there is. The compiler says which one is missing.
const NAMES: Readonly<Record<SessionEventName, true>> = {
  'sojourn:session.created': true,
  'sojourn:session.read': true,
  'sojourn:session.invalid': true,
  'sojourn:session.written': true,
  'sojourn:session.touched': true,
  'sojourn:session.rotated': true,
  'sojourn:session.renewed': true,
  'sojourn:session.confirmed': true,
  'sojourn:session.conflict': true,
  'sojourn:session.refused': true,
  'sojourn:session.cleared': true,
  'sojourn:key.malformed': true,
  'sojourn:key.rejected': true,
  'sojourn:key.reused': true,
  'sojourn:cookie.duplicated': true,
  'sojourn:store.operation': true,
  'sojourn:store.fault': true,
  'sojourn:store.swept': true,
}

/** The names of all events. */
export const EVENTS = Object.keys(NAMES) as SessionEventName[]

/** Listens to every event until the test ends; `take` gives those since the last time, in order. */
export function listenToAll(): { readonly take: () => Heard[]; readonly calls: () => Heard[] } {
  const heard: Heard[] = []
  const calls: Heard[] = []
  for (const name of EVENTS) {
    const stop = onSessionEvent(name, (message) => {
      // How the store is called is another matter than what happens to sessions.
      const to = name === 'sojourn:store.operation' ? calls : heard
      to.push([name.slice('sojourn:'.length), message])
    })
    onTestFinished(stop)
  }
  return { take: () => heard.splice(0), calls: () => calls.splice(0) }
}
