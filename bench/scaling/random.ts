/** Numbers that look random and follow from a seed: a multiplicative hash of a counter. */
export interface Random {
  /** From 0, and less than 1. */
  next(): number
  /** With this mean, exponentially distributed. */
  wait(mean: number): number
  /** How many of independent events that are this many on average. */
  count(mean: number): number
}

const STEP = 0x9e37_79b9
const EXACT_BELOW = 50

/** Makes the numbers of a seed. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed, STEP) ^ STEP

  function next(): number {
    state = (state + STEP) | 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }

  const wait = (mean: number): number => -mean * Math.log(1 - next())

  function count(mean: number): number {
    if (mean > EXACT_BELOW) {
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
      return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal))
    }
    let events = 0
    for (let time = wait(1); time < mean; time += wait(1)) events++
    return events
  }

  return { next, wait, count }
}
