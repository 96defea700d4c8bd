import { describe, expect, it } from 'vitest'
import { compare } from '../../bench/scaling/compare.ts'
import type { Comparison } from '../../bench/scaling/compare.ts'
import { placesIn, withTables } from '../../bench/scaling/document.ts'
import { flagOf, helpText, inputsFrom, USUAL } from '../../bench/scaling/inputs.ts'
import type { InputName, Inputs } from '../../bench/scaling/inputs.ts'
import { planOf } from '../../bench/scaling/plan.ts'
import type { Plan } from '../../bench/scaling/plan.ts'
import { createRandom } from '../../bench/scaling/random.ts'
import { bytesText, documentTables, short } from '../../bench/scaling/report.ts'
import { expectedLife } from '../../bench/scaling/session-life.ts'
import { liveThrough } from '../../bench/scaling/simulate.ts'
import type { LifeEvent } from '../../bench/scaling/simulate.ts'
import { expectedImbalance, slotOf } from '../../bench/scaling/slots.ts'
import { expectedBacklog } from '../../bench/scaling/sweep.ts'
import { touchIntervalOf } from '../../bench/scaling/traffic.ts'
import type { Tally } from '../../bench/scaling/traffic.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import type { TouchDue } from '../../src/core/session-backend.ts'
import { read } from '../docs/pages.ts'

const SHORT: Inputs = {
  ...USUAL,
  period: 1800,
  absolute: 7200,
  away: 300,
  leave: 0.02,
  write: 0.2,
  simulated: 400,
  engine: 'postgres',
}

const PLAN = planOf(SHORT)
const ALWAYS: Inputs = { ...USUAL, pages: 1, logout: 0, leave: 0 }

function differing(comparisons: readonly Comparison[]): string[] {
  return comparisons.filter(({ agree }) => !agree).map(({ what }) => what)
}

/** What the comparison says of a plan whose session lives another life. */
function differingWith(wrong: Partial<Tally>): string[] {
  return differing(compare({ ...PLAN, life: { ...PLAN.life, ...wrong } }))
}

describe('expectedLife', () => {
  it('lives for its idle timeout and touches nothing when nobody comes back', () => {
    const life = expectedLife({ ...ALWAYS, leave: 1 })
    expect(life.live).toBeCloseTo(604_800, 6)
    expect(life).toMatchObject({ touches: 0, logouts: 0, expiries: 1 })
    expect(life.reads).toBeCloseTo(0, 6)
  })

  it('lives to the absolute end, with all the touches that fit, in steady use', () => {
    const life = expectedLife({ ...ALWAYS, away: 1, write: 0 })
    // The last touch is the one after which the next would give less than a touch must: so it ends a little early.
    expect(life.touches).toBeCloseTo(65, 6)
    expect(life.live / (65 * 30_241 + 604_800)).toBeCloseTo(1, 5)
    expect(life.reads / life.live).toBeCloseTo(1, 3)
  })

  it('ends where the absolute timeout is the shorter one, or is too near for a touch', () => {
    const steady = { ...ALWAYS, period: 3600, away: 1 }
    expect(expectedLife({ ...steady, absolute: 600 }).live).toBeCloseTo(600, 6)
    // A write extends a session by however little; a touch gives three minutes or is not made.
    const near = { ...steady, absolute: 3700 }
    expect(expectedLife({ ...near, write: 0 })).toMatchObject({ touches: 0 })
    expect(expectedLife({ ...near, write: 0 }).live).toBeCloseTo(3600, 6)
    expect(expectedLife({ ...near, write: 1 }).live / 3700).toBeCloseTo(1, 2)
  })

  it('makes no touch where every request writes', () => {
    expect(expectedLife({ ...ALWAYS, away: 60, write: 1 }).touches).toBeCloseTo(0, 6)
  })
})

describe('touchIntervalOf', () => {
  it.each([
    [604_800, 30_240],
    [1800, 90],
    [900, 60],
    [60, 30],
  ])('finds when a session of %d seconds is touched', (period, after) => {
    expect(touchIntervalOf(period)).toBeCloseTo(after, 2)
  })
})

describe('compare', () => {
  it('finds that the arithmetic and the simulation agree', () => {
    expect(differing(compare(PLAN))).toEqual([])
  })

  it('finds a wrong formula', () => {
    // As if a written value did not move the expiry; nothing ended a session but its idle timeout; all did write.
    const { touches } = expectedLife({ ...SHORT, write: 0 })
    const { live } = expectedLife({ ...SHORT, absolute: 86_400 })
    expect(differingWith({ touches })).toEqual(['touches, per second'])
    expect(differingWith({ live })).toContain('live sessions')
    expect(differingWith({ values: PLAN.life.reads })).toEqual(['values written, per second'])
  })

  it('finds a sweep that is simulated otherwise than computed', () => {
    const slow: Plan = { ...PLAN, sweep: { ...PLAN.sweep, perSecond: 400 } }
    const { simulated } = compare(slow).find(({ what }) => what.includes('unswept'))!
    const sweeping = { sweepEveryMs: 10_000, sweepLimit: 1000 }
    expect(simulated / expectedBacklog(sweeping, 400)).toBeCloseTo(1, 1)
    expect(simulated / expectedBacklog({ ...sweeping, sweepEveryMs: 20_000 }, 400)).toBeLessThan(
      0.8,
    )
  })

  it('refuses to simulate for minutes', () => {
    expect(() => compare({ ...PLAN, inputs: { ...SHORT, simulated: 1e6 } })).toThrow(/--simulated/)
  })
})

