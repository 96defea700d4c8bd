// Two programs timed one after the other are timed on two machines: another clock rate, another heap. Here
// all variants of a workload take turns, forwards and then backwards, and each ratio is of one such turn.

/** What some work has taken, in nanoseconds: by the clock, and of processor time in all threads. */
class Spent {
  clock = 0
  cpu = 0

  add({ clock, cpu }, share) {
    this.clock += clock * share
    this.cpu += cpu * share
  }
}

/** Measures what lies between its starts and stops. */
export function createWatch() {
  const spent = new Spent()
  let startedMs
  let startedCpu
  return {
    spent,
    start: () => {
      startedCpu = process.cpuUsage()
      startedMs = performance.now()
    },
    stop: () => {
      const clock = (performance.now() - startedMs) * 1e6
      const { user, system } = process.cpuUsage(startedCpu)
      spent.add({ clock, cpu: (user + system) * 1000 }, 1)
    },
  }
}

/**
 * Times the variants of a workload against the first of them. A variant that measures itself gives what it has spent.
 *
 * @param {readonly { name: string, run: (operations: number) => unknown }[]} variants
 * @param {{ rounds: number, batchMs: number, operations?: number }} options A batch has so many operations, or else as
 *   many as take so long.
 */
export async function interleave(variants, { rounds, batchMs, operations }) {
  const plans = []
  for (const variant of variants)
    plans.push({ ...variant, times: [], ...(await warmUp(variant, batchMs, operations)) })
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.()
    const turn = new Map(plans.map((plan) => [plan, new Spent()]))
    for (const plan of [...plans, ...plans.toReversed()]) {
      turn.get(plan).add(await timeBatch(plan, plan.operations), 1 / 2)
    }
    for (const [plan, spent] of turn) plan.times.push(spent)
  }
  const [base] = plans
  const ratioOf = (times, unit) =>
    spreadOf(times.map((spent, round) => spent[unit] / base.times[round][unit]))
  return plans.map(({ name, times }) => ({
    name,
    nanoseconds: spreadOf(times.map(({ clock }) => clock)),
    ratio: ratioOf(times, 'clock'),
    cpuNanoseconds: spreadOf(times.map(({ cpu }) => cpu)),
    cpuRatio: ratioOf(times, 'cpu'),
  }))
}

/** Runs a variant until it is compiled, and finds how many operations fill a batch. */
async function warmUp(variant, batchMs, fixed) {
  if (fixed !== undefined) {
    await timeBatch(variant, fixed)
    return { operations: fixed }
  }
  let operations = 256
  for (;;) {
    const { clock } = await timeBatch(variant, operations)
    const milliseconds = (clock * operations) / 1e6
    if (milliseconds >= batchMs) break
    operations *= 2
  }
  for (let time = 0; time < 3; time++) await timeBatch(variant, operations)
  return { operations }
}

/** Nanoseconds for each operation. */
async function timeBatch({ run }, operations) {
  const watch = createWatch()
  watch.start()
  const itself = await run(operations)
  watch.stop()
  const each = new Spent()
  each.add(itself instanceof Spent ? itself : watch.spent, 1 / operations)
  return each
}

/** The median, and the bounds of the middle four fifths. */
export function spreadOf(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (part) => sorted[Math.round(part * (sorted.length - 1))]
  return { median: at(0.5), low: at(0.1), high: at(0.9) }
}
