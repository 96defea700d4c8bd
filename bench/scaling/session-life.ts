// What happens in a session's life, computed. A session is extended by its creation, by a touch and by a write of a
// value, and what comes after an extension does not depend on what was before it. So a life is a chain of equal
// *cycles*, one from each extension to the next, until a logout, the idle timeout or the absolute one ends it.
import { applied, exponentialOf } from './matrix.ts'
import { touchIntervalOf } from './traffic.ts'
import type { Tally, Traffic } from './traffic.ts'

/** The state at some time after an extension, while nothing else extends it. */
interface Moment {
  /** Probabilities that a visit goes on, and that its user is away and will come back. */
  readonly visiting: number
  readonly away: number
  /** Requests until now that were none of the extensions, and their integral over the time. */
  readonly requests: number
  readonly requestTime: number
}

/** What one cycle adds to a life. */
type Piece = Readonly<Record<'live' | 'reads' | 'touches' | 'logouts', number>>

// The grid of ages: so many cells for a life, and so many at least and at most until a touch is due.
const CELLS = 3000
const FEWEST_PER_TOUCH = 4
const MOST_PER_TOUCH = 256

/** What becomes of a visit after a request of it: it goes on, pauses, ends for ever or by a logout. */
function branchesOf({ pages, logout, leave }: Traffic) {
  const ends = 1 / pages
  return {
    on: 1 - ends,
    pause: ends * (1 - logout - leave),
    out: ends * logout,
    gone: ends * leave,
  }
}

/** The states at each `step` after an extension, `count` of them. A share `extending` of the requests ends the cycle. */
function momentsOf(traffic: Traffic, extending: number, step: number, count: number): Moment[] {
  const { on, pause } = branchesOf(traffic)
  const [a, b, stays] = [1 / traffic.pageGap, 1 / traffic.away, 1 - extending]
  // visiting, away, and the first and second integral of the rate of requests.
  const rates = [
    [stays * on * a - a, stays * on * b, 0, 0],
    [stays * pause * a, stays * pause * b - b, 0, 0],
    [a, b, 0, 0],
    [0, 0, 1, 0],
  ]
  const forward = exponentialOf(rates.map((row) => row.map((cell) => cell * step)))
  const moments: Moment[] = []
  let state = [on, pause, 0, 0]
  for (let n = 0; n < count; n++) {
    const [visiting = 0, away = 0, requests = 0, requestTime = 0] = state
    moments.push({ visiting, away, requests, requestTime })
    state = applied(forward, state)
  }
  return moments
}

/** The first `seconds` of a cycle, in which nothing but a share `extending` of the requests ends it. */
function pieceOf(
  traffic: Traffic,
  { requests, requestTime }: Moment,
  seconds: number,
  extending: number,
): Piece {
  const { out } = branchesOf(traffic)
  const stays = 1 - extending
  return {
    live: seconds * (1 - out) - (out * stays + extending) * requestTime,
    reads: stays * requests,
    touches: 0,
    logouts: out * (1 + stays * requests),
  }
}

/** A cycle whose end by a touch gives enough: the piece, and how often it has been extended `t` seconds after its start. */
function touchedCycle(traffic: Traffic, touchAfter: number, cell: number) {
  const { period, pageGap, away, write } = traffic
  const fine = Math.round(touchAfter / cell)
  // Until a touch is due, only a write extends; from then on, the next request does.
  const before = momentsOf(traffic, write, cell / 2, 2 * fine + 1)
  const due = before.at(-1)!
  const until = pieceOf(traffic, due, touchAfter, write)
  const visitingUntil = (wait: number): number => due.visiting * (1 - Math.exp(-wait / pageGap))
  const awayUntil = (wait: number): number => due.away * (1 - Math.exp(-wait / away))
  const extendedBy = (t: number): number => {
    if (t <= touchAfter) return write * before[Math.max(0, Math.round((2 * t) / cell))]!.requests
    const wait = Math.min(t, period) - touchAfter
    return write * due.requests + visitingUntil(wait) + awayUntil(wait)
  }
  const idle = period - touchAfter
  const gone = branchesOf(traffic).gone * (1 + until.reads)
  const waited = gone * idle + visitingUntil(idle) * pageGap + awayUntil(idle) * away
  const touches = visitingUntil(idle) + awayUntil(idle)
  return { piece: { ...until, live: until.live + waited, touches }, extendedBy }
}

/** What happens in one session, on average; its `live` is seconds. The creation is none of its reads. */
export function expectedLife(traffic: Traffic): Tally {
  const { period, absolute, write } = traffic
  if (absolute <= period) {
    const [, end] = momentsOf(traffic, 0, absolute, 2)
    return tallyOf(traffic, [[1, pieceOf(traffic, end!, absolute, 0)]])
  }
  const touchAfter = touchIntervalOf(period)
  const perTouch = Math.round((CELLS * touchAfter) / absolute)
  const cell = touchAfter / Math.min(MOST_PER_TOUCH, Math.max(FEWEST_PER_TOUCH, perTouch))
  const most = Math.ceil(period / cell)

  // Up to this age a touch gives enough. Then only a write extends, and in the last period nothing does.
  const lastTouched = absolute - period - touchAfter
  const lastExtended = absolute - period
  const touched = touchedCycle(traffic, touchAfter, cell)
  const [, written] = momentsOf(traffic, write, period, 2)
  const writtenPiece = pieceOf(traffic, written!, period, write)
  const writing = momentsOf(traffic, write, cell / 2, 2 * most + 2)
  const writtenBy = (t: number): number =>
    write * writing[Math.max(0, Math.round((2 * Math.min(t, period)) / cell))]!.requests
  const final = momentsOf(traffic, 0, cell, most + 1)

  const touchedMasses = massesOf(touched.extendedBy, cell, most)
  const writtenMasses = massesOf(writtenBy, cell, most)
  const begun: number[] = []
  const pieces: [times: number, piece: Piece][] = []
  for (let n = 0; n * cell < absolute; n++) {
    const age = n * cell
    let times = n === 0 ? 1 : 0
    for (let from = Math.max(0, n - most); from < begun.length; from++) {
      const masses = from * cell <= lastTouched ? touchedMasses : writtenMasses
      times += begun[from]! * masses[n - from]!
    }
    const left = Math.min(period, absolute - age)
    if (age > lastExtended) {
      pieces.push([times, pieceOf(traffic, final[Math.round(left / cell)]!, left, 0)])
      continue
    }
    const isTouched = age <= lastTouched
    times /= 1 - (isTouched ? touchedMasses : writtenMasses)[0]!
    begun.push(times)
    pieces.push([times, isTouched ? touched.piece : writtenPiece])
  }
  return tallyOf(traffic, pieces)
}

/** How much of a distribution lies around each of the cells up to `most`. */
function massesOf(upTo: (t: number) => number, cell: number, most: number): number[] {
  return Array.from({ length: most + 1 }, (_, n) => upTo((n + 0.5) * cell) - upTo((n - 0.5) * cell))
}

function tallyOf({ write }: Traffic, pieces: readonly (readonly [number, Piece])[]): Tally {
  const sum = { live: 0, reads: -1, touches: 0, logouts: 0 }
  for (const [times, piece] of pieces) {
    sum.live += times * piece.live
    // Each but the first begins with a request that has found the session.
    sum.reads += times * (1 + piece.reads)
    sum.touches += times * piece.touches
    sum.logouts += times * piece.logouts
  }
  return { ...sum, values: write * sum.reads, expiries: 1 - sum.logouts }
}
