import { assertOneOf } from './options.ts'

/**
 * How sure it is who has authenticated, by the levels of NIST SP 800-63B-4 §2: `aal1` one factor, `aal2` two of them,
 * `aal3` two of which one is a key that cannot be copied. What each login of yours is worth is yours to say.
 */
export type Assurance = 'aal1' | 'aal2' | 'aal3'

const LEVELS: readonly string[] = ['aal1', 'aal2', 'aal3'] satisfies Assurance[]

/** Tells a level from anything else. */
export function isAssurance(level: unknown): level is Assurance {
  return LEVELS.includes(level as string)
}

/**
 * Accepts a level.
 *
 * @throws TypeError when it is none.
 */
export function assertAssurance(level: unknown): asserts level is Assurance {
  assertOneOf('assurance', level, LEVELS)
}

/** Whether `level` is worth at least `needed`. */
export function isAtLeast(level: Assurance | undefined, needed: Assurance): boolean {
  return level !== undefined && LEVELS.indexOf(level) >= LEVELS.indexOf(needed)
}
