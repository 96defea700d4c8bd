// A browser whose requests overlap, whose responses overtake each other or are lost, and whose key is renewed all the
// while. Whichever cookie came last is the one it has.
import { expect, it } from 'vitest'
import { createRequestSession } from '../../src/index.ts'
import { cookieOf, createManager } from '../manager/fixture.ts'
import { cookiesIn, createHead } from './fixture.ts'

const BROWSERS = 20
// These lost their session as long as a renewal came early for any touch.
const READERS = [37, 130, 216, 265]
const REQUESTS = 120
// A request takes less than the grace, from the moment when the browser picks its cookie to the end of its response.
const POLICY = { renewAfter: 150, renewGrace: 60, onReuse: 'end', absolute: 1_000_000 } as const

/** Numbers from 0 to below 1, the same ones for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Runs steps in the order of their times, each of which may plan others. */
function createTimeline(advance: (seconds: number) => void) {
  const steps: { readonly at: number; readonly run: () => Promise<void> | void }[] = []
  let now = 0
  const plan = (seconds: number, run: () => Promise<void> | void): void => {
    steps.push({ at: now + seconds, run })
  }
  const runAll = async (): Promise<void> => {
    while (steps.length > 0) {
      const next = steps.reduce((first, step) => (step.at < first.at ? step : first))
      steps.splice(steps.indexOf(next), 1)
      advance(next.at - now)
      now = next.at
      // One after the other: that is what a timeline is.
      await next.run()
    }
  }
  return { plan, runAll }
}

/** How many requests of one browser, most of which may only read, found no session, and how many keys it has had. */
async function browse(seed: number, reads: boolean): Promise<{ lost: number; keys: number }> {
  const random = randomOf(seed * 7919)
  const period = [600, 1800, 10_000][seed % 3] ?? 600
  const { sessions, clock } = createManager<number>({ policy: { ...POLICY, period } })
  const { plan, runAll } = createTimeline(clock.advance)
  let key: string = (await sessions.generate(0)).key
  const keys = new Set([key])
  let lost = 0

  function send(): void {
    const head = createHead()
    const request = createRequestSession(sessions, cookieOf(key), head)
    const [way, work, isLost] = [3, random() < 0.6 ? 2 : 45, random() < 0.08]
    const writes = !reads || random() < 0.15
    const answer = (): void => {
      const sent = /=([\w-]{22}\.[\w-]{43});/.exec(cookiesIn(head).at(-1) ?? '')
      key = sent?.[1] ?? key
      keys.add(key)
    }
    const write = async (): Promise<void> => {
      if (writes) await request.update((count = 0) => count + 1)
      head.send()
      if (!isLost) plan(random() * (random() < 0.9 ? way : 11), answer)
    }
    const load = async (): Promise<void> => {
      if ((await request.load()) === undefined) lost++
      else plan(random() * work, write)
    }
    plan(random() * way, load)
  }

  let at = 0
  for (let count = 0; count < REQUESTS; count++) {
    at += random() < 0.9 ? random() * 8 : 40 + random() * 140
    plan(at, send)
  }
  await runAll()
  return { lost, keys: keys.size }
}

it('a renewed key costs no browser its session, however its requests overlap', async () => {
  const seeds = Array.from({ length: BROWSERS }, (_, seed) => seed + 1)
  const browsed = await Promise.all([
    ...seeds.map((seed) => browse(seed, false)),
    ...READERS.map((seed) => browse(seed, true)),
  ])
  expect(browsed.filter(({ lost }) => lost > 0)).toEqual([])
  expect(browsed.reduce((sum, { keys }) => sum + keys, 0)).toBeGreaterThan(5 * BROWSERS)
})
