// Throughput of many callers at once, in turns: each round runs all variants forwards and then backwards, and a
// ratio is of one round, so that a slow moment of the machine meets all of them.
import { spreadOf } from '../interleave.mjs'

/**
 * Rates the variants of a workload against the first of them.
 *
 * @param {readonly { name: string, run: (n: number) => Promise<unknown> }[]} variants One call each time.
 * @param {{ callers: number, rounds: number, batchMs: number }} options
 */
export async function rateInTurns(variants, { callers, rounds, batchMs }) {
  const plans = variants.map((variant) => ({ ...variant, rates: [], made: 0 }))
  for (const plan of plans) await rateBatch(plan, callers, batchMs * 2)
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.()
    const turn = new Map(plans.map((plan) => [plan, 0]))
    for (const plan of [...plans, ...plans.toReversed()]) {
      turn.set(plan, turn.get(plan) + (await rateBatch(plan, callers, batchMs)) / 2)
    }
    for (const [plan, rate] of turn) plan.rates.push(rate)
  }
  const [base] = plans
  return plans.map(({ name, rates }) => ({
    name,
    rate: spreadOf(rates),
    ratio: spreadOf(rates.map((rate, round) => rate / base.rates[round])),
  }))
}

/** Calls per second. */
async function rateBatch(plan, callers, batchMs) {
  const startedMs = performance.now()
  const endMs = startedMs + batchMs
  let calls = 0
  const call = async () => {
    while (performance.now() < endMs) {
      await plan.run(plan.made++)
      calls++
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return (calls * 1000) / (performance.now() - startedMs)
}
