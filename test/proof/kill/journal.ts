import { createHash, randomBytes } from 'node:crypto'

/** What the writer of a round may do. */
export type Operation = 'create' | 'update' | 'rotate' | 'clear'

/** A line of the journal: written before an operation is tried, and after it has been acknowledged. */
export interface Entry {
  readonly step: 'try' | 'ack'
  readonly operation: Operation
  /** The writer's own name of the session. */
  readonly session: string
  /** The count that the session's value holds after the operation. */
  readonly count: number
  /** The session's key after the operation; unknown before a create or a rotation. */
  readonly key?: string | undefined
}

/** The value of a session: a count, and enough noise with a checksum that half of it would show. */
export interface Value {
  readonly count: number
  readonly noise: string
  readonly sum: string
}

/** Makes a value of up to 16 KiB, so that many take several pages. */
export function valueOf(count: number): Value {
  const noise = randomBytes(Math.floor(Math.random() ** 4 * 12_000)).toString('base64')
  return { count, noise, sum: sumOf(count, noise) }
}

/** The count of a value, or `undefined` when it is not whole. */
export function wholeCountOf(value: unknown): number | undefined {
  const { count, noise, sum } = Object(value) as Partial<Value>
  if (typeof count !== 'number' || typeof noise !== 'string') return undefined
  return sum === sumOf(count, noise) ? count : undefined
}

function sumOf(count: number, noise: string): string {
  return createHash('sha256').update(`${count} ${noise}`).digest('base64url')
}

/** The entries of a journal. Its last line may be cut off, and is then none. */
export function parseJournal(text: string): Entry[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Entry)
}
