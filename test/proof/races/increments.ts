import { createBackend, createSessionManager } from '../../../src/index.ts'
import type { CreateStore } from './logout.ts'
import { createDraw, createTurns } from './turns.ts'

/**
 * Makes `parallel` increments of one session at once, each on an object of its own, all loaded before the first
 * commits, in an order drawn at random; gives what the session holds after each of `rounds` rounds.
 */
export async function raceIncrements(
  create: CreateStore,
  parallel: number,
  rounds: number,
  seed: number,
): Promise<number[]> {
  const store = create(Date.now)
  const draw = createDraw(seed)
  const totals: number[] = []
  for (let round = 0; round < rounds; round++) {
    const turns = createTurns(draw)
    const backend = createBackend(turns.over(store))
    const sessions = createSessionManager<number>({ backend, clock: turns.clock })
    const { key } = await sessions.generate(0)
    const found = await Promise.all(Array.from({ length: parallel }, () => sessions.fromKey(key)))
    const loaded = found.flatMap((answer) => (answer.ok ? [answer.session] : []))
    await turns.run(async () => {
      await Promise.all(loaded.map((session) => sessions.update(session, (n) => n + 1)))
    }, 'random')
    const after = await sessions.fromKey(key)
    totals.push(after.ok ? after.session.value : NaN)
    await sessions.clearAll()
  }
  return totals
}
