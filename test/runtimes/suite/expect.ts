// What the HTTP suite asks of Vitest's `expect`, and no more, where Vitest cannot run. An assertion that is not
// here is a TypeError of the case that makes it.
import { inspect } from 'node:util'

/** A place in an expected value that any string fits which matches. */
class Matching {
  readonly pattern: RegExp

  constructor(pattern: RegExp) {
    this.pattern = pattern
  }
}

type Check = (actual: unknown, expected: unknown) => boolean

const CHECKS = {
  toBe: Object.is,
  toBeUndefined: (actual) => actual === undefined,
  toContain: (actual, expected) =>
    Array.isArray(actual) ? actual.includes(expected) : String(actual).includes(String(expected)),
  toEqual: (actual, expected) => same(actual, expected, { loose: true }),
  toHaveLength: (actual, expected) => (actual as { length: number }).length === expected,
  toMatch: (actual, expected) => (expected as RegExp).test(actual as string),
  toMatchObject: (actual, expected) => same(actual, expected, { part: true }),
  toStrictEqual: (actual, expected) => same(actual, expected, {}),
} satisfies Record<string, Check>

type Name = keyof typeof CHECKS
type Assertions = Readonly<Record<Name, (expected?: unknown) => void>>

/** Rejections, by a part of the message. */
interface Rejects {
  readonly toThrow: (message: string) => Promise<void>
}

/** The assertions about a value. */
export function expect(
  actual: unknown,
): Assertions & { readonly not: Assertions; readonly rejects: Rejects } {
  const toThrow = async (message: string): Promise<void> => {
    const outcome = await (actual as Promise<unknown>).then(
      () => 'nothing was thrown',
      (error: unknown) => String(error),
    )
    assert('rejects.toThrow', outcome.includes(message), outcome, message)
  }
  return { ...assertions(actual, true), not: assertions(actual, false), rejects: { toThrow } }
}

expect.stringMatching = (pattern: RegExp): Matching => new Matching(pattern)

function assertions(actual: unknown, wanted: boolean): Assertions {
  const entries = Object.entries(CHECKS).map(([name, check]: [string, Check]) => [
    name,
    (expected?: unknown) => assert(name, check(actual, expected) === wanted, actual, expected),
  ])
  return Object.fromEntries(entries) as Assertions
}

function assert(name: string, holds: boolean, actual: unknown, expected: unknown): void {
  if (!holds) throw new Error(`${name}: got ${inspect(actual)}, expected ${inspect(expected)}`)
}

/** How values are compared: with undefined properties as if absent, or with what else the actual one has. */
interface Way {
  readonly loose?: boolean
  readonly part?: boolean
}

function same(actual: unknown, expected: unknown, way: Way): boolean {
  if (expected instanceof Matching) {
    return typeof actual === 'string' && expected.pattern.test(actual)
  }
  if (Object.is(actual, expected)) return true
  if (!isObject(actual) || !isObject(expected)) return false
  if (expected instanceof Set) {
    return actual instanceof Set && actual.size === expected.size && actual.isSupersetOf(expected)
  }
  if (Array.isArray(expected) !== Array.isArray(actual)) return false
  if (Array.isArray(expected) && (actual as unknown[]).length !== expected.length) return false
  if (!way.part && Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return false
  const names = new Set([...Object.keys(expected), ...(way.part ? [] : Object.keys(actual))])
  return [...names].every(
    (name) =>
      (way.loose === true || (name in actual && name in expected)) &&
      same(actual[name], expected[name], way),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
