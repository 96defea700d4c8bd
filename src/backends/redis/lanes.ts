/** Runs a write after those of the same lane that are still under way. */
export type InLane = <T>(lane: string, write: () => Promise<T>) => Promise<T>

/**
 * Makes lanes, one for each record and kind of write. A record remembers the name of the last write of a process, which
 * is enough to know it again when a driver sends it twice, as long as the process has only one under way. A lane goes
 * with its last write. Deletions take none: a logout waits for nobody.
 */
export function createLanes(): InLane {
  const last = new Map<string, Promise<unknown>>()
  return (lane, write) => {
    const before = last.get(lane)
    const done = before === undefined ? write() : before.then(write, write)
    last.set(lane, done)
    const leave = (): void => {
      if (last.get(lane) === done) last.delete(lane)
    }
    done.then(leave, leave)
    return done
  }
}
