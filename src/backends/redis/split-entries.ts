import type { Handle } from '../../core/key.ts'
import type { SubjectLimit } from '../../core/store.ts'
import { whole } from './arguments.ts'
import { parseHeader } from './record.ts'
import type { Header } from './record.ts'
import { ENTER, LIST_ENTRIES, UNLIST } from './subject-scripts.ts'
import { PROBE } from './record-scripts.ts'
import { limitArguments } from './subjects.ts'
import type { Engine } from './subjects.ts'

/** An entry of an index. */
export interface Entry {
  readonly recordId: Handle
  /** When it was entered, by the clock of the server that has the index. */
  readonly enteredAt: number
}

/** An entry of which it is known how old it was when the index was read. */
export interface AgedEntry extends Entry {
  readonly ageMs: number
}

/** An entry and what was then found of its record. */
export interface Seen extends AgedEntry {
  /** The tokens of the live record. */
  readonly header?: Header | undefined
  /** When the last step that has run was entered, or `-`. */
  readonly mark: string
}

/** What `enter` did. */
export type Admission<T> =
  | { readonly refused: T | 'limit' }
  | { readonly enteredAt: number; readonly others: readonly AgedEntry[] }

// An entry without a record is left alone for so long, unless its step is known to have run: the step is refused
// when it comes more than a minute late, and the clocks of two servers are no further apart than the rest.
const UNDER_WAY_MS = 600_000
// Each try that is not the last has found a dead entry and taken it out.
const ENTER_ATTEMPTS = 32

/** Whether an entry stands for nothing: its record is not the index's, and no step is under way to make it so. */
export function isDead(entry: Seen, indexName: string): boolean {
  if (entry.header?.[13] === indexName) return false
  return Number(entry.mark) >= entry.enteredAt || entry.ageMs > UNDER_WAY_MS
}

/** The steps on an index in a slot of its own. */
export interface SplitEntries {
  /** The record's tokens, if it is live, and the mark. */
  probe(recordId: Handle, indexName: string): Promise<Pick<Seen, 'header' | 'mark'>>
  /** Probes the records of some entries. */
  look(indexName: string, entries: readonly AgedEntry[]): Promise<Seen[]>
  /** Takes entries out that have not been entered again since. */
  unlist(indexName: string, entries: readonly Entry[]): Promise<void>
  /**
   * Enters a record. At the bound it looks which of the entries that were counted are dead, and tries again without
   * them; those under way count. `excused` is asked before it refuses: `own` for a record that is in already.
   */
  enter<T>(
    indexName: string,
    recordId: Handle,
    lifeMs: number,
    limit: SubjectLimit | undefined,
    excused: (() => Promise<T | undefined | 'own'>) | undefined,
  ): Promise<Admission<T>>
  /** All entries of an index. */
  all(indexName: string): Promise<AgedEntry[]>
  /** Takes the dead of some entries out, beside what goes on. */
  drop(indexName: string, seen: readonly Seen[]): void
  /** As `drop`, of entries whose records have not been looked at yet. */
  tidy(indexName: string, entries: readonly Entry[]): void
}

/** Makes them. */
export function createSplitEntries({ keys, scripts }: Engine): SplitEntries {
  function entriesOf(nowMs: number, tokens: readonly string[]): AgedEntry[] {
    const told = tokens.filter((token) => token !== '')
    return Array.from({ length: told.length / 2 }, (_, at) => {
      const enteredAt = Number(told[2 * at + 1])
      return { recordId: told[2 * at] as Handle, enteredAt, ageMs: nowMs - enteredAt }
    })
  }

  async function probe(
    recordId: Handle,
    indexName: string,
  ): Promise<Pick<Seen, 'header' | 'mark'>> {
    const marked = [keys.record(recordId), keys.mark(recordId, indexName)]
    const [mark = '-', ...header] = await scripts.run(PROBE, marked, [])
    return { mark, header: header.length === 0 ? undefined : parseHeader(header.join(' ')) }
  }

  async function look(indexName: string, entries: readonly AgedEntry[]): Promise<Seen[]> {
    return Promise.all(
      entries.map(async (entry) => ({ ...entry, ...(await probe(entry.recordId, indexName)) })),
    )
  }

  async function unlist(indexName: string, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    const args = entries.flatMap(({ recordId, enteredAt }) => [recordId, String(enteredAt)])
    await scripts.run(UNLIST, [keys.index(indexName)], args)
  }

  async function unlistDead(indexName: string, seen: readonly Seen[]): Promise<number> {
    const dead = seen.filter((each) => isDead(each, indexName))
    await unlist(indexName, dead)
    return dead.length
  }

  async function enter<T>(
    indexName: string,
    recordId: Handle,
    lifeMs: number,
    limit: SubjectLimit | undefined,
    excused: (() => Promise<T | undefined | 'own'>) | undefined,
  ): Promise<Admission<T>> {
    let bound = limitArguments(limit)
    for (let attempt = 1; ; attempt++) {
      const args = [recordId, ...bound, whole(lifeMs)]
      const answer = await scripts.runTimed(ENTER, [keys.index(indexName)], args)
      const [nowMs, outcome, enteredAt, ...rest] = answer
      const others = entriesOf(Number(nowMs), rest).filter((entry) => entry.recordId !== recordId)
      if (outcome === 'entered') return { enteredAt: Number(enteredAt), others }
      const removed = await unlistDead(indexName, await look(indexName, others))
      if (removed > 0 && attempt < ENTER_ATTEMPTS) continue
      const excuse = await excused?.()
      if (excuse !== 'own') return { refused: excuse ?? 'limit' }
      bound = limitArguments(undefined)
    }
  }

  return {
    probe,
    look,
    unlist,
    enter,

    async all(indexName: string): Promise<AgedEntry[]> {
      const [nowMs, ...rest] = await scripts.runTimed(LIST_ENTRIES, [keys.index(indexName)], [])
      return entriesOf(Number(nowMs), rest)
    },

    drop(indexName: string, seen: readonly Seen[]): void {
      unlistDead(indexName, seen).catch(() => {})
    },

    tidy(indexName: string, entries: readonly Entry[]): void {
      const aged = entries.map((entry) => ({ ageMs: 0, ...entry }))
      look(indexName, aged)
        .then(async (seen) => unlistDead(indexName, seen))
        .catch(() => {})
    },
  }
}
