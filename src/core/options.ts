import type { LifecyclePolicy } from './lifecycle.ts'
import type { SweeperOptions } from './sweeper.ts'

/** The names of the options of every backend. */
export const POLICY_OPTIONS: readonly (keyof LifecyclePolicy)[] = [
  'profile',
  'period',
  'absolute',
  'maxPerSubject',
  'atLimit',
  'renewGrace',
  'renewAfter',
  'onReuse',
  'sealed',
  'timeoutMs',
]

/** The names of the options of a backend that sweeps by a timer. */
export const SWEEPER_OPTIONS: readonly (keyof SweeperOptions)[] = [
  'sweepEveryMs',
  'sweepLimit',
  'signal',
]

/**
 * Accepts the options object of `maker`. A misspelt timeout that nobody notices would leave the default in its place.
 *
 * @throws TypeError when `options` is no object, has an option that is not among `known`, or a `signal` that is none.
 */
export function assertOptions(maker: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options of ${maker} must be an object`)
  }
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) throw new TypeError(`${maker} has no option "${option}"`)
  }
  const { signal } = options as SweeperOptions
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw new TypeError('"signal" must be an AbortSignal')
  }
}

/** @throws TypeError when the value of an option is neither `true` nor `false`. */
export function assertBoolean(option: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`"${option}" must be true or false`)
}

/** @throws TypeError when the value of an option is no function. */
export function assertFunction(option: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`"${option}" must be a function`)
}

/** @throws RangeError when the value of an option is no whole number of at least 1, and one that is exact. */
export function assertCount(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`"${option}" must be a whole number of at least 1`)
  }
}

/** @throws TypeError when the value of an option is not among `choices`. */
export function assertOneOf(option: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return
  throw new TypeError(`"${option}" must be ${choices.map((choice) => `"${choice}"`).join(' or ')}`)
}
