// Two programs timed one after the other are timed on two machines: another clock rate, another heap. Here
// all variants of a workload take turns, forwards and then backwards, and each ratio is of one such turn.

/**
 * Times the variants of a workload against the first of them.
 *
 * @param {readonly { name: string, run: (operations: number) => unknown }[]} variants
 * @param {{ rounds: number, batchMs: number }} options
 */
export async function interleave(variants, { rounds, batchMs }) {
  const plans = []
  for (const variant of variants)
    plans.push({ ...variant, times: [], ...(await warmUp(variant, batchMs)) })
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.()
    const turn = new Map(plans.map((plan) => [plan, 0]))
    for (const plan of [...plans, ...plans.toReversed()]) {
      turn.set(plan, turn.get(plan) + (await timeBatch(plan, plan.operations)) / 2)
    }
    for (const [plan, nanoseconds] of turn) plan.times.push(nanoseconds)
  }
  const [base] = plans
  return plans.map(({ name, times }) => ({
    name,
    nanoseconds: spreadOf(times),
    ratio: spreadOf(times.map((time, round) => time / base.times[round])),
  }))
}

/** Runs a variant until it is compiled, and finds how many operations fill a batch. */
async function warmUp(variant, batchMs) {
  let operations = 256
  for (;;) {
    const milliseconds = ((await timeBatch(variant, operations)) * operations) / 1e6
    if (milliseconds >= batchMs) break
    operations *= 2
  }
  for (let time = 0; time < 3; time++) await timeBatch(variant, operations)
  return { operations }
}

/** Nanoseconds for each operation. */
async function timeBatch({ run }, operations) {
  const startedMs = performance.now()
  await run(operations)
  return ((performance.now() - startedMs) * 1e6) / operations
}

/** The median, and the bounds of the middle four fifths. */
export function spreadOf(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (part) => sorted[Math.round(part * (sorted.length - 1))]
  return { median: at(0.5), low: at(0.1), high: at(0.9) }
}
