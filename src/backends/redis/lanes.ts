import { createTimeLimit, tooLate } from '../../core/time-limit.ts'

/** Runs a write after those of the same lane that are still under way. */
export type InLane = <T>(lane: string, write: () => Promise<T>) => Promise<T>

/**
 * Makes lanes, one for each record and kind of write. A record remembers the name of the last write of a process, which
 * is enough to know it again when a driver sends it twice, as long as the process has only one under way. A lane goes
 * with its last write. Deletions take none: a logout waits for nobody.
 *
 * A write that has had no answer for `patienceMs` holds up the others no longer: its caller has been told that its
 * outcome is unknown, and one connection that hangs must not lock a session whose other writes would get through. What
 * has waited for as long itself is not sent any more: its caller has been told too.
 */
export function createLanes(patienceMs: number): InLane {
  const patiently = createTimeLimit(patienceMs)
  const last = new Map<string, Promise<void>>()

  return <T>(lane: string, write: () => Promise<T>) => {
    const before = last.get(lane)
    let leave = (): void => {}
    const over = new Promise<void>((resolve) => {
      leave = () => {
        if (last.get(lane) === over) last.delete(lane)
        resolve()
      }
    })
    last.set(lane, over)
    const begin = (): Promise<T> => {
      const done = write()
      patiently(done).then(leave, leave)
      return done
    }
    if (before === undefined) return begin()
    const untilMs = performance.now() + patienceMs
    return before.then(async () => {
      if (performance.now() < untilMs) return begin()
      leave()
      throw tooLate(patienceMs)
    })
  }
}