describe('liveThrough', () => {
  it('says of each request what the library does', async () => {
    const random = createRandom(3)
    const lives = Array.from({ length: 40 }, (_, session) => {
      const events: Event[] = []
      liveThrough(SHORT, random, 1000 * session, (what, atMs) => events.push([what, atMs]))
      return events
    })
    const seen = await Promise.all(lives.map(answersTo))
    expect(seen).toEqual(lives.map((events) => events.map(([what]) => what)))
    const kinds = new Set(seen.flat())
    expect([...kinds].toSorted()).toEqual(KINDS)
  })
})

type Event = readonly [what: LifeEvent['what'], atMs: number]
const KINDS = ['created', 'expired', 'logout', 'read', 'touch', 'value']

/** What a real backend makes of these events: of a touch, whether one was due, and of the end, when it came. */
async function answersTo(events: readonly Event[]): Promise<string[]> {
  let nowMs = events[0]![1]
  const { period, absolute } = SHORT
  const backend = createMemoryBackend({ period, absolute, now: () => nowMs, sweepEveryMs: 0 })
  const key = await backend.generate({ value: 'v' })
  const answers = ['created']
  let due: TouchDue | undefined
  for (const [what, atMs] of events.slice(1)) {
    nowMs = atMs - 1
    const before = await backend.get(key)
    nowMs = atMs
    const found = await backend.get(key)
    if (what === 'read' && found.ok) {
      answers.push('read')
      due = found.touchDue
    }
    if (due !== undefined && what !== 'read') {
      if (await backend.touch(key, due)) answers.push('touch')
      due = undefined
    }
    if (what === 'value') await backend.set(key, 'w', { keepPeriod: true })
    if (what === 'logout') await backend.clear(key)
    if (what === 'value' || what === 'logout') answers.push(what)
    if (before.ok && !found.ok) answers.push('expired')
  }
  return answers
}

describe('slotOf', () => {
  it('is the slot of the Redis Cluster specification', () => {
    expect(slotOf('123456789')).toBe(0x31c3 % 16_384)
  })
})

describe('expectedImbalance', () => {
  it('is that of the slots where there are many sessions', () => {
    expect(expectedImbalance(1, 1e6)).toBe(1)
    expect(expectedImbalance(3000, 1e12)).toBeCloseTo((6 * 3000) / 16_384, 3)
  })
})

describe('inputsFrom', () => {
  it('takes every input by its name', () => {
    const { inputs } = inputsFrom(['--sessions=1e9', '--engine', 'mariadb', '--page-gap', '5'])
    expect(inputs).toEqual({ ...USUAL, sessions: 1e9, engine: 'mariadb', pageGap: 5 })
    for (const name of Object.keys(USUAL)) {
      expect(helpText()).toContain(`--${flagOf(name as InputName)} `)
    }
  })

  it.each([
    [['--session', '5'], /--session/],
    [['5'], /5/],
    [['--engine', 'toString'], /--engine must be one of memory, redis, postgres, mariadb/],
    [['--sessions', '1.5'], /--sessions must be a whole number from 1 to/],
    [['--sessions', ''], /--sessions/],
    [['--period', 'week'], /--period must be a number from 60 to/],
    [['--period', '59'], /--period/],
    [['--write=NaN'], /--write/],
    [['--logout', '0.6', '--leave', '0.6'], /--logout and --leave/],
    [['--period', '60', '--absolute', '34560000'], /--absolute/],
  ])('refuses %j', (args, message) => {
    expect(() => inputsFrom(args)).toThrow(message)
  })

  it('refuses sessions that never live', () => {
    expect(() => planOf({ ...USUAL, pages: 1, logout: 1, leave: 0 })).toThrow(/--logout/)
  })
})

describe('planOf', () => {
  it('scales with the sessions, and asks a near cache first', () => {
    const [small, large] = [planOf(USUAL), planOf({ ...USUAL, sessions: 1e9 })]
    expect(large.servers.bytes).toBe(100 * small.servers.bytes)
    expect(large.rates.touches).toBeCloseTo(100 * small.rates.touches, 6)
    expect(small.servers.bytes).toBe(1e7 * 646)
    const page = { ...USUAL, burst: 30 }
    expect(planOf(page).storeReads).toBeCloseTo(30 * small.storeReads, 6)
    expect(planOf({ ...page, staleness: 2, processes: 1 }).storeReads).toBe(small.storeReads)
  })
})

describe('docs/scaling.md', () => {
  const page = read('docs/scaling.md')
  const tables = documentTables()

  it('has the tables that the script makes', () => {
    expect(placesIn(page)).toEqual(Object.keys(tables))
    expect(withTables(page, tables)).toBe(page)
  })

  it('would be found out with another number in it', () => {
    const row = '| 1 billion | 7 d | '
    const wrong = page.replace(row, `${row}9`)
    expect(wrong).not.toBe(page)
    expect(withTables(wrong, tables)).toBe(page)
  })
})

describe('numbers', () => {
  it('are short enough to read', () => {
    expect([0.0123, 9.87, 1234, 1e6, 12_340_000].map(short)).toEqual([
      '0.0123',
      '9.87',
      '1,234',
      '1 million',
      '12.3 million',
    ])
    expect(bytesText(646e9)).toBe('646 GB')
  })
})
