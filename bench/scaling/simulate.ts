// Sessions come, are used, and end, one event after the other, by the library's own rules for the expiry and the touch.
import { touchDueOf } from '../../src/core/stored-record.ts'
import type { Random } from './random.ts'
import type { Tally, Traffic } from './traffic.ts'

/** What a session goes through, in order: first `created`, last `logout` or `expired`. */
export interface LifeEvent {
  readonly what: 'created' | 'read' | 'touch' | 'value' | 'logout' | 'expired'
  readonly atMs: number
}

/** What was counted, and the standard error of each count. */
export interface Simulated {
  readonly sessions: number
  readonly mean: Tally
  readonly error: Tally
}

/** Lives the life of one session that is created at `bornMs`. */
export function liveThrough(
  traffic: Traffic,
  random: Random,
  bornMs: number,
  on: (what: LifeEvent['what'], atMs: number) => void,
): void {
  const { period, pages, pageGap, away, logout, leave, write } = traffic
  const idleMs = period * 1000
  const deadlineMs = bornMs + traffic.absolute * 1000
  let expiresAtMs = Math.min(bornMs + idleMs, deadlineMs)
  let nowMs = bornMs
  on('created', nowMs)
  for (;;) {
    let waitMs = random.wait(pageGap) * 1000
    if (random.next() < 1 / pages) {
      const end = random.next()
      if (end < logout) return on('logout', nowMs)
      if (end < logout + leave) return on('expired', expiresAtMs)
      waitMs = random.wait(away) * 1000
    }
    nowMs = Math.round(nowMs + waitMs)
    if (nowMs >= expiresAtMs) return on('expired', expiresAtMs)
    on('read', nowMs)
    const due = touchDueOf({ idleMs, expiresAtMs, deadlineMs, nowMs })
    if (due !== undefined) {
      on('touch', nowMs)
      expiresAtMs = due.toMs
    }
    if (random.next() < write) {
      on('value', nowMs)
      expiresAtMs = Math.min(nowMs + idleMs, deadlineMs)
    }
  }
}

const NAMES = ['live', 'reads', 'touches', 'values', 'logouts', 'expiries'] as const
const COUNTED = { created: 0, read: 1, touch: 2, value: 3, logout: 4, expired: 5 } as const

/**
 * Lets sessions begin at random, `perSecond` on average, and counts what happens within `seconds` of them, after as long
 * as a session can last: sessions live at once, on average, and events in a second.
 */
export function simulate(
  traffic: Traffic,
  random: Random,
  perSecond: number,
  seconds: number,
): Simulated {
  const fromMs = traffic.absolute * 1000
  const toMs = fromMs + seconds * 1000
  const sums = NAMES.map(() => 0)
  const squares = NAMES.map(() => 0)
  let sessions = 0
  for (let atS = random.wait(1 / perSecond); atS * 1000 < toMs; atS += random.wait(1 / perSecond)) {
    const bornMs = Math.round(atS * 1000)
    const own = NAMES.map(() => 0)
    sessions++
    liveThrough(traffic, random, bornMs, (what, eventMs) => {
      if (what === 'logout' || what === 'expired') {
        own[0] = Math.max(0, Math.min(eventMs, toMs) - Math.max(bornMs, fromMs)) / 1000
      }
      if (what !== 'created' && eventMs >= fromMs && eventMs < toMs) own[COUNTED[what]]! += 1
    })
    own.forEach((each, n) => {
      sums[n]! += each
      // Sessions that begin at random: the variance of a sum over them is the sum of the squares.
      squares[n]! += each * each
    })
  }
  const tally = (of: (n: number) => number): Tally =>
    Object.fromEntries(NAMES.map((name, n) => [name, of(n)])) as unknown as Tally
  return {
    sessions,
    mean: tally((n) => sums[n]! / seconds),
    error: tally((n) => Math.sqrt(squares[n]!) / seconds),
  }
}
